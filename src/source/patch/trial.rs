//! Tries patches without writing anything: what would become of each, as plain data.

use serde::Serialize;

use super::base::Base;
use super::conflict::{Conflict, Looser};
use super::error::PatchError;
use super::explain;
use super::layered::Layered;
use super::parse::parse;
use super::series::{HunkReport, PatchInput};
use super::step::{self, try_with};
use crate::model::Fit;

/// What becomes of one patch on one tree.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Trial {
    /// With what it may give up; how each hunk fits is with it.
    Applies {
        hunks: Vec<HunkReport>,
    },
    /// The tree has all of it.
    AlreadyUpstream,
    /// The tree has what it does to this file, and not the rest.
    PartlyUpstream {
        file: String,
    },
    /// It would apply if it might give up more.
    Looser(Box<Looser>),
    Conflict(Box<Conflict>),
    /// A file that it changes is not there.
    Missing {
        file: String,
    },
    /// Something else is where it makes a file, or more is in a file than it deletes.
    Occupied {
        file: String,
        reason: String,
    },
    /// It cannot be read, or changes what patches must not.
    Invalid {
        reason: String,
    },
}

/// Tries a patch on what a base holds.
///
/// # Errors
/// Only when the base cannot be read: whatever is the matter with the patch is a result.
pub fn trial(input: &PatchInput<'_>, base: &dyn Base) -> Result<Trial, PatchError> {
    Layered::new(base).try_next(input)
}

impl Layered<'_> {
    /// Tries a patch on the tree that the patches before it left, and adds it if it fits.
    ///
    /// One that fits only with more than it may give up is added as well: those behind it are not to blame. Any other is
    /// passed over, so that a whole series can be tried.
    pub fn try_next(&mut self, input: &PatchInput<'_>) -> Result<Trial, PatchError> {
        let files = match parse(input.name, input.bytes) {
            Ok(files) => files,
            Err(error) => return judged(error),
        };
        let failed = match try_with(input, self, &files, input.fit) {
            Ok(applied) => {
                let hunks = applied.hunks.clone();
                self.take(applied, input.name);
                return Ok(Trial::Applies { hunks });
            }
            Err(failed) => failed,
        };
        let error = explain::explained(input, self, &files, failed);
        if matches!(error, PatchError::Looser(_)) {
            let loosest = PatchInput { fit: Fit::Fuzz2, ..*input };
            let applied = step::apply(&loosest, self, &files, &mut |_, _| {})?;
            self.take(applied, input.name);
        }
        judged(error)
    }
}

/// An error as a result, unless it is none of the patch's.
fn judged(error: PatchError) -> Result<Trial, PatchError> {
    let reason = error.to_string();
    Ok(match error {
        PatchError::AlreadyApplied { .. } => Trial::AlreadyUpstream,
        PatchError::PartlyApplied { file, .. } => Trial::PartlyUpstream { file },
        PatchError::Looser(looser) => Trial::Looser(looser),
        PatchError::Conflict(conflict) => Trial::Conflict(conflict),
        PatchError::MissingFile { path, .. } => Trial::Missing { file: path },
        PatchError::FileExists { path, .. }
        | PatchError::NotAllDeleted { path, .. }
        | PatchError::Special { path, .. } => Trial::Occupied { file: path, reason },
        PatchError::Empty { .. }
        | PatchError::TooLarge { .. }
        | PatchError::Truncated { .. }
        | PatchError::Malformed { .. }
        | PatchError::Binary { .. }
        | PatchError::Outside { .. } => Trial::Invalid { reason },
        PatchError::Io { .. } => return Err(error),
    })
}
