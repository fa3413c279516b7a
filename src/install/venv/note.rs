//! What is kept beside a swapped library: what it was, and what was put in its place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::install::disk;
use crate::install::error::InstallError;
use crate::install::record::{json, read_json};
use crate::model::Digest;

/// How the name of an original ends.
pub(super) const ORIGINAL: &str = ".rdna-build-original";
/// Ours that are remembered, so that one whose swap was cut off is still known.
const MOST_OURS: usize = 8;

/// `torch/lib/.rdna-build.json`. Schema 1; a reader ignores keys it does not know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Note {
    pub schema: u32,
    /// The file's name.
    pub library: String,
    /// What the wheel brought.
    pub original: Digest,
    /// What was put there, the last one last.
    pub ours: Vec<Put>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Put {
    pub sha256: Digest,
    /// e.g. `miopen 3.3.0 for gfx1010`.
    pub package: String,
    /// Seconds since 1970.
    pub when: u64,
}

/// Where everything of one wheel lies.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub folder: PathBuf,
    pub library: PathBuf,
    pub original: PathBuf,
    pub note: PathBuf,
}

impl Places {
    pub fn new(folder: &Path, library: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            library: folder.join(library),
            original: folder.join(format!("{library}{ORIGINAL}")),
            note: note_of(folder),
        }
    }
}

pub(super) fn note_of(folder: &Path) -> PathBuf {
    folder.join(".rdna-build.json")
}

impl Note {
    pub fn read(folder: &Path) -> Result<Option<Self>, InstallError> {
        // A name that leads out of the folder was not written by us.
        Ok(read_json::<Self>(&note_of(folder))?.filter(|note| !note.library.contains('/')))
    }

    pub fn write(&self, folder: &Path) -> Result<(), InstallError> {
        disk::write_whole(&note_of(folder), &json(self))
    }

    pub fn add(&mut self, put: Put) {
        self.ours.retain(|one| one.sha256 != put.sha256);
        self.ours.push(put);
        let too_many = self.ours.len().saturating_sub(MOST_OURS);
        self.ours.drain(..too_many);
    }

    pub fn is_ours(&self, digest: &Digest) -> bool {
        self.ours.iter().any(|put| put.sha256 == *digest)
    }
}

/// The digest of a file; nothing where there is none.
pub(super) fn digest(path: &Path) -> Result<Option<Digest>, InstallError> {
    match File::open(path).and_then(Digest::of_reader) {
        Ok((digest, _)) => Ok(Some(digest)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(InstallError::io("reading", path)(error)),
    }
}

/// The right to change a folder of libraries: the kernel's lock on the folder itself, which leaves no file.
#[derive(Debug)]
pub(super) struct FolderLock {
    _folder: File,
}

impl FolderLock {
    pub fn take(
        folder: &Path,
        waiting: &mut crate::install::lock::Waiting<'_>,
    ) -> Result<Self, InstallError> {
        let file = File::open(folder).map_err(InstallError::io("opening", folder))?;
        let holder = || "another process, which swaps the same library".to_owned();
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _folder: file }),
                Err(fs::TryLockError::Error(error)) => {
                    return Err(InstallError::io("locking", folder)(error));
                }
                Err(fs::TryLockError::WouldBlock) => {}
            }
            if waiting.cancel.is_cancelled() {
                return Err(InstallError::InterruptedWaiting { holder: holder() });
            }
            if !told {
                (waiting.on_wait)(&holder());
                told = true;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Removes what a process that died left in the folder. Only for whoever holds its lock.
pub(super) fn sweep(folder: &Path) -> Result<(), InstallError> {
    let entries = fs::read_dir(folder).map_err(InstallError::io("reading", folder))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(disk::TEMPORARY) {
            disk::remove_all(&entry.path()).map_err(InstallError::io("removing", &entry.path()))?;
        }
    }
    Ok(())
}
