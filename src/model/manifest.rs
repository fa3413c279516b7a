//! The manifest of a package: exactly what went into it. Stored inside the package and beside it.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::key::Key;
use super::name::PatchName;
use super::package::{About, Need};
use super::source::PinnedSource;
use super::toolchain::Pin;
use super::verification::Verification;

/// `manifest.json`. Schema 1; a reader ignores keys it does not know.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    pub schema: u32,
    pub name: String,
    pub version: String,
    pub target: String,
    pub toolchain: ToolchainRecord,
    pub source: SourceRecord,
    pub patches: Vec<PatchRecord>,
    pub build: BuildFacts,
    /// What package managers are told; nothing in packages of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// The libraries it needs and does not hold, sorted.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// `rdna-build` and its version.
    pub tool: String,
    /// Stage → key.
    pub keys: BTreeMap<String, Key>,
    /// Every file below the package's root, sorted by path.
    pub files: Vec<PackagedFile>,
    /// What was verified since, in the manifest beside the package only: its bytes are not known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

impl Manifest {
    /// The largest file that is read as one, in bytes: others write them, too.
    pub const LARGEST: u64 = 64 << 20;

    /// As it stands in its file.
    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest has only text keys");
        text.push(b'\n');
        text
    }
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ToolchainRecord {
    pub id: String,
    /// Digest of all files of the toolchain's folder.
    pub definition: Digest,
    /// Digest over package names and versions really found in the image.
    pub identity: Digest,
    /// The engine's id of the image the build ran in. It differs between machines that hold the same packages, so
    /// it stands only in the manifest beside the package, which is not part of the reproducible bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Capability → version really found.
    pub provides: BTreeMap<String, String>,
    /// Debian package → version, everything installed in the image.
    pub packages: BTreeMap<String, String>,
    /// What the build was bound to of what the image holds, and why.
    #[serde(default)]
    pub pins: Vec<Pin>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SourceRecord {
    pub pinned: PinnedSource,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PatchRecord {
    pub name: PatchName,
    pub file: String,
    pub sha256: Digest,
    pub why: String,
    /// No proof of it was run on this version.
    pub unproven: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BuildFacts {
    pub prefix: String,
    pub options: BTreeMap<String, String>,
    pub environment: BTreeMap<String, String>,
    pub source_date_epoch: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PackagedFile {
    File { path: String, sha256: Digest, size: u64, executable: bool },
    Symlink { path: String, target: String },
}

impl PackagedFile {
    /// The same file below a folder.
    pub fn below(self, folder: &str) -> Self {
        let path = |path: String| format!("{folder}/{path}");
        match self {
            PackagedFile::File { path: own, sha256, size, executable } => {
                PackagedFile::File { path: path(own), sha256, size, executable }
            }
            PackagedFile::Symlink { path: own, target } => PackagedFile::Symlink { path: path(own), target },
        }
    }

    pub fn path(&self) -> &str {
        match self {
            PackagedFile::File { path, .. } | PackagedFile::Symlink { path, .. } => path,
        }
    }
}
