//! Programs that compute with a library on a GPU and compare with a reference of their own.

use std::collections::BTreeMap;

use super::files::FileSet;
use super::proof::ProofStep;

/// From `checks/gpu/<id>.toml` of a recipe: how a program is made, and the cases that it is run with, each in a process of its own.
///
/// # Invariants
/// `id` names the file; there is at least one case; names of cases are their own; no step is a step of the recipe's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    pub id: String,
    pub summary: String,
    /// Folders of the recipe's, from its root; `{proofs}` is where they lie, by their last names.
    pub files: Vec<String>,
    /// Make the program.
    pub make: Vec<ProofStep>,
    /// The words before a case's own.
    pub run: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub cases: Vec<SuiteCase>,
}

/// One computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteCase {
    /// e.g. `square-42-forward-fp32`.
    pub name: String,
    pub arguments: Vec<String>,
    /// How long it may take on a card.
    pub seconds: u32,
    /// How long it may take on an emulator, where it is small enough for one.
    pub emulated_seconds: Option<u32>,
}

impl Suite {
    /// What of the recipe's folder it brings.
    pub fn files_of(&self, files: &FileSet) -> FileSet {
        files.by_last_names(&self.files)
    }
}
