//! What the store takes, and making it take less.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Store;
use super::draft::Place;
use super::error::StoreError;
use super::folder;
use super::holder::Holder;
use super::layout::Layout;
use super::record::{self, Record, Unread};
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
    /// An entry whose record is damaged is collected first, one of a newer version never.
    pub record: Result<Record, Unread>,
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
        let now = SystemTime::now();
        let mut listed = Vec::new();
        for stage in Stage::ALL {
            for bucket in children(&self.layout.entries_of(stage))? {
                for entry in children(&bucket)? {
                    let name = entry.file_name().and_then(|name| name.to_str());
                    let Some(Ok(key)) = name.map(str::parse::<Key>) else { continue };
                    listed.extend(look(stage, key, &entry, now)?);
                }
            }
        }
        // A use in the future was before the clock went back, so before all others.
        listed.sort_by_key(|entry| (!entry.is_damaged(), entry.last_used <= now, entry.last_used));
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
        self.discard(stage, key, holder)
    }

    /// The same for whoever holds the lock of the key, or makes it under another.
    pub fn discard(&self, stage: Stage, key: &Key, holder: &Holder) -> Result<bool, StoreError> {
        let in_use = |holder: String| StoreError::InUse { key: key.to_string(), holder };
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

    /// Removes the least recently used entries until the limits hold, and the drafts of the dead. What is in use stays.
    pub fn gc(&self, limits: Limits, holder: &Holder) -> Result<Collected, StoreError> {
        self.sweep_drafts(&Holder::is_alive)?;
        let entries = self.list()?;
        let now = SystemTime::now();
        let mut collected =
            Collected { bytes_left: entries.iter().map(|entry| entry.bytes).sum(), ..Collected::default() };
        for entry in entries {
            if matches!(entry.record, Err(Unread::Newer { .. })) {
                continue;
            }
            let unused = now.duration_since(entry.last_used).unwrap_or_else(|_| {
                // Nobody knows for how long. From here on it is counted, lest the entry stays for ever.
                self.count_from_now(&entry);
                Duration::ZERO
            });
            let too_old = limits.older_than.is_some_and(|age| unused > age);
            let too_much = limits.max_size.is_some_and(|size| collected.bytes_left > size);
            if !(too_old || too_much || entry.is_damaged()) {
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

    /// Lets an entry's last use be now.
    fn count_from_now(&self, listed: &Listed) {
        let record = Layout::record(&self.layout.entry(listed.stage, &listed.key));
        // Removed meanwhile, or another user's: then there is nothing to count.
        let _ = File::open(record).and_then(|record| record.set_modified(SystemTime::now()));
    }
}

impl Listed {
    fn is_damaged(&self) -> bool {
        matches!(self.record, Err(Unread::Damaged(_)))
    }
}

fn look(stage: Stage, key: Key, entry: &Path, now: SystemTime) -> Result<Option<Listed>, StoreError> {
    let path = Layout::record(entry);
    let record = match fs::read(&path) {
        Ok(bytes) => record::parse(&bytes, stage, &key),
        Err(error) => Err(Unread::Damaged(error.to_string())),
    };
    let Ok(metadata) = fs::metadata(&path).or_else(|_| fs::metadata(entry)) else {
        // Removed meanwhile.
        return Ok(None);
    };
    let (bytes, files) = match &record {
        Ok(record) => (record.bytes, record.files),
        Err(_) => {
            let size = folder::measure(entry).map_err(StoreError::io("measuring", entry))?;
            (size.bytes, size.files)
        }
    };
    let touched = metadata.modified().map_err(StoreError::io("reading", &path))?;
    let last_used = last_used(touched, record.as_ref().ok(), now);
    Ok(Some(Listed { stage, key, bytes, files, last_used, record }))
}

/// When an entry was last used: not before it was made, where that is not in the future. A clock that was wrong for a
/// while leaves either time wrong, seldom both.
fn last_used(touched: SystemTime, record: Option<&Record>, now: SystemTime) -> SystemTime {
    let made = record.and_then(|record| UNIX_EPOCH.checked_add(Duration::from_secs(record.created)));
    made.filter(|made| *made <= now).map_or(touched, |made| made.max(touched))
}

/// The paths in a folder; none when it is not there.
fn children(folder: &Path) -> Result<Vec<std::path::PathBuf>, StoreError> {
    let listed = fs::read_dir(folder).and_then(|children| children.map(|child| Ok(child?.path())).collect());
    match listed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(StoreError::io("reading", folder)),
    }
}
