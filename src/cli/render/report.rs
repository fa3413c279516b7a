//! The end of a run: what was made, what it cost, where it lies.

use super::amount;
use super::palette::{Palette, Tone};
use super::printable;
use super::table::Table;
use crate::model::{Outcome, Report, UnitReport};
use crate::toolchain::{self, rules::Severity};

/// Every unit with its stages and outcome.
pub fn summary(report: &Report, palette: Palette) -> String {
    let mut text = String::new();
    for unit in &report.units {
        text += &format!("\n{}: {}\n", palette.paint(Tone::Strong, &unit.unit), outcome(unit, palette));
        let mut table = Table::new(["stage", "state", "key", "time"]);
        for stage in &unit.stages {
            let (tone, state, time) = match stage.cached {
                true => (Tone::Faint, "cached", String::new()),
                false => (Tone::Good, "made", amount::seconds(stage.seconds)),
            };
            table.row([
                (Tone::Plain, stage.stage.to_string()),
                (tone, state.to_owned()),
                (Tone::Faint, stage.key.short()),
                (Tone::Plain, time),
            ]);
        }
        if !unit.stages.is_empty() {
            text += &table.render(2, palette);
        }
        text += &details(unit);
    }
    text + &format!("\n{} in {}\n", counts(report), amount::seconds(report.seconds))
}

/// The units that did not pass.
pub fn failures(report: &Report, palette: Palette) -> String {
    let failed = report.units.iter().filter(|unit| match unit.outcome {
        Outcome::Passed { .. } => false,
        Outcome::Failed { .. } | Outcome::Skipped { .. } => true,
    });
    failed.map(|unit| format!("{}: {}\n{}", unit.unit, outcome(unit, palette), details(unit))).collect()
}

/// The paths of the packages, one a line: data for standard output.
pub fn packages(report: &Report) -> String {
    let packages = report.units.iter().flat_map(|unit| match &unit.outcome {
        Outcome::Passed { packages } => packages.as_slice(),
        Outcome::Failed { .. } | Outcome::Skipped { .. } => &[],
    });
    packages.map(|package| format!("{}\n", package.path)).collect()
}

fn outcome(unit: &UnitReport, palette: Palette) -> String {
    match &unit.outcome {
        Outcome::Passed { packages } => {
            let what = if is_cached(unit) { "up to date" } else { "built" };
            let size = packages.iter().map(|package| package.size).sum();
            format!("{}, {}", palette.paint(Tone::Good, what), amount::bytes(size))
        }
        Outcome::Failed { why, .. } => {
            let mut lines = why.lines().map(|line| printable(line, 1000));
            let first = lines.next().unwrap_or_default();
            let rest: String = lines.map(|line| format!("\n  {line}")).collect();
            format!("{}: {first}{rest}", palette.paint(Tone::Bad, "failed"))
        }
        Outcome::Skipped { missing } => {
            format!("{}: {}", palette.paint(Tone::Warning, "skipped"), printable(missing, 1000))
        }
    }
}

fn details(unit: &UnitReport) -> String {
    match &unit.outcome {
        Outcome::Passed { packages } => match packages.as_slice() {
            [package] => format!("  sha256  {}\n", package.sha256),
            several => several
                .iter()
                .map(|package| format!("  sha256  {}  {}\n", package.sha256, file_name(&package.path)))
                .collect(),
        },
        Outcome::Failed { why, help, log } => {
            let help = help.iter().flat_map(|help| help.lines());
            let help = help.map(|line| format!("  help: {}\n", printable(line, 1000)));
            let log = log.iter().map(|log| format!("  log:  {log}\n"));
            help.chain(conflict(why)).chain(log).collect()
        }
        Outcome::Skipped { .. } => String::new(),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Where the error is that of a conflict that is known, how to read about it.
fn conflict(why: &str) -> Option<String> {
    let reading = toolchain::log::read(why.as_bytes()).expect("memory can be read");
    let finding = reading.findings.into_iter().find(|finding| finding.severity == Severity::Refuse)?;
    let what = printable(&finding.what, 1000);
    Some(format!("  help: {what}; see `rdna-build explain {}`\n", finding.rule))
}

/// `2 built, 1 failed`
fn counts(report: &Report) -> String {
    let kind = |unit: &UnitReport| match unit.outcome {
        Outcome::Passed { .. } if is_cached(unit) => "up to date",
        Outcome::Passed { .. } => "built",
        Outcome::Failed { .. } => "failed",
        Outcome::Skipped { .. } => "skipped",
    };
    let counted = ["up to date", "built", "failed", "skipped"].into_iter().filter_map(|wanted| {
        let number = report.units.iter().filter(|unit| kind(unit) == wanted).count();
        (number > 0).then(|| format!("{number} {wanted}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn is_cached(unit: &UnitReport) -> bool {
    !unit.stages.is_empty() && unit.stages.iter().all(|stage| stage.cached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_is_a_known_conflict_is_named() {
        let failed = |line: &str| UnitReport {
            unit: "miopen".into(),
            stages: vec![],
            outcome: Outcome::Failed {
                why: format!("the build failed in a.o\n  {line}\ncommand: clang++ a.cpp"),
                help: Some("`rdna-build logs` has the rest".into()),
                log: None,
            },
        };
        snapbox::assert_data_eq!(
            details(&failed("error: Invalid record (Producer: 'LLVM20.0.0git' Reader: 'LLVM 16.0.6')")),
            snapbox::str![[r#"
  help: `rdna-build logs` has the rest
  help: LLVM 20.0.0git made bitcode that LLVM 16.0.6 must read; see `rdna-build explain device-libs-newer`

"#]]
        );
        let ordinary = details(&failed("a.cpp:1:1: error: unknown type name 'x'"));
        assert_eq!(ordinary.lines().count(), 1, "{ordinary}");
    }
}
