//! Debian packages to the byte: what a root file system is assembled from.

use super::digest::{Digest, Digester};
use super::path_filters::PathFilters;

/// One package file of a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianPackage {
    pub name: String,
    pub version: String,
    /// The suite it was found in.
    pub suite: String,
    /// Its place on a mirror, below the folder that holds `pool`.
    pub file: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
}

/// Everything that decides the bytes of a root file system, but for files that are left out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSet {
    /// Seconds since 1970; no file is younger.
    pub date: u64,
    /// In order of their names.
    pub packages: Vec<DebianPackage>,
}

impl PackageSet {
    /// Bytes of all package files.
    pub fn size(&self) -> u64 {
        self.packages.iter().map(|package| package.size).sum()
    }

    /// The same for the same packages, wherever they lay.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        digester.update(format!("rootfs 1 {}\n", self.date).as_bytes());
        for package in &self.packages {
            digester.update(format!("{} {}\n", package.name, package.sha256).as_bytes());
        }
        digester.finish()
    }

    /// The same for the same root file system: for the same packages without the same files.
    pub fn rootfs(&self, left_out: &PathFilters) -> Digest {
        if left_out.is_empty() {
            return self.digest();
        }
        Digest::of(format!("{} without\n{}", self.digest(), left_out.dpkg_options()))
    }
}

/// What a lock file says of a toolchain: these packages and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPackages {
    /// What was asked for when they were chosen: [`DebianBase::request`](super::DebianBase::request).
    pub request: Digest,
    pub set: PackageSet,
}
