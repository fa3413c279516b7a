//! A valid recipe. Made by `recipe`, which turns text into it or lists every mistake.

use std::collections::BTreeMap;

use super::calls::CallProgram;
use super::files::FileSet;
use super::kernels::KernelMatrix;
use super::library::LibraryFacts;
use super::name::RecipeName;
use super::package::Relations;
use super::patch::PatchSpec;
use super::proof::Proof;
use super::source::SourceSpec;
use super::suite::Suite;
use super::target::GfxTarget;
use super::version::{Version, VersionRange};

/// How to build one library: its versions, what it asks of a toolchain, steps, patches and outputs.
///
/// # Invariants
/// `default_version` is one of `versions`; versions are unique; patches have unique names.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub name: RecipeName,
    pub summary: String,
    pub homepage: String,
    pub license: String,
    pub default_version: Version,
    pub versions: Vec<RecipeVersion>,
    /// What a toolchain must provide: capability (`hip`, `rocblas`, `boost` …) → range.
    pub requires: BTreeMap<String, VersionRange>,
    pub targets: Vec<GfxTarget>,
    pub build: BuildSpec,
    /// The series, in the order of application.
    pub patches: Vec<PatchSpec>,
    /// By id.
    pub proofs: Vec<Proof>,
    pub outputs: Vec<OutputSpec>,
    pub packaging: Packaging,
    /// What must be true of the built library; nothing where the recipe does not say.
    pub library: Option<LibraryFacts>,
    /// What it compiles at run time, by id.
    pub kernels: Vec<KernelMatrix>,
    /// Programs that call it where there is no GPU, by id.
    pub calls: Vec<CallProgram>,
    /// Programs that compute with it on a GPU, by id.
    pub suites: Vec<Suite>,
    /// Every file of the recipe's folder, patches and bundled sources among them.
    pub files: FileSet,
}

#[derive(Clone, Debug)]
pub struct RecipeVersion {
    pub version: Version,
    /// The ROCm release this version belongs to.
    pub rocm: Version,
    pub source: SourceSpec,
    /// What this version asks of a toolchain instead of, or beyond, what the recipe does.
    pub requires: BTreeMap<String, VersionRange>,
}

/// What the build container does. Only CMake with Ninja today.
#[derive(Clone, Debug)]
pub struct BuildSpec {
    /// Install prefix; `{name}`, `{version}` and `{target}` are filled in.
    pub prefix: String,
    /// Where CMakeLists.txt lies in the source.
    pub source_subdir: String,
    /// Compile without device code (`--offload-host-only`): for libraries that compile their kernels at run time.
    pub host_only: bool,
    /// Bytes of memory the heaviest compilation needs.
    pub memory_per_job: u64,
    /// Bytes of disk for sources, build folder and package.
    pub disk: u64,
    /// Minutes on two cores without a compiler cache; shown until a real run was measured.
    pub minutes: u32,
    /// CMake `-D` options.
    pub options: BTreeMap<String, OptionValue>,
    pub environment: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    Text(String),
    Switch(bool),
    Number(i64),
}

/// What package managers are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packaging {
    /// Name of the packages; `{name}` and `{target}` are filled in.
    pub name: String,
    pub debian: Relations,
    pub rpm: Relations,
}

/// Something a build must install.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OutputSpec {
    /// Below the prefix; `{target}` is filled in.
    pub path: String,
    pub kind: OutputKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    File,
    Directory,
    /// An ELF shared library.
    SharedLibrary,
    /// An AMDGPU code object for the unit's target.
    CodeObject,
}

impl Recipe {
    /// What a toolchain must provide for a version.
    pub fn requirements(&self, version: &Version) -> BTreeMap<String, VersionRange> {
        let mut requires = self.requires.clone();
        requires.extend(self.version(version).into_iter().flat_map(|version| version.requires.clone()));
        requires
    }

    pub fn version(&self, version: &Version) -> Option<&RecipeVersion> {
        self.versions.iter().find(|candidate| candidate.version == *version)
    }
}

impl std::fmt::Display for OptionValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OptionValue::Text(text) => f.write_str(text),
            OptionValue::Switch(true) => f.write_str("ON"),
            OptionValue::Switch(false) => f.write_str("OFF"),
            OptionValue::Number(number) => number.fmt(f),
        }
    }
}
