//! Reads a log for the texts by which the rules' conflicts show themselves. It may come from anywhere.
//!
//! All input is hostile: lines are cut, a log ends at a limit, and what is kept of it does not grow with it.

mod lines;
mod matcher;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Read};

use super::rules::{RULES, Rule, Severity};

/// Longer lines than any compiler writes; the rest of one is passed over.
pub const LONGEST_LINE: usize = 64 << 10;
/// A whole build of ROCm writes less.
pub const LARGEST_LOG: u64 = 64 << 20;

/// What a log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reading {
    /// One for each rule, what explains a failure first, then the most certain.
    pub findings: Vec<Finding>,
    pub lines: u64,
    /// The log is longer than what is read of one.
    pub is_cut: bool,
}

/// A rule whose conflict a log shows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    pub rule: &'static str,
    pub severity: Severity,
    /// The first line that shows it.
    pub line: u64,
    /// That line, without anything that a terminal would obey.
    pub text: String,
    /// Which two things clash, in one sentence.
    pub what: String,
    /// What the line says, by the names that the signature gives to its parts.
    pub caught: BTreeMap<String, String>,
    /// How many more lines show it.
    pub more: u64,
}

impl Finding {
    pub fn rule(&self) -> &'static Rule {
        Rule::by_id(self.rule).expect("findings are made of rules")
    }
}

/// Reads a log to its end.
pub fn read(input: impl Read) -> io::Result<Reading> {
    let mut matcher = matcher::Matcher::default();
    let mut lines = lines::Lines::new(input);
    while let Some(line) = lines.next()? {
        matcher.line(line);
    }
    let (number, is_cut) = (lines.number(), lines.is_cut());
    Ok(Reading { findings: findings(matcher.finish()), lines: number, is_cut })
}

/// One finding for each rule, without those that only repeat what another says.
fn findings(hits: Vec<matcher::Hit>) -> Vec<Finding> {
    let refuses = |rule: &Rule| {
        hits.iter().any(|hit| hit.rule.id == rule.id && hit.finding.severity == Severity::Refuse)
    };
    let covered: Vec<&str> =
        RULES.iter().filter(|rule| refuses(rule)).flat_map(|rule| rule.covers.iter().copied()).collect();
    let mut found: BTreeMap<usize, Finding> = BTreeMap::new();
    for hit in &hits {
        // A line that fits together with others says more than one that fits alone.
        let is_told = |other: &matcher::Hit| {
            !hit.is_in_context
                && other.is_in_context
                && other.finding.line == hit.finding.line
                && other.rule.id != hit.rule.id
        };
        if covered.contains(&hit.rule.id) || hits.iter().any(is_told) {
            continue;
        }
        let place = RULES.iter().position(|rule| rule.id == hit.rule.id).expect("hits are of rules");
        match found.get_mut(&place) {
            None => {
                found.insert(place, hit.finding.clone());
            }
            // What explains a failure says more than a hint before it.
            Some(known) if known.severity < hit.finding.severity => {
                let more = known.more + 1 + hit.finding.more;
                *known = Finding { more, ..hit.finding.clone() };
            }
            Some(known) => known.more += 1 + hit.finding.more,
        }
    }
    let mut findings: Vec<Finding> = found.into_values().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}
