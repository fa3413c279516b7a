//! Programs that call a library where there is no GPU.

use super::files::FileSet;
use super::proof::ProofStep;

/// From `checks/calls/<id>.toml` of a recipe: commands in a container with the installed package.
///
/// # Invariants
/// `id` names the file; there is at least one step, and none is a step of the recipe's build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallProgram {
    pub id: String,
    pub summary: String,
    /// What a user meets where it fails.
    pub why: String,
    /// Folders of the recipe's, from its root; `{proofs}` is where they lie, by their last names.
    pub files: Vec<String>,
    pub steps: Vec<ProofStep>,
    /// What the steps say.
    pub says: Vec<String>,
    /// What they do not say.
    pub silent: Vec<String>,
}

impl CallProgram {
    /// What of the recipe's folder it brings.
    pub fn files_of(&self, files: &FileSet) -> FileSet {
        files.by_last_names(&self.files)
    }
}
