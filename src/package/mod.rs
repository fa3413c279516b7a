//! Packages: from an installed tree to files a person can carry away, and back to what is in them.
//!
//! A format is one file here and one line of [`FORMATS`]. The bytes of a package follow from the manifest and the
//! installed files alone: no clock, no user, no number of cores. What is to be packed is decided by `execute`; whether
//! it works is `verify`'s question.

mod checked;
mod contents;
mod deb;
mod error;
mod folder;
mod outputs;
mod parcel;
mod publish;
mod read;
mod rpm;
mod sink;
mod tar_writer;
mod tar_zst;
mod tree;
mod unpack;
mod walk;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

pub use checked::{Unpacked, unpack_checked};
pub use deb::read_control;
pub use error::{OutputProblem, PackageError};
pub use folder::{pack_folder, unpack_folder};
pub use outputs::check_outputs;
pub use publish::{Published, is_published, publish};
pub use tree::scan;

use parcel::{Parcel, Part};

use crate::model::{Digest, Manifest};

/// The format a package has unless another is asked for.
pub const DEFAULT_FORMAT: &str = "tar.zst";

/// Every format, the default first.
pub const FORMATS: [Format; 3] = [
    Format {
        name: DEFAULT_FORMAT,
        parts: tar_zst::PARTS,
        stem: tar_zst::stem,
        write: tar_zst::write,
        walk: tar_zst::walk,
    },
    Format { name: "deb", parts: deb::PARTS, stem: deb::stem, write: deb::write, walk: deb::walk },
    Format { name: "rpm", parts: rpm::PARTS, stem: rpm::stem, write: rpm::write, walk: rpm::walk },
];

/// Where a package's manifest lies below its prefix.
pub const MANIFEST: &str = "share/rdna-build/manifest.json";

/// Where those of the packages beside it lie: they are installed below the same prefix.
const MANIFESTS_OF_PARTS: [&str; 3] = [
    "share/rdna-build/dev/manifest.json",
    "share/rdna-build/debug/manifest.json",
    "share/rdna-build/default/manifest.json",
];

/// How far packing is: (bytes done, bytes in all).
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A package format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What a person types, and how its files end.
    pub name: &'static str,
    /// The packages that it makes of a unit; the first holds the library.
    parts: &'static [Part],
    /// The name of a package's file without its end.
    stem: fn(&Parcel<'_>) -> Result<String, PackageError>,
    write: fn(&Parcel<'_>, &Path, &CancellationToken, Progress<'_>) -> Result<Written, PackageError>,
    /// Shows each entry of an archive, within limits.
    walk: fn(&Path, walk::Each<'_>) -> Result<(), PackageError>,
}

/// The archive a format wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    size: u64,
    sha256: Digest,
}

/// A finished package and the files beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// What it holds.
    pub manifest: Manifest,
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

/// Packs the files of `manifest`, which lie below `tree_root`, into the folder `into`: one package or several, the one with
/// the library first.
///
/// Every file is digested again on its way and must be what the manifest says.
pub fn pack(
    format: &Format,
    manifest: &Manifest,
    tree_root: &Path,
    into: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Vec<Packed>, PackageError> {
    let mut packed = Vec::new();
    for part in format.parts {
        let Some(parcel) = Parcel::new(*part, manifest, tree_root)? else { continue };
        let stem = (format.stem)(&parcel)?;
        let name = format!("{stem}.{}", format.name);
        let archive = into.join(&name);
        let written = (format.write)(&parcel, &archive, cancel, progress)?;
        let manifest_file = into.join(format!("{stem}.manifest.json"));
        let digest_file = into.join(format!("{name}.sha256"));
        // Two spaces: what `sha256sum --check` reads.
        let digest_line = format!("{}  {name}\n", written.sha256);
        for (path, bytes) in
            [(&manifest_file, parcel.manifest_text.1.as_slice()), (&digest_file, digest_line.as_bytes())]
        {
            sink::persist(path, |file| file.write_all(bytes).map_err(PackageError::io("writing", path)))?;
        }
        packed.push(Packed {
            manifest: parcel.manifest,
            archive,
            size: written.size,
            sha256: written.sha256,
            beside: [manifest_file, digest_file],
        });
    }
    Ok(packed)
}

/// Replaces a small file beside a package, all or nothing.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    sink::persist(path, |file| file.write_all(bytes).map_err(PackageError::io("writing", path)))
}

/// Reads the manifest inside an archive without unpacking it.
pub fn read_manifest(archive: &Path) -> Result<Manifest, PackageError> {
    read::read_manifest(format_of(archive)?, archive)
}

/// Lists what is inside an archive without unpacking it.
pub fn list(archive: &Path) -> Result<Vec<Listed>, PackageError> {
    read::list(format_of(archive)?, archive)
}

/// Unpacks an archive into an empty folder. Whatever the archive holds, nothing is written outside of it.
pub fn unpack(archive: &Path, into: &Path, cancel: &CancellationToken) -> Result<(), PackageError> {
    unpack::unpack(format_of(archive)?, archive, into, cancel)
}

/// Where the manifest beside an archive lies; nothing where the name is no archive's.
pub fn manifest_beside(archive: &Path) -> Option<PathBuf> {
    let name = archive.file_name()?.to_str()?;
    let stem = FORMATS.iter().find_map(|format| name.strip_suffix(format.name)?.strip_suffix('.'))?;
    Some(archive.with_file_name(format!("{stem}.manifest.json")))
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

/// Whether a path in a package is that of its manifest.
fn is_manifest(path: &str) -> bool {
    let below = |manifest: &str| {
        path.strip_suffix(manifest).is_some_and(|prefix| prefix.len() > 1 && prefix.ends_with('/'))
    };
    std::iter::once(MANIFEST).chain(MANIFESTS_OF_PARTS).any(below)
}

/// A text that can be part of a file's name.
fn plain_name(part: &str) -> Result<&str, PackageError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '~');
    match part.is_empty() || part.starts_with('.') || !part.chars().all(plain) {
        true => Err(PackageError::BadName { name: part.to_owned() }),
        false => Ok(part),
    }
}

#[cfg(test)]
pub(crate) mod tests;
