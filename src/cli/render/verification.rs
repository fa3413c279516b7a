//! What was verified: for people, and as JUnit's XML for CI servers.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::amount;
use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::model::{CheckOutcome, CheckReport, Device, Tier, Verification};

/// How much of one fact or piece of evidence is shown.
const LONGEST: usize = 400;
/// How many pieces of evidence are shown of a check that did not fail, and of one that did.
const EVIDENCE: (usize, usize) = (0, 12);

/// The whole page.
pub fn text(verified: &Verification, page: Page) -> String {
    let mut text = head(verified, page);
    for tier in &verified.tiers {
        let checks: Vec<&CheckReport> = verified.checks.iter().filter(|check| check.tier == *tier).collect();
        if checks.is_empty() {
            continue;
        }
        text += &format!("\n{}\n", page.palette.paint(Tone::Strong, tier.as_str()));
        let mut table = Table::default();
        for check in &checks {
            table.row([
                (tone(&check.outcome), check.outcome.as_str().to_owned()),
                (Tone::Plain, check.check.clone()),
                (Tone::Plain, printable(&check.says, LONGEST)),
            ]);
        }
        text += &table.render(2, page);
        text += &checks.iter().map(|check| matter(check, page)).collect::<String>();
        if *tier == Tier::Kernels && !verified.kernels.is_empty() {
            text += &kernels(verified, page);
        }
    }
    text + &format!("\n{}\n", page.lines(&summary(verified), 0).join("\n"))
}

fn head(verified: &Verification, page: Page) -> String {
    let mut table = Table::default();
    let subject = &verified.subject;
    let mut row = |name: &str, value: String| {
        table.row([(Tone::Strong, name.to_owned()), (Tone::Plain, printable(&value, LONGEST))]);
    };
    row("verified", format!("{} for {}", subject.name, verified.target));
    row("library", format!("{}, sha256 {}", amount::bytes(subject.size), subject.sha256));
    row(
        "runtime",
        match &verified.runtime {
            Some(runtime) => format!("{}, in a container without network", runtime.name),
            None => "none: the library was only read".to_owned(),
        },
    );
    row(
        "device",
        match verified.device {
            Device::None => "none: nothing was computed, on no GPU and no emulator".to_owned(),
        },
    );
    table.render(0, page)
}

/// What compiled, by kind; what the library never asks for stands apart.
fn kernels(verified: &Verification, page: Page) -> String {
    let mut table = Table::new(["kernels", "compile", "never asked for", "what they are"]);
    for kind in &verified.kernels {
        let tone = match kind.compiled + kind.known_to_fail == kind.asked {
            true => Tone::Plain,
            false => Tone::Bad,
        };
        let of =
            |some: usize, all: usize| if all == 0 { "–".to_owned() } else { format!("{some} of {all}") };
        table.row([
            (Tone::Plain, printable(&kind.id, LONGEST)),
            (tone, of(kind.compiled, kind.asked)),
            (Tone::Faint, of(kind.gated_compiled, kind.gated)),
            (Tone::Faint, printable(&kind.summary, LONGEST)),
        ]);
    }
    format!("\n{}", table.render(2, page))
}

/// What there is to see of a check that failed.
fn matter(check: &CheckReport, page: Page) -> String {
    let most = match check.outcome {
        CheckOutcome::Failed => EVIDENCE.1,
        _ => EVIDENCE.0,
    };
    if most == 0 {
        return String::new();
    }
    let mut text = format!("\n  {}\n", page.palette.paint(Tone::Bad, &check.check));
    let mut table = Table::default();
    for evidence in check.evidence.iter().take(most) {
        table.row([
            (Tone::Plain, printable(&evidence.place, LONGEST)),
            (Tone::Faint, printable(&evidence.says, LONGEST)),
        ]);
    }
    text += &table.render(4, page);
    if check.evidence.len() > most {
        text += &format!("    and {} more: --report json has all\n", check.evidence.len() - most);
    }
    for remedy in &check.remedies {
        let lines = page.lines(&printable(remedy, LONGEST), 6);
        for (number, line) in lines.iter().enumerate() {
            text += &format!("    {} {line}\n", if number == 0 { "-" } else { " " });
        }
    }
    text + &format!(
        "    {}\n",
        page.palette.paint(Tone::Faint, &format!("rdna-build explain {}", check.check))
    )
}

fn tone(outcome: &CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Passed => Tone::Good,
        CheckOutcome::Failed => Tone::Bad,
        CheckOutcome::Skipped { .. } | CheckOutcome::NotRun { .. } => Tone::Warning,
    }
}

fn summary(verified: &Verification) -> String {
    let count = |name: &str, count: usize| (count > 0).then(|| format!("{count} {name}"));
    let counts = [
        count("passed", verified.passed()),
        count("failed", verified.failed()),
        count("skipped", verified.count(|outcome| matches!(outcome, CheckOutcome::Skipped { .. }))),
        count("not run", verified.count(|outcome| matches!(outcome, CheckOutcome::NotRun { .. }))),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() { "no check was asked for".to_owned() } else { counts.join(", ") };
    let unproven = match verified.tiers.contains(&Tier::Gpu) {
        true => "",
        false => "; that it computes correctly on a card is unproven",
    };
    format!("{counts} in {:.1} s{unproven}", verified.seconds)
}

/// JUnit's XML: a suite for each tier, a case for each check. What was skipped says what is missing.
pub fn junit(verified: &Verification) -> String {
    let mut report = Report::new(format!("rdna-build verify {} {}", verified.subject.name, verified.target));
    for tier in &verified.tiers {
        let mut suite = TestSuite::new(tier.as_str());
        let image = verified.runtime.as_ref().map_or("none", |runtime| runtime.name.as_str());
        suite.add_property(("target", verified.target.as_str()));
        suite.add_property(("runtime", image));
        suite.add_property((
            "device",
            match verified.device {
                Device::None => "none",
            },
        ));
        for check in verified.checks.iter().filter(|check| check.tier == *tier) {
            let mut status = match &check.outcome {
                CheckOutcome::Passed => TestCaseStatus::success(),
                CheckOutcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
                CheckOutcome::Skipped { .. } | CheckOutcome::NotRun { .. } => TestCaseStatus::skipped(),
            };
            let says = match &check.outcome {
                CheckOutcome::NotRun { why } => format!("not run: {why}"),
                _ => check.says.clone(),
            };
            if !matches!(check.outcome, CheckOutcome::Passed) {
                status.set_message(printable(&says, LONGEST));
            }
            if check.outcome == CheckOutcome::Failed {
                let evidence = check.evidence.iter().map(|one| format!("{}: {}\n", one.place, one.says));
                let remedies = check.remedies.iter().map(|remedy| format!("- {remedy}\n"));
                status.set_description(evidence.chain(remedies).collect::<String>());
            }
            let mut case = TestCase::new(check.check.as_str(), status);
            case.set_classname(format!("{}.{tier}", verified.target));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("text can be written to memory")
}
