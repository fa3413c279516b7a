//! Where the files that vouch for a package lie: beside it, under its name.

use std::path::{Path, PathBuf};

use super::error::AttestError;
use crate::package;

/// The files beside a package.
///
/// All but the manifest carry the archive's whole name: packages of several formats share a manifest, and each has a digest
/// of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    archive: PathBuf,
    name: String,
    manifest: PathBuf,
}

/// How a file with a signature ends, and so which program made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureKind {
    OpenPgp,
    Minisign,
}

impl SignatureKind {
    pub const ALL: [SignatureKind; 2] = [SignatureKind::OpenPgp, SignatureKind::Minisign];

    pub fn ending(self) -> &'static str {
        match self {
            SignatureKind::OpenPgp => "asc",
            SignatureKind::Minisign => "minisig",
        }
    }
}

impl Beside {
    pub fn of(archive: &Path) -> Result<Self, AttestError> {
        let unknown = || package::PackageError::UnknownFormat { name: name(archive) };
        let manifest = package::manifest_beside(archive).ok_or_else(unknown)?;
        Ok(Self { archive: archive.to_owned(), name: name(archive), manifest })
    }

    pub fn archive(&self) -> &Path {
        &self.archive
    }

    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// The list of digests: of the archive alone, or, once it was signed, of everything.
    pub fn list(&self) -> PathBuf {
        self.with("sha256")
    }

    /// CycloneDX.
    pub fn sbom(&self) -> PathBuf {
        self.with("cdx.json")
    }

    /// An in-toto statement, in an envelope where it is signed.
    pub fn provenance(&self) -> PathBuf {
        self.with("intoto.jsonl")
    }

    /// The signature of the list.
    pub fn signature(&self, kind: SignatureKind) -> PathBuf {
        self.with(&format!("sha256.{}", kind.ending()))
    }

    /// What a signature covers, the archive first.
    pub(super) fn covered(&self) -> [PathBuf; 4] {
        [self.archive.clone(), self.manifest.clone(), self.sbom(), self.provenance()]
    }

    fn with(&self, ending: &str) -> PathBuf {
        self.archive.with_file_name(format!("{}.{ending}", self.name))
    }
}

/// The name of a file beside a package.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
