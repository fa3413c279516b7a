//! Unpacks a package and holds what came out against its manifest, in one pass over its bytes.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::error::PackageError;
use super::{DEFAULT_FORMAT, MANIFEST, format_of, is_manifest, manifest_below, unpack};
use crate::model::{Digest, Manifest, PackagedFile};

/// A package that was unpacked and is what its manifest says.
#[derive(Debug)]
pub struct Unpacked {
    pub manifest: Manifest,
    /// Of the manifest's own file, which the manifest cannot name.
    pub manifest_sha256: Digest,
    /// Of the archive.
    pub size: u64,
    pub sha256: Digest,
}

/// Unpacks an archive into an empty folder and compares every file with the manifest. What is not in it, is missing, is
/// another or lies outside of the prefix is an error. On return all of it is on the disk.
///
/// After an error the folder holds anything; it is for the caller to remove.
pub fn unpack_checked(
    archive: &Path,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<Unpacked, PackageError> {
    let format = format_of(archive)?;
    if format.name != DEFAULT_FORMAT {
        return Err(PackageError::NotUnpackable { format: format.name });
    }
    let digested = unpack::unpack_digested(archive, into, cancel)?;
    let (manifest, own, manifest_sha256) =
        own_manifest(&digested.files, into).map_err(|reason| PackageError::not_ours(archive, reason))?;
    check(&manifest, &own, &digested.files).map_err(|reason| PackageError::not_ours(archive, reason))?;
    Ok(Unpacked { manifest, manifest_sha256, size: digested.size, sha256: digested.sha256 })
}

/// The manifest among the files, its path and its digest.
fn own_manifest(files: &[PackagedFile], root: &Path) -> Result<(Manifest, String, Digest), String> {
    let found = files.iter().find_map(|file| match file {
        PackagedFile::File { path, sha256, size, .. } if is_manifest(path) => Some((path, sha256, size)),
        PackagedFile::File { .. } | PackagedFile::Symlink { .. } => None,
    });
    let (path, sha256, size) = found.ok_or_else(|| format!("there is no {MANIFEST} in it"))?;
    if *size > Manifest::LARGEST {
        return Err(format!("its manifest has {size} bytes"));
    }
    let mut text = Vec::new();
    let read =
        File::open(root.join(path)).and_then(|file| file.take(Manifest::LARGEST).read_to_end(&mut text));
    read.map_err(|error| format!("its manifest: {error}"))?;
    let manifest = serde_json::from_slice(&text).map_err(|error| format!("its manifest: {error}"))?;
    Ok((manifest, path.clone(), *sha256))
}

fn check(manifest: &Manifest, own: &str, found: &[PackagedFile]) -> Result<(), String> {
    let prefix = manifest.build.prefix.trim_matches('/');
    if manifest_below(prefix) != own {
        return Err(format!("its manifest lies in {own}, and says that all is below /{prefix}"));
    }
    let mut expected: Vec<&PackagedFile> = manifest.files.iter().collect();
    expected.sort_by(|a, b| a.path().cmp(b.path()));
    let mut expected = expected.into_iter().peekable();
    for file in found.iter().filter(|file| file.path() != own) {
        let path = file.path();
        if !path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')) {
            return Err(format!("it holds {path}, which is not below its prefix"));
        }
        match expected.next_if(|next| next.path() <= path) {
            Some(next) if next.path() < path => return Err(format!("it lacks {}", next.path())),
            Some(next) if next == file => {}
            Some(next) => return Err(differs(next, file)),
            None => return Err(format!("it holds {path}, which its manifest does not list")),
        }
    }
    match expected.next() {
        Some(missing) => Err(format!("it lacks {}", missing.path())),
        None => Ok(()),
    }
}

fn differs(expected: &PackagedFile, found: &PackagedFile) -> String {
    match (expected, found) {
        (PackagedFile::File { path, sha256: wanted, .. }, PackagedFile::File { sha256, .. })
            if wanted != sha256 =>
        {
            format!("the sha256 of {path} is {sha256}, its manifest says {wanted}")
        }
        (PackagedFile::Symlink { path, target: wanted }, PackagedFile::Symlink { target, .. }) => {
            format!("{path} leads to {target}, its manifest says {wanted}")
        }
        (expected, _) => format!("{} is of another kind than its manifest says", expected.path()),
    }
}
