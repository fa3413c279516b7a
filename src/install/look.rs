//! What is installed below a base folder, as it is on the disk.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::base::Base;
use super::decide::{self, Difference};
use super::error::InstallError;
use super::record::{Journal, Record, Verdict};
use super::title::Title;
use crate::model::{Digest, Manifest, PackagedFile};
use crate::package::{self, MANIFEST, PackageError};

/// An installed package.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    pub title: Title,
    pub folder: PathBuf,
    pub toolchain: String,
    /// Bytes of its files.
    pub size: u64,
    /// Whether its link leads to it.
    pub current: bool,
    /// Seconds since 1970, where that is known.
    pub installed: Option<u64>,
    /// Nothing where the package came without a report.
    pub verdict: Option<Verdict>,
    /// In the order of installs; 0 where it was unpacked by other means.
    pub(super) number: u64,
    /// Of the manifest in its folder; nothing where that is gone or damaged.
    pub(super) manifest: Option<Digest>,
    /// What was installed, relative to its folder.
    pub(super) files: Vec<PackagedFile>,
}

impl Installed {
    #[cfg(test)]
    pub(super) fn example(title: Title, number: u64, current: bool) -> Self {
        Self {
            folder: Path::new("/base").join(title.folder()),
            title,
            toolchain: "debian-sid".to_owned(),
            size: 1,
            current,
            installed: Some(number),
            verdict: None,
            number,
            manifest: Some(Digest::of("")),
            files: Vec::new(),
        }
    }
}

/// Lists what is installed, sorted by name, target and the order of installs. What is just being installed or removed is seen
/// as it was before, or as it will be.
pub fn installed(base: &Base) -> Result<Vec<Installed>, InstallError> {
    let entries = match fs::read_dir(base.folder()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(InstallError::io("reading", base.folder()))?,
    };
    let records = Record::read_all(base)?;
    let journal = Journal::read(base)?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(InstallError::io("reading", base.folder()))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.path() != base.state() {
            found.extend(one(base, &entry.path(), &records));
        }
    }
    found.retain(|one| !is_half(one, journal.as_ref()));
    found.sort_by(|a, b| {
        let key = |one: &Installed| (one.title.link(), one.number, one.title.version.clone());
        key(a).cmp(&key(b))
    });
    Ok(found)
}

/// Whether it is not there yet or no longer, though its folder is.
fn is_half(one: &Installed, journal: Option<&Journal>) -> bool {
    match journal {
        Some(Journal::Put { title, is_new: true, .. }) => one.title == *title && !one.current,
        Some(Journal::Remove { title, was_current: true }) => one.title == *title && !one.current,
        Some(Journal::Put { .. } | Journal::Remove { .. }) | None => false,
    }
}

/// The package in a folder of the base; nothing where it is something else.
fn one(base: &Base, folder: &Path, records: &[Record]) -> Option<Installed> {
    let name = folder.file_name()?.to_str()?;
    let (manifest, digest) = match read_manifest(folder) {
        Some((manifest, digest)) => (Some(manifest), Some(digest)),
        None => (None, None),
    };
    let of_title = || records.iter().filter(|record| record.title.folder() == name);
    // One that was changed since is still the one that was installed last.
    let record = of_title().find(|record| Some(record.manifest) == digest).or_else(|| of_title().next_back());
    let (title, toolchain, files) = match (record, manifest, digest) {
        (Some(record), ..) => (record.title.clone(), record.toolchain.clone(), record.files.clone()),
        (None, Some(manifest), Some(digest)) => {
            let files = own_files(&manifest, digest, folder);
            (Title::of(&manifest).ok()?, manifest.toolchain.id, files)
        }
        (None, ..) => return None,
    };
    if title.folder() != name {
        return None;
    }
    Some(Installed {
        current: fs::read_link(base.link(&title)).is_ok_and(|target| target == Path::new(name)),
        folder: folder.to_owned(),
        size: files.iter().map(size).sum(),
        installed: record.map(|record| record.installed),
        verdict: record.and_then(|record| record.verdict.clone()),
        number: record.map_or(0, |record| record.number),
        manifest: digest,
        title,
        toolchain,
        files,
    })
}

fn size(file: &PackagedFile) -> u64 {
    match file {
        PackagedFile::File { size, .. } => *size,
        PackagedFile::Symlink { .. } => 0,
    }
}

/// A package's files relative to its own folder, its manifest among them.
pub(super) fn own_files(manifest: &Manifest, digest: Digest, folder: &Path) -> Vec<PackagedFile> {
    let prefix = format!("{}/", manifest.build.prefix.trim_matches('/'));
    let own = |file: &PackagedFile| {
        let path = file.path().strip_prefix(&prefix)?.to_owned();
        Some(match file.clone() {
            PackagedFile::File { sha256, size, executable, .. } => {
                PackagedFile::File { path, sha256, size, executable }
            }
            PackagedFile::Symlink { target, .. } => PackagedFile::Symlink { path, target },
        })
    };
    let size = fs::metadata(folder.join(MANIFEST)).map_or(0, |metadata| metadata.len());
    let mut files: Vec<PackagedFile> = manifest.files.iter().filter_map(own).collect();
    files.push(PackagedFile::File { path: MANIFEST.to_owned(), sha256: digest, size, executable: false });
    files.sort_by(|a, b| a.path().cmp(b.path()));
    files
}

/// The manifest in a package's folder and its digest.
pub(super) fn read_manifest(folder: &Path) -> Option<(Manifest, Digest)> {
    let mut text = Vec::new();
    File::open(folder.join(MANIFEST)).ok()?.take(Manifest::LARGEST).read_to_end(&mut text).ok()?;
    Some((serde_json::from_slice(&text).ok()?, Digest::of(&text)))
}

/// How a package's folder differs from what was installed; reads every byte of it.
pub(super) fn changes(one: &Installed, cancel: &CancellationToken) -> Result<Vec<Difference>, InstallError> {
    match package::scan(&one.folder, cancel) {
        Ok(found) => Ok(decide::differences(&one.files, &found)),
        // What no package can hold was added by somebody.
        Err(
            error @ (PackageError::Symlink { .. }
            | PackageError::Special { .. }
            | PackageError::NotUtf8 { .. }),
        ) => Ok(vec![Difference::Foreign(error.to_string())]),
        Err(error) => Err(error.into()),
    }
}
