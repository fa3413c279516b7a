//! What `explain` has words for: conflicts, checks of `verify`, findings of `doctor`, ways that computing fails.

use serde_json::json;

use super::conflict;
use super::page::Page;
use super::palette::Tone;
use super::table::Table;
use crate::doctor::{FINDINGS, Finding};
use crate::toolchain::rules::{RULES, Rule};
use crate::verify::{CHECKS, Check, FAILURES, Failure};

/// Something that has an id and can be explained.
#[derive(Clone, Copy, Debug)]
pub enum Topic {
    Conflict(&'static Rule),
    Check(&'static Check),
    Finding(&'static Finding),
    Failure(&'static Failure),
}

impl Topic {
    pub fn all() -> impl Iterator<Item = Topic> {
        let rules = RULES.iter().map(|rule| Topic::Conflict(rule));
        let checks = CHECKS.iter().map(|check| Topic::Check(check));
        let findings = FINDINGS.iter().map(|finding| Topic::Finding(finding));
        let failures = FAILURES.iter().map(|failure| Topic::Failure(failure));
        rules.chain(checks).chain(findings).chain(failures)
    }

    /// The topic with this id; ids are of their own over all kinds.
    pub fn by_id(id: &str) -> Option<Topic> {
        Self::all().find(|topic| topic.id() == id)
    }

    pub fn id(&self) -> &'static str {
        match self {
            Topic::Conflict(rule) => rule.id,
            Topic::Check(check) => check.id,
            Topic::Finding(finding) => finding.id,
            Topic::Failure(failure) => failure.id,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Topic::Conflict(rule) => rule.title,
            Topic::Check(check) => check.title,
            Topic::Finding(finding) => finding.title,
            Topic::Failure(failure) => failure.title,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Topic::Conflict(_) => "conflict",
            Topic::Check(_) => "check",
            Topic::Finding(_) => "finding",
            Topic::Failure(_) => "failure",
        }
    }

    /// For programs.
    pub fn document(&self) -> serde_json::Value {
        match self {
            Topic::Conflict(rule) => {
                let mut document = conflict::document(rule);
                document["kind"] = self.kind().into();
                document
            }
            Topic::Check(check) => json!({
                "kind": self.kind(),
                "id": check.id,
                "title": check.title,
                "tier": check.tier,
                "why": unwrapped(check.why),
                "needs": check.needs,
                "remedies": check.remedies,
            }),
            Topic::Finding(finding) => json!({
                "kind": self.kind(),
                "id": finding.id,
                "title": finding.title,
                "why": unwrapped(finding.why),
                "remedies": finding.remedies,
            }),
            Topic::Failure(failure) => json!({
                "kind": self.kind(),
                "id": failure.id,
                "title": failure.title,
                "why": unwrapped(failure.why),
                "remedies": failure.remedies,
            }),
        }
    }

    /// All that is known of it.
    pub fn text(&self, page: Page) -> String {
        let (why, needs, remedies) = match self {
            Topic::Conflict(rule) => return conflict::rule(rule, page),
            Topic::Check(check) => (check.why, Some(check.needs), check.remedies),
            Topic::Finding(finding) => (finding.why, None, finding.remedies),
            Topic::Failure(failure) => (failure.why, None, failure.remedies),
        };
        let mut text = format!("{}\n", page.palette.paint(Tone::Strong, self.id()));
        text += &conflict::block(self.title(), "", page);
        text += &conflict::heading("why", page);
        let paragraphs = why.split("\n\n").map(|one| conflict::block(&one.replace('\n', " "), "  ", page));
        text += &paragraphs.collect::<Vec<_>>().join("\n");
        if let Some(needs) = needs {
            text += &conflict::heading("needs", page);
            text += &conflict::block(needs, "  ", page);
        }
        if !remedies.is_empty() {
            text += &conflict::heading("what to do", page);
            text += &conflict::remedies(remedies, "  ", page);
        }
        text
    }
}

/// Every topic, the kinds apart.
pub fn list(page: Page) -> String {
    let titles = [
        ("conflict", "what clashes"),
        ("check", "what `verify` holds a library against"),
        ("finding", "what `doctor` finds on a machine"),
        ("failure", "how computing on a GPU fails"),
    ];
    let table = |(kind, title): (&str, &str)| {
        let mut table = Table::new([kind, title]);
        for topic in Topic::all().filter(|topic| topic.kind() == kind) {
            table.row([(Tone::Plain, topic.id().to_owned()), (Tone::Plain, topic.title().to_owned())]);
        }
        table.render(0, page)
    };
    titles.map(table).join("\n")
}

/// Paragraphs without the line breaks of the source.
pub(super) fn unwrapped(text: &str) -> String {
    text.replace("\n\n", "\0").replace('\n', " ").replace('\0', "\n\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_means_one_topic() {
        let ids: BTreeSet<&str> = Topic::all().map(|topic| topic.id()).collect();
        assert_eq!(ids.len(), Topic::all().count());
        for topic in Topic::all() {
            assert_eq!(Topic::by_id(topic.id()).map(|found| found.title()), Some(topic.title()));
        }
    }
}
