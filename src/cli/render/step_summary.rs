//! What came of a command, as Markdown, for a CI server that shows it beside the job (`GITHUB_STEP_SUMMARY`).

use std::fs::OpenOptions;
use std::io::Write as _;

use super::amount;
use super::{complain, printable};
use crate::model::{CheckOutcome, HostPath, Outcome, Report, Verification};

/// How much of a text is shown.
const LONGEST: usize = 300;

/// Appends to the server's file. A file that cannot be written costs a line on standard error, never the run.
pub fn append(file: Option<&HostPath>, text: &str) {
    let Some(file) = file else { return };
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file.as_path())
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        complain(&format!("warning: the step summary {file} cannot be written: {error}\n"));
    }
}

/// What a run built.
pub fn of_report(report: &Report) -> String {
    let mut text =
        "### rdna-build\n\n| unit | result | size | made | cached |\n|---|---|---|---|---|\n".to_owned();
    for unit in &report.units {
        let (result, size) = match &unit.outcome {
            Outcome::Passed { packages } => {
                ("built".to_owned(), amount::bytes(packages.iter().map(|package| package.size).sum()))
            }
            Outcome::Failed { why, .. } => (format!("**failed**: {}", cell(why)), String::new()),
            Outcome::Skipped { missing } => (format!("skipped: {}", cell(missing)), String::new()),
        };
        let stages = |cached: bool| {
            let stages = unit.stages.iter().filter(|stage| stage.cached == cached);
            stages.map(|stage| stage.stage.to_string()).collect::<Vec<_>>().join(", ")
        };
        text +=
            &format!("| {} | {result} | {size} | {} | {} |\n", cell(&unit.unit), stages(false), stages(true));
    }
    text + &format!("\nin {}\n\n", amount::seconds(report.seconds))
}

/// What was verified.
pub fn of_verification(verified: &Verification) -> String {
    let mut text = format!(
        "### {} for {}\n\n| | check | |\n|---|---|---|\n",
        cell(&verified.subject.name),
        cell(&verified.target)
    );
    for check in &verified.checks {
        let outcome = match check.outcome {
            CheckOutcome::Failed => "**failed**",
            _ => check.outcome.as_str(),
        };
        text += &format!("| {outcome} | {} | {} |\n", cell(&check.check), cell(&check.says));
    }
    text + &format!("\n{}\n\n", super::verification::summary(verified))
}

/// Text that stays in its cell: what it holds came from logs and libraries of strangers.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for character in printable(text, LONGEST).chars() {
        match character {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\n' | '\r' => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_strangers_write_leaves_its_cell() {
        let hostile = "a|b\n| c | <img src=x> ![x](http://x) `y` **z**";
        let cell = cell(hostile);
        assert!(!cell.contains('\n') && !cell.contains('<'), "{cell}");
        let bare = |c: char| cell.match_indices(c).any(|(at, _)| !cell[..at].ends_with('\\'));
        assert!(!bare('|') && !bare('[') && !bare('`') && !bare('*'), "{cell}");
    }
}
