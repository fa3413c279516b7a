//! One maker per key, across processes and threads.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Store;
use super::error::StoreError;
use super::holder::Holder;
use crate::model::Key;

/// How often a waiting run tries again; the kernel has no wait that can be cancelled.
const POLL: Duration = Duration::from_millis(50);

/// The exclusive right to make a key; given back on drop, and by the kernel when the process dies.
#[derive(Debug)]
pub struct KeyLock {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Takes the lock of a key. While another has it, `on_wait` is told who, once per holder.
    pub fn lock(
        &self,
        key: &Key,
        holder: &Holder,
        on_wait: &mut dyn FnMut(&str),
        cancel: &CancellationToken,
    ) -> Result<KeyLock, StoreError> {
        let mut told: Option<String> = None;
        loop {
            let other = match self.try_lock(key, holder)? {
                Ok(lock) => return Ok(lock),
                Err(other) => other,
            };
            if cancel.is_cancelled() {
                return Err(StoreError::Cancelled { holder: other });
            }
            if told.as_ref() != Some(&other) {
                on_wait(&other);
                told = Some(other);
            }
            std::thread::sleep(POLL);
        }
    }

    /// Takes the lock of a key if nobody has it, else says who.
    pub fn try_lock(&self, key: &Key, holder: &Holder) -> Result<Result<KeyLock, String>, StoreError> {
        let path = self.layout.lock(key);
        let failed = |doing| StoreError::io(doing, &path);
        loop {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(failed("opening"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Err(describe(&mut file))),
                Err(TryLockError::Error(error)) => return Err(failed("locking")(error)),
            }
            // The holder before us removed the file: a lock on a file without a name keeps nobody out.
            if !is_at(&file, &path) {
                continue;
            }
            let note = serde_json::to_vec(holder).expect("a holder has only text keys");
            let write = |file: &mut File| {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(&note)
            };
            // Who holds it is for people who wait. On a full disk the lock is held all the same: `gc` needs it.
            let _nameless_then = write(&mut file);
            return Ok(Ok(KeyLock { path, file }));
        }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // Removed while it is still locked, so that only its holder ever removes it.
        if is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = || -> io::Result<bool> {
        let (open, named) = (file.metadata()?, fs::metadata(path)?);
        Ok(open.ino() == named.ino() && open.dev() == named.dev())
    };
    same().unwrap_or(false)
}

fn describe(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.take(4096).read_to_end(&mut bytes);
    // Between taking the lock and writing its note a holder is nameless.
    match read.ok().and_then(|_| serde_json::from_slice::<Holder>(&bytes).ok()) {
        Some(holder) => holder.to_string(),
        None => "another run".to_owned(),
    }
}
