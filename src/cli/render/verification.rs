//! What was verified: for people, and as JUnit's XML for CI servers.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::amount;
use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::model::{CaseReport, CheckOutcome, CheckReport, Device, RunOutcome, Tier, Verification};

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
        text += &cases(verified, *tier, page);
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
    if verified.devices.is_empty() {
        row("device", "none: nothing was computed, on no GPU and no emulator".to_owned());
    }
    for device in &verified.devices {
        match device {
            Device::Card(card) => {
                let at = card.address.as_deref().map(|address| format!(" at {address}")).unwrap_or_default();
                let firmware =
                    card.firmware.map(|version| format!(", firmware {version}")).unwrap_or_default();
                let driver =
                    card.driver.as_deref().map(|version| format!(", amdgpu {version}")).unwrap_or_default();
                row("device", format!("{} {}{at}, {}{firmware}{driver}", card.target, card.id, card.render));
                row("given", card.passed.join(", "));
            }
            Device::Emulator(emulator) => row(
                "device",
                format!(
                    "an emulator that is to be a {}, not hardware; sha256 {}",
                    emulator.target, emulator.sha256
                ),
            ),
        }
    }
    if let Some(kernel) = verified.kernel.as_ref().filter(|_| !verified.devices.is_empty()) {
        row("kernel", kernel.clone());
    }
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

/// What the cases of a tier came to: suites with all that failed, and numbers of the rest.
fn cases(verified: &Verification, tier: Tier, page: Page) -> String {
    let cases: Vec<&CaseReport> = verified.cases.iter().filter(|case| case.tier == tier).collect();
    if cases.is_empty() {
        return String::new();
    }
    let mut suites: Vec<&str> = cases.iter().map(|case| case.suite.as_str()).collect();
    suites.dedup();
    let mut table = Table::new(["cases", "right", "failed", "nothing", "not run", "runs", "seconds"]);
    for suite in suites {
        let own = || cases.iter().filter(|case| case.suite == suite);
        let count = |is: fn(&CheckOutcome) -> bool| own().filter(|case| is(&case.outcome)).count();
        let failed = count(|outcome| *outcome == CheckOutcome::Failed);
        let runs = own().flat_map(|case| &case.runs).filter(|run| run.outcome == RunOutcome::Right).count();
        table.row([
            (Tone::Plain, printable(suite, LONGEST)),
            (Tone::Plain, count(|outcome| *outcome == CheckOutcome::Passed).to_string()),
            (if failed > 0 { Tone::Bad } else { Tone::Plain }, failed.to_string()),
            (Tone::Faint, count(|outcome| matches!(outcome, CheckOutcome::Skipped { .. })).to_string()),
            (Tone::Faint, count(|outcome| matches!(outcome, CheckOutcome::NotRun { .. })).to_string()),
            (Tone::Plain, runs.to_string()),
            (Tone::Faint, format!("{:.1}", own().map(|case| case.seconds).sum::<f64>())),
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

pub(super) fn summary(verified: &Verification) -> String {
    let count = |name: &str, count: usize| (count > 0).then(|| format!("{count} {name}"));
    let counts = [
        count("passed", verified.passed()),
        count("failed", verified.failed()),
        count("skipped", verified.count(|outcome| matches!(outcome, CheckOutcome::Skipped { .. }))),
        count("not run", verified.count(|outcome| matches!(outcome, CheckOutcome::NotRun { .. }))),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() { "no check was asked for".to_owned() } else { counts.join(", ") };
    let is_right_on_a_card = verified
        .checks
        .iter()
        .any(|check| check.check == "gpu-results" && check.outcome == CheckOutcome::Passed);
    let unproven = match is_right_on_a_card {
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
        suite.add_property(("device", device(verified, *tier).as_str()));
        for check in verified.checks.iter().filter(|check| check.tier == *tier) {
            let says = match &check.outcome {
                CheckOutcome::NotRun { why } => format!("not run: {why}"),
                _ => check.says.clone(),
            };
            let mut status = status(&check.outcome, &says);
            if check.outcome == CheckOutcome::Failed {
                let evidence = check.evidence.iter().map(|one| format!("{}: {}\n", one.place, one.says));
                let remedies = check.remedies.iter().map(|remedy| format!("- {remedy}\n"));
                status.set_description(evidence.chain(remedies).collect::<String>());
            }
            let mut case = TestCase::new(check.check.as_str(), status);
            case.set_classname(format!("{}.{tier}", verified.target));
            suite.add_test_case(case);
        }
        for case in verified.cases.iter().filter(|case| case.tier == *tier) {
            suite.add_test_case(junit_case(case, &verified.target));
        }
        report.add_test_suite(suite);
    }
    report.to_string().expect("text can be written to memory")
}

/// What computed in a tier.
fn device(verified: &Verification, tier: Tier) -> String {
    let of_tier = |device: &&Device| match device {
        Device::Card(_) => tier == Tier::Gpu,
        Device::Emulator(_) => tier == Tier::Emulated,
    };
    match verified.devices.iter().find(of_tier) {
        Some(Device::Card(card)) => format!("{} {}", card.target, card.render),
        Some(Device::Emulator(emulator)) => format!("{} emulated, not hardware", emulator.target),
        None => "none".to_owned(),
    }
}

/// What JUnit knows of outcomes; what was not passed has a message.
fn status(outcome: &CheckOutcome, says: &str) -> TestCaseStatus {
    let mut status = match outcome {
        CheckOutcome::Passed => return TestCaseStatus::success(),
        CheckOutcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CheckOutcome::Skipped { .. } | CheckOutcome::NotRun { .. } => TestCaseStatus::skipped(),
    };
    status.set_message(printable(says, LONGEST));
    status
}

fn junit_case(case: &CaseReport, target: &str) -> TestCase {
    let mut status = status(&case.outcome, &case.says);
    if case.outcome == CheckOutcome::Failed {
        status.set_description(case.tail.clone().unwrap_or_default());
    }
    let mut one = TestCase::new(case.case.as_str(), status);
    one.set_classname(format!("{target}.{}.{}", case.tier, case.suite));
    one.set_time(std::time::Duration::from_secs_f64(case.seconds.max(0.0)));
    one
}
