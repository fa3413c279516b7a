//! A toolchain as its folder declares it: base image, packages, compilers, claims.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::files::FileSet;
use super::name::ToolchainId;
use super::path::GuestPath;
use super::version::Version;

/// One consistent ROCm/LLVM toolchain, as declared. What an image really holds is read from the image.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub id: ToolchainId,
    pub summary: String,
    /// The ROCm release it stands for.
    pub rocm: Version,
    pub base: BaseImage,
    /// Debian packages beyond the minimal base.
    pub packages: Vec<String>,
    pub compilers: Compilers,
    /// Set in every build container.
    pub environment: BTreeMap<String, String>,
    /// Capability → what it claims to provide and what proves it.
    pub provides: BTreeMap<String, Claim>,
    /// Dockerfile, packages.txt, toolchain.toml.
    pub files: FileSet,
}

#[derive(Clone, Debug)]
pub struct BaseImage {
    /// Image reference to pull, e.g. `debian:sid`.
    pub image: String,
    /// How to assemble the base from a Debian mirror where it cannot be pulled.
    pub debian: Option<DebianBase>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianBase {
    pub suite: String,
    pub components: Vec<String>,
    /// Off only for frozen mirrors; signatures are checked always.
    pub check_valid_until: bool,
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
    /// Digest of all its files: the toolchain's definition.
    pub fn definition(&self) -> Digest {
        self.files.digest()
    }
}
