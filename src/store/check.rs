//! Whether entries still hold what was committed: every byte is read again.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Store;
use super::error::StoreError;
use super::folder;
use super::holder::Holder;
use super::record::{self, Entry, Lookup};
use crate::model::{Digest, Digester, Key, Stage};

/// What a look at an entry or a download came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Each byte is the one that was committed.
    Whole,
    /// It was committed before digests of contents were kept: nothing to hold it against.
    Unrecorded,
    /// A newer version of this program made it: only that one can tell.
    Newer,
    /// It is not what was committed: how.
    Damaged(String),
}

/// An entry or download that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub what: CheckedThing,
    /// Bytes that were read.
    pub bytes: u64,
    pub condition: Condition,
    /// Whether it was removed, so that it is made or fetched again.
    pub removed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckedThing {
    Entry { stage: Stage, key: Key },
    Download { sha256: Digest },
}

impl Store {
    /// Reads every entry and download again. What is damaged is removed, unless someone has it in hand or `heal` is false.
    /// `seen` hears of each as it was looked at.
    pub fn check(
        &self,
        heal: bool,
        holder: &Holder,
        seen: &mut dyn FnMut(&Checked),
    ) -> Result<(), StoreError> {
        for listed in self.list()? {
            let Some((bytes, condition)) = self.check_entry(listed.stage, &listed.key)? else { continue };
            let is_damaged = matches!(condition, Condition::Damaged(_));
            let removed = heal && is_damaged && self.removed(listed.stage, &listed.key, holder)?;
            let what = CheckedThing::Entry { stage: listed.stage, key: listed.key };
            seen(&Checked { what, bytes, condition, removed });
        }
        let downloads = self.downloads();
        for child in fs::read_dir(&downloads).into_iter().flatten().flatten() {
            // What has no digest for a name is unfinished.
            let Some(Ok(sha256)) = child.file_name().to_str().map(str::parse::<Digest>) else { continue };
            let Some((bytes, condition)) = self.check_download(&sha256)? else { continue };
            let removed = heal && condition != Condition::Whole && fs::remove_file(child.path()).is_ok();
            seen(&Checked { what: CheckedThing::Download { sha256 }, bytes, condition, removed });
        }
        Ok(())
    }

    /// Reads a download again; nothing where there is none.
    pub fn check_download(&self, sha256: &Digest) -> Result<Option<(u64, Condition)>, StoreError> {
        let path = self.download(sha256);
        match File::open(&path).and_then(Digest::of_reader) {
            Ok((found, bytes)) if found == *sha256 => Ok(Some((bytes, Condition::Whole))),
            Ok((found, bytes)) => Ok(Some((bytes, Condition::Damaged(format!("its sha256 is {found}"))))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("reading", &path)(error)),
        }
    }

    /// Nothing where it went away meanwhile.
    fn check_entry(&self, stage: Stage, key: &Key) -> Result<Option<(u64, Condition)>, StoreError> {
        match record::read(&self.layout, stage, key) {
            Ok(Lookup::Hit(entry)) => Ok(Some(entry.check())),
            Ok(Lookup::Miss) => Ok(None),
            Ok(Lookup::Unusable { reason, .. }) => Ok(Some((0, Condition::Damaged(reason)))),
            Err(StoreError::Newer { .. }) => Ok(Some((0, Condition::Newer))),
            Err(error) => Err(error),
        }
    }

    fn removed(&self, stage: Stage, key: &Key, holder: &Holder) -> Result<bool, StoreError> {
        match self.remove(stage, key, holder) {
            Ok(removed) => Ok(removed),
            Err(StoreError::InUse { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Entry {
    /// Reads all of its content again; gives how many bytes that are.
    pub fn check(&self) -> (u64, Condition) {
        let Some(expected) = self.record().contents else { return (0, Condition::Unrecorded) };
        match contents(&self.content()) {
            Ok((bytes, found)) if found == expected => (bytes, Condition::Whole),
            Ok((bytes, found)) => {
                let how = format!("its content's digest is {found}, and {expected} was committed");
                (bytes, Condition::Damaged(how))
            }
            // A disk that gives an error for a file has lost it.
            Err(error) => (0, Condition::Damaged(format!("it cannot be read: {error}"))),
        }
    }
}

/// A digest over every path, kind, right to execute and byte below a folder, and how many bytes that are.
pub(super) fn contents(root: &Path) -> io::Result<(u64, Digest)> {
    let mut paths: Vec<PathBuf> = Vec::new();
    folder::visit(root, &mut |path, _| {
        paths.push(path.to_owned());
        Ok(())
    })?;
    paths.sort();
    let mut digester = Digester::new();
    let mut total = 0;
    for path in &paths {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let name = std::os::unix::ffi::OsStrExt::as_bytes(relative.as_os_str());
        let metadata = fs::symlink_metadata(path)?;
        let mut note = |kind: &[u8], size: u64| {
            digester.update(&(name.len() as u64).to_le_bytes());
            digester.update(name);
            digester.update(kind);
            digester.update(&size.to_le_bytes());
        };
        if metadata.is_symlink() {
            let target = fs::read_link(path)?;
            let target = std::os::unix::ffi::OsStrExt::as_bytes(target.as_os_str());
            note(b"link", target.len() as u64);
            digester.update(target);
        } else if metadata.is_dir() {
            note(b"folder", 0);
        } else {
            let kind: &[u8] = if metadata.permissions().mode() & 0o111 != 0 { b"program" } else { b"file" };
            note(kind, metadata.len());
            total += digester.read_all(File::open(path)?)?;
        }
    }
    Ok((total, digester.finish()))
}
