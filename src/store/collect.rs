//! What the store takes, and making it take less.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Store;
use super::draft::Place;
use super::error::StoreError;
use super::folder;
use super::holder::Holder;
use super::layout::Layout;
use super::record::{self, Record};
use crate::model::{Key, Stage};

/// An entry as the collector sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub stage: Stage,
    pub key: Key,
    /// Bytes of disk.
    pub bytes: u64,
    pub files: u64,
    pub last_used: SystemTime,
    /// None when the record cannot be used; such an entry is collected first.
    pub record: Option<Record>,
}

/// Bytes of disk by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    pub entries: u64,
    pub drafts: u64,
    pub downloads: u64,
    pub runs: u64,
}

/// What may stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of entries; the least recently used go first.
    pub max_size: Option<u64>,
    /// Entries not used for longer than this go.
    pub older_than: Option<Duration>,
}

/// What a collection did.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    pub removed: Vec<Listed>,
    /// Were to go, but someone holds or makes them.
    pub in_use: Vec<Listed>,
    pub bytes_left: u64,
}

impl Store {
    /// All entries, the least recently used first.
    pub fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut listed = Vec::new();
        for stage in Stage::ALL {
            for bucket in children(&self.layout.entries_of(stage))? {
                for entry in children(&bucket)? {
                    let name = entry.file_name().and_then(|name| name.to_str());
                    let Some(Ok(key)) = name.map(str::parse::<Key>) else { continue };
                    listed.extend(self.look(stage, key, &entry)?);
                }
            }
        }
        listed.sort_by_key(|entry| (entry.record.is_some(), entry.last_used));
        Ok(listed)
    }

    /// What the store takes, in all.
    pub fn usage(&self) -> Result<Usage, StoreError> {
        let measure = |path: &Path| match folder::measure(path) {
            Ok(size) => Ok(size.bytes),
            // A draft may end while it is measured.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(StoreError::io("measuring", path)(error)),
        };
        let mut drafts = 0;
        for draft in children(&self.layout.drafts())? {
            drafts += measure(&draft)?;
        }
        Ok(Usage {
            entries: self.list()?.iter().map(|entry| entry.bytes).sum(),
            drafts,
            downloads: measure(&self.layout.downloads())?,
            runs: measure(&self.layout.runs())?,
        })
    }

    /// Removes an entry; `false` when there is none.
    pub fn remove(&self, stage: Stage, key: &Key, holder: &Holder) -> Result<bool, StoreError> {
        let in_use = |holder: String| StoreError::InUse { key: key.to_string(), holder };
        let _lock = self.try_lock(key, holder)?.map_err(in_use)?;
        let entry = self.layout.entry(stage, key);
        let path = Layout::record(&entry);
        // Readers hold a shared lock on the record; with this one held none can begin.
        let _record = match File::open(&path) {
            Ok(file) => match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => return Err(in_use("a run that reads it".to_owned())),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("locking", &path)(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::io("opening", &path)(error)),
        };
        // Out of sight at once, then removed at leisure: nobody meets half an entry.
        let place = Place::make(&self.layout, "removed", holder)?;
        match fs::rename(&entry, &place.folder) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("removing", &entry)(error)),
        }
    }

    /// Removes the least recently used entries until the limits hold. Drafts and entries in use stay.
    pub fn gc(&self, limits: Limits, holder: &Holder) -> Result<Collected, StoreError> {
        let entries = self.list()?;
        let now = SystemTime::now();
        let mut collected =
            Collected { bytes_left: entries.iter().map(|entry| entry.bytes).sum(), ..Collected::default() };
        for entry in entries {
            let unused = now.duration_since(entry.last_used).unwrap_or_default();
            let too_old = limits.older_than.is_some_and(|age| unused > age);
            let too_much = limits.max_size.is_some_and(|size| collected.bytes_left > size);
            if !(too_old || too_much || entry.record.is_none()) {
                continue;
            }
            match self.remove(entry.stage, &entry.key, holder) {
                Ok(_) => {
                    collected.bytes_left -= entry.bytes;
                    collected.removed.push(entry);
                }
                Err(StoreError::InUse { .. }) => collected.in_use.push(entry),
                Err(error) => return Err(error),
            }
        }
        Ok(collected)
    }

    fn look(&self, stage: Stage, key: Key, entry: &Path) -> Result<Option<Listed>, StoreError> {
        let path = Layout::record(entry);
        let record = fs::read(&path).ok().and_then(|bytes| record::parse(&bytes, stage, &key).ok());
        let Ok(metadata) = fs::metadata(if record.is_some() { &path } else { entry }) else {
            // Removed meanwhile.
            return Ok(None);
        };
        let (bytes, files) = match &record {
            Some(record) => (record.bytes, record.files),
            None => {
                let size = folder::measure(entry).map_err(StoreError::io("measuring", entry))?;
                (size.bytes, size.files)
            }
        };
        let last_used = metadata.modified().map_err(StoreError::io("reading", &path))?;
        Ok(Some(Listed { stage, key, bytes, files, last_used, record }))
    }
}

/// The paths in a folder; none when it is not there.
fn children(folder: &Path) -> Result<Vec<std::path::PathBuf>, StoreError> {
    let listed = fs::read_dir(folder).and_then(|children| children.map(|child| Ok(child?.path())).collect());
    match listed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(StoreError::io("reading", folder)),
    }
}
