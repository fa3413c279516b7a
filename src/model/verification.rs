//! What was verified of a library, on what, and what it came to.

use std::fmt;
use std::str::FromStr;

use super::digest::Digest;
use super::evidence::Evidence;

/// How far a verification goes. Each asks for more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Reads the library and lets the loader look for what it needs. No GPU; seconds.
    Static,
    /// Compiles every kernel for the target and looks at the code. No GPU; minutes.
    Kernels,
    /// Computes on an emulated GPU; minutes.
    Emulated,
    /// Computes on the card.
    Gpu,
}

/// The text names no tier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no tier: there are static, kernels, emulated and gpu")]
pub struct TierError {
    pub text: String,
}

impl Tier {
    pub const ALL: [Tier; 4] = [Tier::Static, Tier::Kernels, Tier::Emulated, Tier::Gpu];

    pub fn as_str(&self) -> &'static str {
        match self {
            Tier::Static => "static",
            Tier::Kernels => "kernels",
            Tier::Emulated => "emulated",
            Tier::Gpu => "gpu",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = TierError;

    fn from_str(text: &str) -> Result<Self, TierError> {
        let found = Self::ALL.into_iter().find(|tier| tier.as_str() == text);
        found.ok_or_else(|| TierError { text: text.to_owned() })
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum CheckOutcome {
    Passed,
    Failed,
    /// There was nothing to hold it against: what is missing.
    Skipped {
        missing: String,
    },
    /// It was asked for and not begun, or not ended: why.
    NotRun {
        why: String,
    },
}

/// One check of one library.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// The check's id.
    pub check: String,
    pub tier: Tier,
    #[serde(flatten)]
    pub outcome: CheckOutcome,
    /// What was seen, in one sentence.
    pub says: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What to do about a failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
}

/// What computed. What no device computed is proven on none.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Device {
    /// A card of the machine.
    Card(CardUsed),
    /// A program that stands for the chip.
    Emulator(EmulatorUsed),
}

/// A card that computed, as the driver tells of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CardUsed {
    /// The driver's own word, which no variable changes: `gfx1010`.
    pub target: String,
    /// e.g. `1002:731f`.
    pub id: String,
    /// e.g. `0000:03:00.0`.
    pub address: Option<String>,
    /// e.g. `/dev/dri/renderD128`.
    pub render: String,
    /// Of the compute engine (MEC).
    pub firmware: Option<u64>,
    /// The version of the amdgpu module, where it is not the kernel's own.
    pub driver: Option<String>,
    /// What of the machine the container got, one thing each.
    pub passed: Vec<String>,
}

/// An emulator that computed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EmulatorUsed {
    /// The chip it was told to be.
    pub target: String,
    /// Over every file of its folder.
    pub sha256: Digest,
    /// Of its configuration.
    pub configuration: Digest,
}

/// What one computation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Right,
    Wrong,
    Refused,
    /// It was announced, and nothing more was said.
    Unended,
}

/// One computation, e.g. by one solver.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunReport {
    pub what: String,
    pub outcome: RunOutcome,
    pub says: String,
}

/// One case of a suite.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseReport {
    pub suite: String,
    pub case: String,
    pub tier: Tier,
    #[serde(flatten)]
    pub outcome: CheckOutcome,
    pub says: String,
    pub runs: Vec<RunReport>,
    /// The kind of failure, e.g. `aperture-violation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The end of what a failed case printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// What the kernel said of GPUs meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_log: Vec<String>,
    pub seconds: f64,
}

/// Where the library was loaded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Runtime {
    /// The toolchain's id, or how a person named the image.
    pub name: String,
    /// The engine's id of the image.
    pub image: String,
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verified {
    /// The package or library as a person named it, or as its manifest does.
    pub name: String,
    /// Of the library's file.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
}

/// What compiling kernels of one kind came to, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KernelCount {
    /// e.g. `batchnorm`.
    pub id: String,
    pub summary: String,
    /// Compilations that the library can ask for on the target.
    pub asked: usize,
    /// How many of those compile.
    pub compiled: usize,
    /// How many of those compile for no chip, which is known.
    pub known_to_fail: usize,
    /// Compilations that the library's gates keep away from the target.
    pub gated: usize,
    /// How many of those compile.
    pub gated_compiled: usize,
}

/// The account of a verification. Schema 1; a reader ignores keys it does not know.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verification {
    pub schema: u32,
    /// `rdna-build` and its version.
    pub tool: String,
    pub subject: Verified,
    pub target: String,
    pub tiers: Vec<Tier>,
    /// Empty where nothing was executed on a GPU, real or emulated.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Release of the kernel that everything ran on.
    pub kernel: Option<String>,
    pub runtime: Option<Runtime>,
    pub checks: Vec<CheckReport>,
    /// By kind; empty where none was compiled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<KernelCount>,
    /// Cases that were computed, or were to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseReport>,
    pub seconds: f64,
}

impl CheckOutcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            CheckOutcome::Passed => "passed",
            CheckOutcome::Failed => "failed",
            CheckOutcome::Skipped { .. } => "skipped",
            CheckOutcome::NotRun { .. } => "not run",
        }
    }
}

impl Verification {
    /// How many checks came to this.
    pub fn count(&self, outcome: impl Fn(&CheckOutcome) -> bool) -> usize {
        self.checks.iter().filter(|check| outcome(&check.outcome)).count()
    }

    pub fn failed(&self) -> usize {
        self.count(|outcome| *outcome == CheckOutcome::Failed)
    }

    pub fn passed(&self) -> usize {
        self.count(|outcome| *outcome == CheckOutcome::Passed)
    }
}
