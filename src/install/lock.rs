//! One change of a base folder at a time, across processes.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::base::Base;
use super::disk;
use super::error::InstallError;
use super::record::{json, read_json};

/// How often a waiting process tries again; the kernel has no wait that can be cancelled.
const POLL: Duration = Duration::from_millis(50);

/// What a change needs of its surroundings.
pub struct Waiting<'a> {
    pub cancel: &'a CancellationToken,
    /// Told for whom it waits, once per holder.
    pub on_wait: &'a mut dyn FnMut(&str),
}

impl std::fmt::Debug for Waiting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// The exclusive right to change a base folder; given back on drop, and by the kernel when the process dies.
#[derive(Debug)]
pub(super) struct BaseLock {
    file: File,
}

impl BaseLock {
    /// Takes the lock of a base that is made if need be.
    pub fn create(base: &Base, doing: &str, waiting: &mut Waiting<'_>) -> Result<Self, InstallError> {
        let mut made = Vec::new();
        loop {
            made.extend(disk::make_folders(base.folder())?);
            disk::make_folders(&base.state())?;
            if let Some(lock) = Self::take(base, doing, waiting)? {
                remember(base, made)?;
                return Ok(lock);
            }
        }
    }

    /// Takes the lock of a base that is there; nothing where nothing was ever installed.
    pub fn existing(
        base: &Base,
        doing: &str,
        waiting: &mut Waiting<'_>,
    ) -> Result<Option<Self>, InstallError> {
        while base.state().exists() {
            if let Some(lock) = Self::take(base, doing, waiting)? {
                return Ok(Some(lock));
            }
        }
        Ok(None)
    }

    /// Nothing where the file went away meanwhile: whoever had the lock removed the last package.
    fn take(base: &Base, doing: &str, waiting: &mut Waiting<'_>) -> Result<Option<Self>, InstallError> {
        let path = base.lock();
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(InstallError::io("opening", &path))?,
        };
        wait(&mut file, &path, waiting)?;
        if !is_at(&file, &path) {
            return Ok(None);
        }
        let note = format!("process {}, which {doing}", std::process::id());
        let written = (|| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(note.as_bytes())
        })();
        written.map_err(InstallError::io("writing", &path))?;
        Ok(Some(Self { file }))
    }
}

impl Drop for BaseLock {
    fn drop(&mut self) {
        // The kernel gives it back with the file; a child that inherited it must not keep it.
        let _ = self.file.unlock();
    }
}

fn wait(file: &mut File, path: &Path, waiting: &mut Waiting<'_>) -> Result<(), InstallError> {
    let mut told: Option<String> = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(InstallError::io("locking", path)(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let holder = describe(file);
        if waiting.cancel.is_cancelled() {
            return Err(InstallError::InterruptedWaiting { holder });
        }
        if told.as_ref() != Some(&holder) {
            (waiting.on_wait)(&holder);
            told = Some(holder);
        }
        std::thread::sleep(POLL);
    }
}

/// Between taking the lock and writing its note a holder is nameless.
fn describe(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(4096).read_to_string(&mut text));
    match read {
        Ok(1..) => text,
        Ok(_) | Err(_) => "another process".to_owned(),
    }
}

/// Adds to the folders that were made for this base.
fn remember(base: &Base, made: Vec<PathBuf>) -> Result<(), InstallError> {
    if made.is_empty() {
        return Ok(());
    }
    let mut all: Vec<PathBuf> = read_json(&base.made())?.unwrap_or_default();
    all.extend(made);
    // The deepest first.
    all.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    all.dedup();
    disk::write_whole(&base.made(), &json(&all))
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = || -> io::Result<bool> {
        let (open, named) = (file.metadata()?, fs::metadata(path)?);
        Ok(open.ino() == named.ino() && open.dev() == named.dev())
    };
    same().unwrap_or(false)
}
