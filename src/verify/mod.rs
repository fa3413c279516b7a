//! What must hold of a library before anybody depends on it, one file a check.
//!
//! Pure: what was seen of a library comes in as a [`Subject`], what it comes to goes out. Reading files and asking the loader in a
//! container is for `execute`. No check passes because there was nothing to look at: then it is skipped, by name.

mod calls;
mod canaries;
mod checks;
mod computing;
mod header;
mod kernels;
mod loader;
mod pytorch;
mod search;
mod subject;

use crate::model::{CheckOutcome, CheckReport, Evidence, Tier};

pub use calls::{CallsState, ProgramSeen};
pub use canaries::{canaries, canary_files, configuration};
pub use checks::CHECKS;
pub use computing::{
    CaseEnd, CaseOutcome, CaseSeen, Computed, ComputingState, FAILURES, Failure, RunEnd, Said,
};
pub use kernels::{Compiled, KernelSeen, KernelsState, MatrixSeen, ObjectSeen, kernel_cases};
pub use loader::{LoadedLibrary, LoaderAnswer};
pub use pytorch::{pytorch, pytorch_files};
pub use search::{Found, search, search_long};
pub use subject::{
    HunkText, LibrarySeen, Packaged, PatchSeen, Provenance, RuntimeSeen, Seen as RuntimeState, Subject,
    wanted_texts,
};

/// Something that must hold.
#[derive(Debug)]
pub struct Check {
    /// e.g. `needed-libraries`.
    pub id: &'static str,
    pub tier: Tier,
    /// What must hold, in one line.
    pub title: &'static str,
    /// Why it matters, and what a pass does not prove: paragraphs with an empty line between them.
    pub why: &'static str,
    /// What it needs, in words.
    pub needs: &'static str,
    /// What to do about a failure, one way each.
    pub remedies: &'static [&'static str],
    pub run: fn(&Subject<'_>) -> Answer,
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    outcome: CheckOutcome,
    says: String,
    evidence: Vec<Evidence>,
    /// Instead of the check's own, where something better is known.
    remedies: Vec<String>,
}

impl Answer {
    fn passed(says: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Passed, says)
    }

    fn failed(says: impl Into<String>) -> Self {
        Self::new(CheckOutcome::Failed, says)
    }

    /// There was nothing to hold it against.
    fn skipped(missing: impl Into<String>) -> Self {
        let missing = missing.into();
        Self::new(CheckOutcome::Skipped { missing: missing.clone() }, missing)
    }

    /// It was asked for, and nothing was tried.
    fn not_run(why: impl Into<String>) -> Self {
        let why = why.into();
        Self::new(CheckOutcome::NotRun { why: why.clone() }, why)
    }

    fn new(outcome: CheckOutcome, says: impl Into<String>) -> Self {
        Self { outcome, says: says.into(), evidence: vec![], remedies: vec![] }
    }

    fn with(self, evidence: Vec<Evidence>) -> Self {
        Self { evidence, ..self }
    }

    fn with_remedies(self, remedies: Vec<String>) -> Self {
        Self { remedies, ..self }
    }
}

impl Check {
    /// The check with this id.
    pub fn by_id(id: &str) -> Option<&'static Check> {
        CHECKS.iter().copied().find(|check| check.id == id)
    }

    /// Holds it against what was seen.
    pub fn report(&self, subject: &Subject<'_>) -> CheckReport {
        let answer = (self.run)(subject);
        let remedies = match (&answer.outcome, answer.remedies.is_empty()) {
            (CheckOutcome::Failed, true) => self.remedies.iter().map(|remedy| (*remedy).to_owned()).collect(),
            (CheckOutcome::Failed, false) => answer.remedies,
            _ => vec![],
        };
        CheckReport {
            check: self.id.to_owned(),
            tier: self.tier,
            outcome: answer.outcome,
            says: answer.says,
            evidence: answer.evidence,
            remedies,
        }
    }
}

/// The first names, and how many more there are.
fn some_of<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let first: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(most) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
