//! Patches: a recipe's series, and what of it is planned.

use std::collections::BTreeMap;
use std::fmt;

use super::digest::Digest;
use super::fit::Fit;
use super::name::PatchName;
use super::version::{Version, VersionRange};

/// One change of a recipe's series, in the forms it takes for the recipe's versions.
///
/// # Invariants
/// `variants` is not empty; every file is in the recipe's folder; `needs` names patches that come earlier in the series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchSpec {
    pub name: PatchName,
    pub why: String,
    /// What upstream knows of it, in a line.
    pub upstream: String,
    /// Applied only when a person asks for it.
    pub opt_in: bool,
    /// Capabilities of the toolchain that must lie in these ranges.
    pub when: BTreeMap<String, VersionRange>,
    /// Applied only together with these.
    pub needs: Vec<PatchName>,
    pub variants: Vec<PatchVariant>,
    /// What of it can be seen in the built library; nothing where the recipe does not say.
    pub mark: Option<PatchMark>,
}

/// What of a patch can be seen in the built library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchMark {
    /// Nothing, and why.
    Invisible {
        why: String,
    },
    Traces(Traces),
}

/// What a library holds that was built with a patch, and what it does not.
///
/// # Invariants
/// Not all of it is empty; no text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Folders of the source whose files the library holds as texts: what the patch makes of them is looked for.
    pub texts: Vec<String>,
    /// Texts that are in the patched library.
    pub present: Vec<String>,
    /// Texts that are in the unpatched library only.
    pub absent: Vec<String>,
    pub call: Option<CallMark>,
}

/// A constant that the library passes to a function of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMark {
    pub function: String,
    /// Which integer argument, from 1 to 6.
    pub argument: u8,
    pub value: u32,
}

/// A patch's form for some versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchVariant {
    /// Path in the recipe's folder.
    pub file: String,
    pub versions: VersionRange,
    pub fit: Fit,
    /// Versions on which the proofs were run and passed.
    pub proven: Vec<Version>,
    /// Ids of the proofs that fail without the patch.
    pub proofs: Vec<String>,
}

/// A patch that a plan applies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PlannedPatch {
    pub name: PatchName,
    /// Path in the recipe's folder; `own/…` for one that a person brought.
    pub file: String,
    pub sha256: Digest,
    pub why: String,
    pub fit: Fit,
    /// No proof of it was run on this version.
    pub unproven: bool,
}

/// A patch of the series that a plan leaves out, and that a person could have.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PatchLeftOut {
    pub name: PatchName,
    pub reason: LeftOutReason,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LeftOutReason {
    /// Nobody asked for it.
    OptIn,
    /// It was never proven on this version, and nobody asked for it.
    Unproven,
    /// A person said so.
    Asked,
    /// What it needs is not applied.
    Without { need: PatchName },
}

/// A patch that a person brings to a recipe of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPatch {
    pub name: PatchName,
    /// How plans, keys and manifests call it: `own/…`, without the place it came from.
    pub file: String,
    pub bytes: Vec<u8>,
    pub fit: Fit,
}

impl PatchSpec {
    /// The form for a version.
    pub fn variant(&self, version: &Version) -> Option<&PatchVariant> {
        self.variants.iter().find(|variant| variant.versions.contains(version))
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOutReason::OptIn => f.write_str("opt-in"),
            LeftOutReason::Unproven => f.write_str("never proven on this version"),
            LeftOutReason::Asked => f.write_str("left out"),
            LeftOutReason::Without { need } => write!(f, "needs {need}, which is not applied"),
        }
    }
}
