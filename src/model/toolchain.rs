//! A toolchain as its folder declares it: base, packages, compilers, claims.

use std::collections::BTreeMap;

use super::debian::LockedPackages;
use super::digest::{Digest, Digester};
use super::files::FileSet;
use super::name::ToolchainId;
use super::path::GuestPath;
use super::path_filters::PathFilters;
use super::version::Version;

/// One consistent ROCm/LLVM toolchain, as declared. What an image really holds is read from the image.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub id: ToolchainId,
    pub summary: String,
    /// The ROCm release it stands for.
    pub rocm: Version,
    pub base: Base,
    pub compilers: Compilers,
    /// Set in every build container.
    pub environment: BTreeMap<String, String>,
    /// Capability → what it claims to provide and what proves it.
    pub provides: BTreeMap<String, Claim>,
    /// Its folder: toolchain.toml, and what a Dockerfile needs.
    pub files: FileSet,
    /// What the lock file pins it to.
    pub locked: Option<LockedPackages>,
}

/// What an image is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Pulled, e.g. `rocm/dev-ubuntu-24.04:6.4.3-complete`; the folder's Dockerfile goes on from there.
    Image(String),
    /// Assembled from a mirror, with no registry.
    Debian(DebianBase),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianBase {
    pub suite: String,
    /// Suites of which only what is missing or asked for is taken, such as `experimental`.
    pub further_suites: Vec<String>,
    pub components: Vec<String>,
    /// Off only for frozen mirrors; signatures are checked always.
    pub check_valid_until: bool,
    /// Packages beyond the minimal base: `name`, or `name/suite` for that suite's version.
    pub packages: Vec<String>,
    /// Files of all packages that stay out of the image.
    pub left_out: PathFilters,
}

impl DebianBase {
    /// All its suites, its own first.
    pub fn suites(&self) -> Vec<String> {
        std::iter::once(&self.suite).chain(&self.further_suites).cloned().collect()
    }

    /// The same as long as the same packages are asked for from the same suites. Files that are left out of them choose no
    /// package: what was locked stays locked.
    pub fn request(&self) -> Digest {
        let mut digester = Digester::new();
        for list in [&self.suites(), &self.components, &self.packages] {
            digester.update(list.join(" ").as_bytes());
            digester.update(b"\n");
        }
        digester.finish()
    }
}

#[derive(Clone, Debug)]
pub struct Compilers {
    pub c: GuestPath,
    pub cxx: GuestPath,
}

#[derive(Clone, Debug)]
pub struct Claim {
    /// A prefix by components of what the package's version must be.
    pub version: Version,
    /// The Debian package whose version proves the claim.
    pub package: String,
    /// A file that must exist in the image.
    pub file: Option<GuestPath>,
}

/// One way in which a build is bound to a part of its toolchain.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pin {
    pub kind: PinKind,
    pub name: String,
    pub value: String,
    /// What was chosen, and the file it was chosen by.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinKind {
    /// A variable of the build's environment.
    Variable,
    CmakeOption,
}

impl Toolchain {
    /// Digest of all that says what its image shall be: its files and, where it is locked, its packages.
    pub fn definition(&self) -> Digest {
        match &self.locked {
            None => self.files.digest(),
            Some(locked) => Digest::of(format!("{} locked to {}", self.files.digest(), locked.set.digest())),
        }
    }
}
