//! Proofs of patches: what is observed on the source without and with a patch, and what must come out.

use std::collections::BTreeMap;

use super::files::FileSet;
use super::script::Step;
use super::target::TargetId;
use super::version::VersionRange;

/// What shows, without a GPU, that a patch does what it says: it fails on the source without the patch.
///
/// # Invariants
/// `id` names the file `proofs/<id>.toml` of the recipe's folder; there is at least one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub id: String,
    pub summary: String,
    /// Folders below `proofs/` with what it runs besides the source; `{proof}` is where they lie.
    pub files: Vec<String>,
    pub kind: ProofKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofKind {
    Compile(CompileProof),
    Commands(CommandsProof),
}

/// A matrix of small compilations, whose results are looked at and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileProof {
    /// Paths of the source that the compilations read; nothing else of it is there.
    pub inputs: Vec<String>,
    /// One compilation; a word that is `{flags}` stands for all flags of the case.
    pub command: Vec<String>,
    pub result: ResultKind,
    pub targets: Vec<TargetId>,
    pub cases: Vec<CaseGroup>,
    pub expect: Vec<Expectation>,
}

/// What a compilation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultKind {
    /// An AMDGPU object, which is disassembled.
    Object,
    /// Text, e.g. of the preprocessor.
    Text,
}

/// Cases of one shape: every file with every combination of one value per axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseGroup {
    /// Versions of the recipe that have these cases.
    pub versions: VersionRange,
    /// Instead of the proof's targets.
    pub targets: Option<Vec<TargetId>>,
    pub files: Vec<String>,
    pub flags: Vec<String>,
    /// Axis → value → the flags it stands for.
    pub axes: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// What must come out for some of the compilations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Versions of the recipe for which it must hold.
    pub versions: VersionRange,
    /// Only compilations for these; all where it is empty.
    pub targets: Vec<TargetId>,
    /// Only compilations that have, for each of these axes, one of these values; `file` counts as an axis.
    pub only: BTreeMap<String, Vec<String>>,
    /// How many compilations there are, for each target.
    pub cases: Option<usize>,
    pub before: Option<SideExpectation>,
    pub after: Option<SideExpectation>,
    /// The patch changes nothing of them: the same failures, the same bytes.
    pub identical: bool,
    /// The code has the same size without and with the patch.
    pub same_size: bool,
    /// So many bytes of each code differ.
    pub bytes_changed: Option<usize>,
}

/// What must come out on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideExpectation {
    /// How many fail for each target; with `says` those that say so.
    pub failing: Option<usize>,
    pub says: Option<String>,
    /// How many fail for each target without saying so.
    pub otherwise: usize,
    /// Each object has instructions whose mnemonics begin so.
    pub present: Vec<String>,
    /// No object has.
    pub absent: Vec<String>,
    /// No object moves these into a scalar register.
    pub constants_absent: Vec<u32>,
    /// Word 3 of every descriptor found is among these, and one is found.
    pub word3: Vec<u32>,
    /// Each text has these lines.
    pub lines: Vec<String>,
    /// No text has these lines.
    pub lines_absent: Vec<String>,
}

/// Commands in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandsProof {
    pub on: Ground,
    pub steps: Vec<ProofStep>,
    pub before: CommandsExpectation,
    pub after: CommandsExpectation,
}

/// What the commands find in the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// The source.
    Source,
    /// The source, and what a build of it installed.
    Installed,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProofStep {
    pub name: String,
    pub does: StepWork,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepWork {
    /// A step of the recipe's own build.
    Build(#[serde(serialize_with = "step_name")] Step),
    Command {
        command: Vec<String>,
        environment: BTreeMap<String, String>,
    },
}

fn step_name<S: serde::Serializer>(step: &Step, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(step.as_str())
}

/// What must come out on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandsExpectation {
    /// The step that fails; nothing where all of them pass.
    pub fails: Option<String>,
    /// Texts that the output holds.
    pub says: Vec<String>,
    /// Texts that the output does not hold.
    pub silent: Vec<String>,
}

impl Proof {
    /// The files it brings, out of those of its recipe's folder; paths are relative to `proofs/`.
    pub fn files_of(&self, files: &FileSet) -> FileSet {
        let mut brought = FileSet::default();
        for folder in &self.files {
            for (path, bytes) in files.below(&format!("proofs/{folder}")).iter() {
                brought.insert(format!("{folder}/{path}"), bytes.to_vec());
            }
        }
        brought
    }
}

impl SideExpectation {
    /// Whether something is asked of the instructions of objects.
    pub fn asks_of_objects(&self) -> bool {
        !self.present.is_empty()
            || !self.absent.is_empty()
            || !self.constants_absent.is_empty()
            || !self.word3.is_empty()
    }

    /// Whether something is asked of the lines of texts.
    pub fn asks_of_texts(&self) -> bool {
        !self.lines.is_empty() || !self.lines_absent.is_empty()
    }
}

impl Expectation {
    /// Whether anything is looked at at all.
    pub fn is_empty(&self) -> bool {
        self.cases.is_none()
            && self.before.is_none()
            && self.after.is_none()
            && !self.identical
            && !self.same_size
            && self.bytes_changed.is_none()
    }
}
