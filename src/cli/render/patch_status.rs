//! Every patch on every version, and what is the matter with those that do not apply.

use miette::Diagnostic;
use serde::Serialize;

use super::diagnostic;
use super::page::Page;
use super::palette::Tone;
use super::printable;
use super::table::Table;
use crate::cli::settings::Terminal;
use crate::model::{RecipeName, Version};
use crate::source::patch::{HunkReport, PatchStatus, Trial};

/// What `patch status` found.
#[derive(Debug, Serialize)]
pub struct Report {
    pub recipe: RecipeName,
    pub versions: Vec<Column>,
}

/// The series on one version; why not, where the source is not at hand.
#[derive(Debug, Serialize)]
pub struct Column {
    pub version: Version,
    pub patches: Result<Vec<PatchStatus>, String>,
}

impl Report {
    /// Whether a form does not apply to a version that its range holds.
    pub fn is_broken(&self) -> bool {
        self.cells().any(|(_, status)| status.trial.as_ref().is_some_and(Trial::is_broken))
    }

    fn seen(&self) -> impl Iterator<Item = (&Version, &Vec<PatchStatus>)> {
        self.versions.iter().filter_map(|column| Some((&column.version, column.patches.as_ref().ok()?)))
    }

    fn cells(&self) -> impl Iterator<Item = (&Version, &PatchStatus)> {
        self.seen().flat_map(|(version, patches)| patches.iter().map(move |status| (version, status)))
    }
}

/// The table, what is the matter, and what was not looked at.
pub fn text(report: &Report, page: Page, terminal: Terminal) -> String {
    let mut text = table(report, page);
    let mut notes = Vec::new();
    if report.cells().any(|(_, status)| status.unproven) {
        notes.push(
            "unproven: its proofs were never run on this version; applied only when asked for".to_owned(),
        );
    }
    for column in &report.versions {
        if let Err(missing) = &column.patches {
            notes.push(format!("{}: {}", column.version, printable(missing, 400)));
        }
    }
    for note in notes {
        text += &format!("\n{}", page.palette.paint(Tone::Faint, &note));
    }
    text = text.trim_end_matches('\n').to_owned() + "\n";
    for (version, status) in report.cells() {
        if let Some(trial) = status.trial.as_ref().filter(|trial| trial.is_broken()) {
            text += &matter(version, status, trial, page, terminal);
        }
    }
    text
}

fn table(report: &Report, page: Page) -> String {
    let seen: Vec<_> = report.seen().collect();
    let Some((_, first)) = seen.first() else { return String::new() };
    let mut table = Table::default();
    let title = |text: &str| (Tone::Faint, text.to_owned());
    let versions = seen.iter().map(|(version, _)| (Tone::Faint, version.to_string()));
    table.row_of(std::iter::once(title("patch")).chain(versions));
    for (row, status) in first.iter().enumerate() {
        let mark = if status.opt_in { " (opt-in)" } else { "" };
        let name = (Tone::Plain, format!("{}{mark}", status.name));
        let cells = seen.iter().map(|(_, patches)| cell(&patches[row]));
        table.row_of(std::iter::once(name).chain(cells));
    }
    table.render(0, Page { columns: None, ..page })
}

fn cell(status: &PatchStatus) -> (Tone, String) {
    let Some(trial) = &status.trial else { return (Tone::Faint, "–".to_owned()) };
    let (tone, mut word) = match trial {
        Trial::Applies { hunks } => (Tone::Good, applied(hunks)),
        Trial::AlreadyUpstream => (Tone::Good, "already upstream".to_owned()),
        Trial::PartlyUpstream { .. } => (Tone::Bad, "partly upstream".to_owned()),
        Trial::Looser(_) => (Tone::Bad, "fits elsewhere".to_owned()),
        Trial::Conflict(_) => (Tone::Bad, "conflict".to_owned()),
        Trial::Missing { .. } => (Tone::Bad, "file missing".to_owned()),
        Trial::Occupied { .. } => (Tone::Bad, "in the way".to_owned()),
        Trial::Invalid { .. } => (Tone::Bad, "invalid".to_owned()),
    };
    if status.unproven {
        word += ", unproven";
    }
    let tone = if status.unproven && tone == Tone::Good { Tone::Warning } else { tone };
    (tone, word)
}

/// The most that a hunk gave up.
fn applied(hunks: &[HunkReport]) -> String {
    let fuzz = hunks.iter().map(|hunk| hunk.fuzz).max().unwrap_or(0);
    let offset = hunks.iter().map(|hunk| hunk.offset).max_by_key(|offset| offset.abs()).unwrap_or(0);
    match (fuzz, offset) {
        (0, 0) => "applies".to_owned(),
        (0, offset) => format!("offset {offset:+}"),
        (fuzz, offset) => format!("fuzz {fuzz}, offset {offset:+}"),
    }
}

fn matter(version: &Version, status: &PatchStatus, trial: &Trial, page: Page, terminal: Terminal) -> String {
    let title = page.palette.paint(Tone::Strong, &format!("{} on {version}", status.name));
    let diagnostic = |error: &dyn Diagnostic| diagnostic::text(error, page.palette.is_colored(), terminal);
    let what = match trial {
        Trial::Applies { .. } | Trial::AlreadyUpstream => String::new(),
        Trial::Looser(looser) => diagnostic(looser.as_ref()),
        Trial::Conflict(conflict) => diagnostic(conflict.as_ref()),
        Trial::PartlyUpstream { file } => {
            format!("  the source has what it does to {}, and not the rest\n", printable(file, 200))
        }
        Trial::Missing { file } => format!("  {} is not in this version\n", printable(file, 200)),
        Trial::Occupied { reason, .. } | Trial::Invalid { reason } => {
            format!("  {}\n", printable(reason, 400))
        }
    };
    let other = match &status.other_form {
        Some(file) => format!("  {file} fits this version: widen its `versions`\n"),
        None => String::new(),
    };
    format!("\n{title}\n{what}{other}")
}
