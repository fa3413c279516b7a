//! Holds what was observed against what a proof expects.

use std::collections::{BTreeMap, BTreeSet};

use super::cases::{Case, cases};
use super::observation::{CaseSeen, Code, Observation, StepSeen};
use super::report::{Ended, Figure, Verdict};
use crate::code::Facts;
use crate::model::{
    CommandsExpectation, CommandsProof, CompileProof, Expectation, Proof, ProofKind, SideExpectation,
    TargetId, Version,
};

/// How many cases a failed expectation names.
const NAMED: usize = 3;
/// How much of a log a failure quotes, in lines.
const QUOTED: usize = 6;

/// What a proof came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    /// Each expectation that does not hold, in words.
    pub failures: Vec<String>,
    pub figures: Vec<Figure>,
}

/// Judges a proof on a version by what was observed without the patch and with it.
pub fn judge(proof: &Proof, version: &Version, before: &Observation, after: &Observation) -> Judged {
    let failures = failures(proof, version, before, after);
    // The negative control: the source without the patch must not pass for one with it.
    let verdict = match failures.is_empty() {
        false => Verdict::Failed,
        true if self::failures(proof, version, before, before).is_empty() => Verdict::ProvesNothing,
        true => Verdict::Passed,
    };
    Judged { verdict, failures, figures: figures(proof, version, before, after) }
}

fn failures(proof: &Proof, version: &Version, before: &Observation, after: &Observation) -> Vec<String> {
    match (&proof.kind, before, after) {
        (ProofKind::Compile(proof), Observation::Compile(before), Observation::Compile(after)) => {
            Matrix::new(proof, version, before, after)
                .map_or_else(|wrong| vec![wrong], |matrix| matrix.failures())
        }
        (ProofKind::Commands(proof), Observation::Commands(before), Observation::Commands(after)) => {
            let side = |name, expected, seen| commands(name, proof, expected, seen);
            [side("before", &proof.before, before), side("after", &proof.after, after)].concat()
        }
        _ => vec!["what was observed is not of the proof's kind".to_owned()],
    }
}

fn figures(proof: &Proof, version: &Version, before: &Observation, after: &Observation) -> Vec<Figure> {
    match (&proof.kind, before, after) {
        (ProofKind::Compile(proof), Observation::Compile(before), Observation::Compile(after)) => {
            Matrix::new(proof, version, before, after).map(|matrix| matrix.figures()).unwrap_or_default()
        }
        (ProofKind::Commands(proof), Observation::Commands(before), Observation::Commands(after)) => {
            let ended = |wanted: &CommandsExpectation, seen: &[StepSeen]| Ended {
                fails: seen.iter().find(|step| step.exit != 0).map(|step| step.name.clone()),
                says: wanted.says.iter().filter(|text| says(seen, text)).cloned().collect(),
            };
            vec![Figure::Commands { before: ended(&proof.before, before), after: ended(&proof.after, after) }]
        }
        _ => vec![],
    }
}

/// The cases of a version with what was seen of them on both sides.
struct Matrix<'a> {
    version: &'a Version,
    expect: &'a [Expectation],
    cases: Vec<Seen<'a>>,
}

struct Seen<'a> {
    case: Case,
    before: &'a CaseSeen,
    after: &'a CaseSeen,
}

impl<'a> Matrix<'a> {
    fn new(
        proof: &'a CompileProof,
        version: &'a Version,
        before: &'a [CaseSeen],
        after: &'a [CaseSeen],
    ) -> Result<Self, String> {
        let cases = cases(proof, version);
        if cases.is_empty() {
            return Err(format!("it has no cases for version {version}"));
        }
        if cases.len() != before.len() || cases.len() != after.len() {
            return Err("not every case was observed".to_owned());
        }
        let seen = cases.into_iter().zip(before.iter().zip(after));
        let cases = seen.map(|(case, (before, after))| Seen { case, before, after }).collect();
        Ok(Self { version, expect: &proof.expect, cases })
    }

    fn failures(&self) -> Vec<String> {
        let mut failures = self.other_targets();
        let expectations = self.expect.iter().filter(|expect| expect.versions.contains(self.version));
        let mut held = 0;
        for expect in expectations {
            held += 1;
            let among = self.cases.iter().filter(|seen| seen.case.is_among(&expect.targets, &expect.only));
            let among: Vec<&Seen<'_>> = among.collect();
            if among.is_empty() {
                failures.push(format!("{}: there are no such cases", scope(expect)));
                continue;
            }
            let found = expectation(expect, &among);
            failures.extend(found.into_iter().map(|failure| format!("{}{failure}", prefix(expect))));
        }
        if held == 0 {
            failures.push(format!("it expects nothing of version {}", self.version));
        }
        failures
    }

    /// An object for another processor than it was asked for means that the command is wrong.
    fn other_targets(&self) -> Vec<String> {
        let other = |case: &Case, seen: &CaseSeen| match &seen.code {
            Some(Code::Object { header, .. }) if header.target() != Some(case.target.processor()) => {
                Some(format!("{}: the object is for {header}", case.name()))
            }
            _ => None,
        };
        let both = |seen: &Seen<'_>| other(&seen.case, seen.before).or_else(|| other(&seen.case, seen.after));
        self.cases.iter().filter_map(both).take(NAMED).collect()
    }

    fn figures(&self) -> Vec<Figure> {
        let of = |target: &TargetId| {
            let cases = || self.cases.iter().filter(|seen| seen.case.target == *target);
            Figure::Compile {
                target: target.clone(),
                cases: cases().count(),
                failing_before: cases().filter(|seen| !seen.before.passed()).count(),
                failing_after: cases().filter(|seen| !seen.after.passed()).count(),
                changed: cases().filter(|seen| !is_same(seen)).count(),
            }
        };
        let mut targets: Vec<&TargetId> = Vec::new();
        for seen in &self.cases {
            if !targets.contains(&&seen.case.target) {
                targets.push(&seen.case.target);
            }
        }
        targets.into_iter().map(of).collect()
    }
}

/// Whether the patch changed nothing of a case.
fn is_same(seen: &Seen<'_>) -> bool {
    match (&seen.before.code, &seen.after.code) {
        (Some(Code::Object { sha256: one, .. }), Some(Code::Object { sha256: other, .. })) => one == other,
        (one, other) => one == other && seen.before.passed() == seen.after.passed(),
    }
}

/// Which cases an expectation is about.
fn scope(expect: &Expectation) -> String {
    let targets = expect.targets.iter().map(ToString::to_string);
    let only = expect.only.iter().map(|(axis, values)| format!("{axis}={}", values.join("|")));
    targets.chain(only).collect::<Vec<_>>().join(" ")
}

fn prefix(expect: &Expectation) -> String {
    match scope(expect).as_str() {
        "" => String::new(),
        scope => format!("{scope}: "),
    }
}

fn expectation(expect: &Expectation, among: &[&Seen<'_>]) -> Vec<String> {
    let mut failures = Vec::new();
    let targets: BTreeSet<&TargetId> = among.iter().map(|seen| &seen.case.target).collect();
    if let Some(wanted) = expect.cases {
        for target in &targets {
            let count = among.iter().filter(|seen| seen.case.target == **target).count();
            if count != wanted {
                failures.push(format!("{target} has {count} cases, {wanted} were expected"));
            }
        }
    }
    let before: Vec<_> = among.iter().map(|seen| (&seen.case, seen.before)).collect();
    let after: Vec<_> = among.iter().map(|seen| (&seen.case, seen.after)).collect();
    for (name, wanted, seen) in [("before", &expect.before, before), ("after", &expect.after, after)] {
        let found = wanted.as_ref().map(|wanted| side(wanted, &seen)).unwrap_or_default();
        failures.extend(found.into_iter().map(|failure| format!("{name}: {failure}")));
    }
    failures.extend(comparison(expect, among));
    failures
}

fn side(wanted: &SideExpectation, seen: &[(&Case, &CaseSeen)]) -> Vec<String> {
    let mut failures = Vec::new();
    let targets: BTreeSet<&TargetId> = seen.iter().map(|(case, _)| &case.target).collect();
    for target in targets {
        let of_target: Vec<_> = seen.iter().filter(|(case, _)| case.target == *target).copied().collect();
        failures.extend(counts(wanted, target, &of_target));
    }
    failures.extend(contents(wanted, seen));
    failures
}

/// How many cases of a target fail.
fn counts(wanted: &SideExpectation, target: &TargetId, seen: &[(&Case, &CaseSeen)]) -> Vec<String> {
    let Some(failing) = wanted.failing else { return vec![] };
    let says = |seen: &CaseSeen| wanted.says.as_ref().is_none_or(|text| seen.log.contains(text));
    let (said, otherwise): (Vec<_>, Vec<_>) =
        seen.iter().copied().filter(|(_, seen)| !seen.passed()).partition(|(_, seen)| says(seen));
    let mut failures = Vec::new();
    if said.len() != failing {
        let saying = wanted.says.as_ref().map(|text| format!(" saying `{text}`")).unwrap_or_default();
        failures.push(format!(
            "{target}: {} of {} fail{saying}, {failing} were expected{}",
            said.len(),
            seen.len(),
            named(&said)
        ));
    }
    if otherwise.len() != wanted.otherwise {
        failures.push(format!(
            "{target}: {} of {} fail for another reason, {} were expected{}",
            otherwise.len(),
            seen.len(),
            wanted.otherwise,
            named(&otherwise)
        ));
    }
    failures
}

/// What the results hold.
fn contents(wanted: &SideExpectation, seen: &[(&Case, &CaseSeen)]) -> Vec<String> {
    if !wanted.asks_of_objects() && !wanted.asks_of_texts() {
        return vec![];
    }
    let (passed, failed): (Vec<_>, Vec<_>) = seen.iter().copied().partition(|(_, seen)| seen.passed());
    if passed.is_empty() {
        return vec![format!("nothing was made that could be looked into{}", named(&failed))];
    }
    // Where the failures are counted, they are accounted for.
    if wanted.failing.is_none() && !failed.is_empty() {
        return vec![format!("{} of {} fail{}", failed.len(), seen.len(), named(&failed))];
    }
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (case, seen) in passed {
        for failure in inside(wanted, seen.code.as_ref()) {
            failures.entry(failure).or_default().push(case.name());
        }
    }
    failures.into_iter().map(|(failure, names)| format!("{failure}: {}", some_of(&names))).collect()
}

fn inside(wanted: &SideExpectation, code: Option<&Code>) -> Vec<String> {
    match code {
        Some(Code::Object { facts, .. }) => object(wanted, facts),
        Some(Code::Text(text)) => lines(wanted, text),
        Some(Code::Unreadable(reason)) => vec![reason.clone()],
        None => vec!["nothing was made".to_owned()],
    }
}

fn object(wanted: &SideExpectation, facts: &Facts) -> Vec<String> {
    let mut failures = Vec::new();
    if wanted.asks_of_texts() {
        failures.push("an object has no lines".to_owned());
    }
    for prefix in wanted.present.iter().filter(|prefix| facts.count(prefix) == 0) {
        failures.push(format!("no `{prefix}…`"));
    }
    for prefix in wanted.absent.iter().filter(|prefix| facts.count(prefix) != 0) {
        failures.push(format!("has `{prefix}…`"));
    }
    for constant in wanted.constants_absent.iter().filter(|constant| facts.constants.contains_key(constant)) {
        failures.push(format!("has the constant {constant:#010x}"));
    }
    if !wanted.word3.is_empty() {
        if facts.word3.is_empty() {
            failures.push("no buffer resource descriptor was found".to_owned());
        }
        for other in facts.word3.keys().filter(|value| !wanted.word3.contains(value)) {
            failures.push(format!("word 3 is {other:#010x}"));
        }
    }
    failures
}

fn lines(wanted: &SideExpectation, text: &str) -> Vec<String> {
    let mut failures = Vec::new();
    if wanted.asks_of_objects() {
        failures.push("a text has no instructions".to_owned());
    }
    let has = |wanted: &&String| text.lines().any(|line| line.contains(wanted.as_str()));
    failures
        .extend(wanted.lines.iter().filter(|line| !has(line)).map(|line| format!("no line has `{line}`")));
    failures.extend(wanted.lines_absent.iter().filter(has).map(|line| format!("a line has `{line}`")));
    failures
}

/// What must be the same on both sides.
fn comparison(expect: &Expectation, among: &[&Seen<'_>]) -> Vec<String> {
    if !expect.identical && !expect.same_size && expect.bytes_changed.is_none() {
        return vec![];
    }
    if !among.iter().any(|seen| seen.before.passed() && seen.after.passed()) {
        return vec!["nothing was made on both sides that could be compared".to_owned()];
    }
    let mut failures = Vec::new();
    for seen in among {
        let mut fail = |what: String| failures.push(format!("{}: {what}", seen.case.name()));
        if expect.identical && !is_same(seen) {
            fail("the patch changes it".to_owned());
        }
        if !expect.same_size && expect.bytes_changed.is_none() {
            continue;
        }
        let (Some(Code::Object { text: before, .. }), Some(Code::Object { text: after, .. })) =
            (&seen.before.code, &seen.after.code)
        else {
            fail("no objects on both sides to compare".to_owned());
            continue;
        };
        if before.len() != after.len() {
            fail(format!("{} bytes of code before, {} after", before.len(), after.len()));
        } else if let Some(wanted) = expect.bytes_changed {
            let changed = before.iter().zip(after).filter(|(one, other)| one != other).count();
            if changed != wanted {
                fail(format!("{changed} bytes differ, {wanted} were expected"));
            }
        }
    }
    let more = failures.len().saturating_sub(NAMED);
    if more > 0 {
        failures.truncate(NAMED);
        failures.push(format!("and {more} more"));
    }
    failures
}

/// The first cases, with what the first of them says.
fn named(seen: &[(&Case, &CaseSeen)]) -> String {
    let Some((_, first)) = seen.first() else { return String::new() };
    let names: Vec<String> = seen.iter().map(|(case, _)| case.name()).collect();
    format!(": {}{}", some_of(&names), quoted(first.log.lines().take(QUOTED)))
}

/// The first names, and how many more there are.
fn some_of(names: &[String]) -> String {
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn quoted<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.map(|line| format!("\n    | {line}")).collect()
}

fn commands(
    name: &str,
    proof: &CommandsProof,
    wanted: &CommandsExpectation,
    seen: &[StepSeen],
) -> Vec<String> {
    let mut failures = Vec::new();
    let stopped = seen.iter().find(|step| step.exit != 0);
    let end = |step: &StepSeen| {
        let lines: Vec<&str> = step.log.lines().collect();
        quoted(lines[lines.len().saturating_sub(QUOTED)..].iter().copied())
    };
    match (&wanted.fails, stopped) {
        (None, Some(step)) => failures.push(format!(
            "{name}: step `{}` fails with exit code {}{}",
            step.name,
            step.exit,
            end(step)
        )),
        (Some(fails), Some(step)) if step.name != *fails => failures.push(format!(
            "{name}: step `{}` fails, `{fails}` was expected to{}",
            step.name,
            end(step)
        )),
        (Some(fails), None) => {
            failures.push(format!("{name}: step `{fails}` passes, it was expected to fail"))
        }
        (None, None) if seen.len() != proof.steps.len() => {
            failures.push(format!("{name}: not every step was observed"));
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    for text in wanted.says.iter().filter(|text| !says(seen, text)) {
        failures.push(format!("{name}: nothing says `{text}`{}", seen.last().map(end).unwrap_or_default()));
    }
    for text in wanted.silent.iter().filter(|text| says(seen, text)) {
        failures.push(format!("{name}: something says `{text}`"));
    }
    failures
}

fn says(seen: &[StepSeen], text: &str) -> bool {
    seen.iter().any(|step| step.log.contains(text))
}
