//! The kernels that a library compiles at run time, with the macros that it passes.

use super::files::FileSet;
use super::proof::CaseGroup;
use super::target::TargetId;

/// From `checks/kernels/<id>.toml` of a recipe: kernels of one kind and the compilations that their library asks for.
///
/// # Invariants
/// `id` names the file; there is at least one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelMatrix {
    pub id: String,
    pub summary: String,
    /// Folders below `checks/` with what the compilations read besides the source.
    pub files: Vec<String>,
    /// Paths of the source that the compilations read; nothing else of it is there.
    pub inputs: Vec<String>,
    /// One compilation; a word that is `{flags}` stands for all flags of the case.
    pub command: Vec<String>,
    pub targets: Vec<TargetId>,
    /// Lanes of a wavefront that each kernel must be compiled for: 32 or 64.
    pub wave: u32,
    /// Written in assembly by a person: what looks like a hazard may have been tried on hardware.
    pub hand_written: bool,
    pub groups: Vec<KernelGroup>,
}

/// Compilations of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelGroup {
    pub cases: CaseGroup,
    /// Where the library puts the macros together.
    pub solver: Option<String>,
    /// Why the library never asks for these on the targets.
    pub gated: Option<String>,
    /// What the compiler says of a defect that is not about the targets: it compiles for none.
    pub fails: Option<String>,
}

impl KernelMatrix {
    /// What of the recipe's folder the compilations read, below `checks/`.
    pub fn files_of(&self, files: &FileSet) -> FileSet {
        let mut taken = FileSet::default();
        for folder in &self.files {
            for (path, bytes) in files.below(&format!("checks/{folder}")).iter() {
                taken.insert(format!("{folder}/{path}"), bytes.to_vec());
            }
        }
        taken
    }
}
