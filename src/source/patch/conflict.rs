//! The two ways in which a hunk does not fit: nowhere, or only with more than it may give up.

use std::fmt::Write as _;

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::Serialize;
use thiserror::Error;

use super::series::HunkReport;
use super::sides::{Row, table};
use crate::model::Fit;

/// A hunk that fits nowhere.
#[derive(Debug, Error, Diagnostic, Serialize)]
#[error(
    "{patch} does not apply: hunk {number} of {file} ({header}, line {header_line} of the patch) fits nowhere"
)]
#[diagnostic(code(patch::conflict), help("{}", self.advice()))]
#[serde(rename_all = "kebab-case")]
pub struct Conflict {
    pub patch: String,
    pub file: String,
    /// From 1, among the hunks of this file.
    pub number: usize,
    /// The `@@` line.
    pub header: String,
    /// Where it stands in the patch, from 1.
    pub header_line: usize,
    /// The line of the file, from 1, where the hunk comes nearest to fitting, and how many of its lines do.
    pub nearest: Option<Nearest>,
    /// What the patch expects at the first line that differs there.
    pub expected: String,
    /// What the file holds instead; nothing at its end.
    pub found: Option<String>,
    /// The line of the file, from 1, that differs.
    pub found_line: usize,
    /// The line of the file, from 1, that already holds what this hunk makes.
    pub present: Option<usize>,
    /// What the hunk expects beside what is there.
    pub rows: Vec<Row>,
    #[source_code]
    #[serde(skip)]
    pub(super) text: NamedSource<String>,
    #[label("{}", self.difference())]
    #[serde(skip)]
    pub(super) span: SourceSpan,
}

/// Where a hunk comes nearest to fitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    pub line: usize,
    pub fitting: usize,
    pub of: usize,
}

impl Conflict {
    fn difference(&self) -> String {
        match &self.found {
            Some(found) => format!("line {} of {} is `{found}`", self.found_line, self.file),
            None => format!("{} ends before line {}", self.file, self.found_line),
        }
    }

    fn advice(&self) -> String {
        let mut text = match self.nearest {
            Some(Nearest { line, fitting, of }) => {
                format!("from line {line} of {} on, {fitting} of its {of} lines fit", self.file)
            }
            None => "no line of it is in the file".to_owned(),
        };
        if let Some(line) = self.present {
            let _ = write!(text, "; what it makes is there already, at line {line}");
        }
        if !self.rows.is_empty() {
            let table = table(&self.rows, &format!("{} expects", self.patch), &format!("{} has", self.file));
            let _ = write!(text, ":\n\n{table}");
        }
        text.push_str("\nport the patch to this version, or limit it with `versions`");
        text
    }
}

/// A patch whose hunks all fit, some only with more than they may give up.
#[derive(Debug, Error, Diagnostic, Serialize)]
#[error("{patch} applies only if it may give up more: {}", self.first())]
#[diagnostic(code(patch::fit), help("{}", self.advice()))]
#[serde(rename_all = "kebab-case")]
pub struct Looser {
    pub patch: String,
    /// What it may give up, and what it would have to.
    pub allowed: Fit,
    pub needs: Fit,
    /// The hunks that need more than is allowed, and where they would go.
    pub hunks: Vec<LooseHunk>,
    #[source_code]
    #[serde(skip)]
    pub(super) text: NamedSource<String>,
    #[label("this hunk")]
    #[serde(skip)]
    pub(super) span: SourceSpan,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LooseHunk {
    /// The `@@` line.
    pub header: String,
    /// Where it stands in the patch, from 1.
    pub header_line: usize,
    /// Where it would go, and what it would give up.
    #[serde(flatten)]
    pub place: HunkReport,
}

impl LooseHunk {
    fn account(&self) -> String {
        let HunkReport { file, number, line, offset, fuzz, elsewhere, .. } = &self.place;
        let mut text = format!("hunk {number} of {file} fits at line {line}");
        match offset {
            0 => {}
            1.. => text.push_str(&format!(", {} further down", lines(offset.unsigned_abs()))),
            _ => text.push_str(&format!(", {} further up", lines(offset.unsigned_abs()))),
        }
        if *fuzz > 0 {
            let _ = write!(text, ", without {} of its context", lines(u64::from(*fuzz)));
        }
        if *elsewhere > 0 {
            let _ = write!(text, "; {elsewhere} other places would do as well");
        }
        text
    }
}

fn lines(count: u64) -> String {
    format!("{count} line{}", if count == 1 { "" } else { "s" })
}

impl Looser {
    fn first(&self) -> String {
        self.hunks.first().map_or_else(String::new, |hunk| {
            format!("{} ({}, line {} of the patch)", hunk.account(), hunk.header, hunk.header_line)
        })
    }

    fn advice(&self) -> String {
        /// More are not read by anyone.
        const SHOWN: usize = 8;
        let mut text = String::new();
        for hunk in self.hunks.iter().skip(1).take(SHOWN) {
            let _ = writeln!(text, "also, {}", hunk.account());
        }
        if self.hunks.len() > SHOWN + 1 {
            let _ = writeln!(text, "and {} hunks more", self.hunks.len() - SHOWN - 1);
        }
        let _ = write!(
            text,
            "look at {}; if right, say `fit = \"{}\"` where the patch is named (now `{}`), or make it anew for this version",
            if self.hunks.len() == 1 { "the place" } else { "the places" },
            self.needs,
            self.allowed
        );
        text
    }
}
