//! What proofs came to, and what does not hold.

use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::proof::{Ended, Figure, ProofReport, ProofResult, Verdict};

/// The longest line of a failure.
const LONGEST: usize = 1000;
/// How much of a text that was said stands in the table.
const SHOWN: usize = 80;

/// The table, every failure, and how many of each verdict there are.
pub fn text(report: &ProofReport, page: Page) -> String {
    let mut table = Table::new(["patch", "proof", "verdict", "without the patch → with it"]);
    for result in &report.results {
        let (tone, verdict) = verdict(result);
        table.row([
            (Tone::Plain, result.patch.to_string()),
            (Tone::Plain, result.proof.clone().unwrap_or_else(|| "–".to_owned())),
            (tone, verdict),
            (Tone::Faint, seen(result)),
        ]);
    }
    let mut text = table.render(0, Page { columns: None, ..page });
    for result in report.results.iter().filter(|result| result.verdict.is_bad()) {
        text += &matter(result, page);
    }
    text + &format!("\n{}\n", counts(report))
}

fn verdict(result: &ProofResult) -> (Tone, String) {
    let (tone, word) = match &result.verdict {
        Verdict::Passed => (Tone::Good, "passed"),
        Verdict::Failed => (Tone::Bad, "failed"),
        Verdict::ProvesNothing => (Tone::Bad, "proves nothing"),
        Verdict::Skipped { .. } => (Tone::Warning, "skipped"),
    };
    let cached = if result.cached { ", cached" } else { "" };
    (tone, format!("{word}{cached}"))
}

/// The figures in a line.
fn seen(result: &ProofResult) -> String {
    if let Verdict::Skipped { why } = &result.verdict {
        return printable(why, LONGEST);
    }
    // Targets of which the same can be said stand together.
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for figure in &result.figures {
        let (target, what) = match figure {
            Figure::Compile { target, cases, failing_before, failing_after, changed } => {
                let failing = match (failing_before, failing_after) {
                    (0, 0) => String::new(),
                    (before, after) => format!("{before} → {after} fail, "),
                };
                let word = if *cases == 1 { "case" } else { "cases" };
                (target.to_string(), format!("{cases} {word}, {failing}{changed} changed"))
            }
            Figure::Commands { before, after } => {
                (String::new(), format!("{} → {}", ended(before, after), ended(after, before)))
            }
        };
        match told.iter_mut().find(|(other, _)| *other == what) {
            Some((_, targets)) => targets.push(target),
            None => told.push((what, vec![target])),
        }
    }
    let line = |(what, targets): &(String, Vec<String>)| match targets.concat().as_str() {
        "" => what.clone(),
        _ => format!("{}: {what}", targets.join(" ")),
    };
    told.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// How the steps ended on one side, and what was said only there.
fn ended(ended: &Ended, other: &Ended) -> String {
    let end = match &ended.fails {
        Some(step) => format!("`{}` fails", printable(step, SHOWN)),
        None => "passes".to_owned(),
    };
    let own: Vec<&String> = ended.says.iter().filter(|text| !other.says.contains(text)).collect();
    match own.as_slice() {
        [] => end,
        [text] => format!("{end}, says `{}`", printable(text, SHOWN)),
        [text, more @ ..] => format!("{end}, says `{}` and {} more", printable(text, SHOWN), more.len()),
    }
}

fn matter(result: &ProofResult, page: Page) -> String {
    let proof = result.proof.as_deref().unwrap_or_default();
    let title = format!("{} ({proof}): {}", result.patch, printable(&result.summary, LONGEST));
    let mut text = format!("\n{}\n", page.palette.paint(Tone::Strong, &title));
    if result.verdict == Verdict::ProvesNothing {
        text += "  all that it expects holds without the patch, too\n";
    }
    for line in result.failures.iter().flat_map(|failure| failure.lines()) {
        text += &format!("  {}\n", printable(line, LONGEST));
    }
    text
}

fn counts(report: &ProofReport) -> String {
    let skipped = |verdict: &Verdict| matches!(verdict, Verdict::Skipped { .. });
    let some: Vec<String> = [
        ("passed", report.count(|verdict| *verdict == Verdict::Passed)),
        ("failed", report.count(|verdict| *verdict == Verdict::Failed)),
        ("prove nothing", report.count(|verdict| *verdict == Verdict::ProvesNothing)),
        ("skipped", report.count(skipped)),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(word, count)| format!("{count} {word}"))
    .collect();
    format!(
        "{} {} with {}: {}",
        report.recipe,
        report.version,
        report.toolchain,
        if some.is_empty() { "nothing to prove".to_owned() } else { some.join(", ") }
    )
}
