//! Packages: from an installed tree to files a person can carry away, and back to what is in them.
//!
//! A format is one file here and one line of [`FORMATS`]. The bytes of a package follow from the manifest and the
//! installed files alone: no clock, no user, no number of cores. What is to be packed is decided by `execute`; whether
//! it works is `verify`'s question.

mod checked;
mod error;
mod outputs;
mod publish;
mod sink;
mod tar_zst;
mod tree;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

pub use checked::{Unpacked, unpack_checked};
pub use error::{OutputProblem, PackageError};
pub use outputs::check_outputs;
pub use publish::{Published, publish};
pub use tree::scan;

use crate::model::{Digest, Manifest};

/// The format a package has unless another is asked for.
pub const DEFAULT_FORMAT: &str = "tar.zst";

/// Every format, the default first.
pub const FORMATS: [Format; 1] = [Format {
    name: DEFAULT_FORMAT,
    write: tar_zst::write,
    list: tar_zst::list,
    read_manifest: tar_zst::read_manifest,
    unpack: tar_zst::unpack,
}];

/// Where a package's manifest lies below its prefix.
pub const MANIFEST: &str = "share/rdna-build/manifest.json";

/// How far packing is: (bytes done, bytes in all).
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A package format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What a person types, and how its files end.
    pub name: &'static str,
    write: fn(&Contents<'_>, &Path, &CancellationToken, Progress<'_>) -> Result<Written, PackageError>,
    list: fn(&Path) -> Result<Vec<Listed>, PackageError>,
    read_manifest: fn(&Path) -> Result<Manifest, PackageError>,
    unpack: fn(&Path, &Path, &CancellationToken) -> Result<(), PackageError>,
}

/// What a format packs.
#[derive(Debug)]
struct Contents<'a> {
    manifest: &'a Manifest,
    /// `manifest` as text, the file at `manifest_path`.
    manifest_text: &'a [u8],
    manifest_path: &'a str,
    tree_root: &'a Path,
}

/// The archive a format wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    size: u64,
    sha256: Digest,
}

/// A finished package and the files beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    pub archive: PathBuf,
    pub size: u64,
    pub sha256: Digest,
    /// The manifest and the archive's digest, as files.
    pub beside: [PathBuf; 2],
}

/// An entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: String,
    pub mode: u32,
    pub kind: ListedKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedKind {
    Directory,
    File { size: u64 },
    Symlink { target: String },
}

impl Packed {
    /// All its files.
    pub fn files(&self) -> Vec<PathBuf> {
        std::iter::once(&self.archive).chain(&self.beside).cloned().collect()
    }
}

/// The format of this name.
pub fn format(name: &str) -> Result<&'static Format, PackageError> {
    FORMATS
        .iter()
        .find(|format| format.name == name)
        .ok_or_else(|| PackageError::UnknownFormat { name: name.to_owned() })
}

/// Packs the files of `manifest`, which lie below `tree_root`, into the folder `into`.
///
/// Every file is digested again on its way and must be what the manifest says.
pub fn pack(
    format: &Format,
    manifest: &Manifest,
    tree_root: &Path,
    into: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Packed, PackageError> {
    let stem = file_stem(manifest)?;
    let manifest_path = manifest_path(manifest)?;
    let mut manifest_text = serde_json::to_vec_pretty(manifest).expect("a manifest has only text keys");
    manifest_text.push(b'\n');
    let contents =
        Contents { manifest, manifest_text: &manifest_text, manifest_path: &manifest_path, tree_root };

    let name = format!("{stem}.{}", format.name);
    let archive = into.join(&name);
    let written = (format.write)(&contents, &archive, cancel, progress)?;
    let manifest_file = into.join(format!("{stem}.manifest.json"));
    let digest_file = into.join(format!("{name}.sha256"));
    // Two spaces: what `sha256sum --check` reads.
    let digest_line = format!("{}  {name}\n", written.sha256);
    for (path, bytes) in [(&manifest_file, &manifest_text[..]), (&digest_file, digest_line.as_bytes())] {
        sink::persist(path, |file| file.write_all(bytes).map_err(PackageError::io("writing", path)))?;
    }
    Ok(Packed { archive, size: written.size, sha256: written.sha256, beside: [manifest_file, digest_file] })
}

/// Replaces a small file beside a package, all or nothing.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    sink::persist(path, |file| file.write_all(bytes).map_err(PackageError::io("writing", path)))
}

/// Reads the manifest inside an archive without unpacking it.
pub fn read_manifest(archive: &Path) -> Result<Manifest, PackageError> {
    (format_of(archive)?.read_manifest)(archive)
}

/// Lists what is inside an archive without unpacking it.
pub fn list(archive: &Path) -> Result<Vec<Listed>, PackageError> {
    (format_of(archive)?.list)(archive)
}

/// Unpacks an archive into an empty folder. Whatever the archive holds, nothing is written outside of it.
pub fn unpack(archive: &Path, into: &Path, cancel: &CancellationToken) -> Result<(), PackageError> {
    (format_of(archive)?.unpack)(archive, into, cancel)
}

/// Where the manifest of a package that was unpacked or installed below `prefix` lies, relative to the root.
pub fn manifest_below(prefix: &str) -> String {
    format!("{}/{MANIFEST}", prefix.trim_matches('/'))
}

fn format_of(archive: &Path) -> Result<&'static Format, PackageError> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    FORMATS
        .iter()
        .find(|format| name.strip_suffix(format.name).is_some_and(|stem| stem.ends_with('.')))
        .ok_or_else(|| PackageError::UnknownFormat { name: name.into_owned() })
}

/// `NAME-VERSION-TARGET-TOOLCHAIN`.
fn file_stem(manifest: &Manifest) -> Result<String, PackageError> {
    let parts = [&manifest.name, &manifest.version, &manifest.target, &manifest.toolchain.id];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    for part in parts {
        if part.is_empty() || part.starts_with('.') || !part.chars().all(plain) {
            return Err(PackageError::BadName { name: part.clone() });
        }
    }
    Ok(parts.map(String::as_str).join("-"))
}

/// The path inside the package of the manifest itself, below the install prefix.
fn manifest_path(manifest: &Manifest) -> Result<String, PackageError> {
    let prefix = manifest.build.prefix.trim_matches('/');
    if !tree::is_plain_path(prefix) {
        return Err(PackageError::BadName { name: manifest.build.prefix.clone() });
    }
    Ok(manifest_below(prefix))
}

#[cfg(test)]
mod tests;
