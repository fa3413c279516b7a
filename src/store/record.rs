//! Records and the entries they speak for.

use std::fs::{File, FileTimes, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::layout::Layout;
use crate::model::{Digest, Ingredients, Key, RunId, Stage};

/// The number in every record; one that differs is not read.
pub(super) const SCHEMA: u32 = 1;

/// More than any record needs; a file beyond it is none.
const LARGEST: u64 = 64 << 20;

/// `record.json`: what an entry is and how it came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub schema: u32,
    pub stage: Stage,
    pub key: Key,
    pub ingredients: Ingredients,
    /// Seconds since 1970.
    pub created: u64,
    pub run: RunId,
    /// How long making it took.
    pub seconds: f64,
    /// Bytes of disk below `content/`.
    pub bytes: u64,
    pub files: u64,
    /// Over every path, kind and byte below `content/`; nothing in entries of older versions.
    #[serde(default)]
    pub contents: Option<Digest>,
    /// What the stage itself wants to know later. Read on every lookup, so small.
    pub detail: serde_json::Value,
}

impl Record {
    /// Reads the record of an entry of another store; it must speak for this stage and key.
    pub fn parse(bytes: &[u8], stage: Stage, key: &Key) -> Result<Self, String> {
        parse(bytes, stage, key)
    }

    /// The record as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has only text keys")
    }
}

/// A complete entry. While a clone of it lives, no process collects the entry.
#[derive(Clone, Debug)]
pub struct Entry {
    record: Arc<Record>,
    folder: PathBuf,
    /// Open with a shared lock.
    hold: Arc<File>,
}

/// What is known under a key.
#[derive(Debug)]
pub enum Lookup {
    Hit(Entry),
    Miss,
    /// There is something that cannot be used; it is never read further, and the next commit replaces it.
    Unusable {
        path: PathBuf,
        reason: String,
    },
}

impl Lookup {
    /// The entry, if there is a usable one.
    pub fn entry(self) -> Option<Entry> {
        match self {
            Lookup::Hit(entry) => Some(entry),
            Lookup::Miss | Lookup::Unusable { .. } => None,
        }
    }
}

impl Entry {
    /// `hold` is the open record with a shared lock.
    pub(super) fn new(record: Record, folder: PathBuf, hold: File) -> Self {
        Self { record: Arc::new(record), folder, hold: Arc::new(hold) }
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn key(&self) -> Key {
        self.record.key
    }

    /// The folder with what the stage made; read-only.
    pub fn content(&self) -> PathBuf {
        Layout::content(&self.folder)
    }

    /// Notes the use for the collector. Failing is fine: another user's entry is used without saying so.
    pub(super) fn touch(&self) {
        let _ = self.hold.set_times(FileTimes::new().set_modified(SystemTime::now()));
    }
}

/// Reads the entry under a key and takes hold of it.
pub(super) fn read(layout: &Layout, stage: Stage, key: &Key) -> Result<Lookup, StoreError> {
    let folder = layout.entry(stage, key);
    let path = Layout::record(&folder);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return missing_record(&folder, &path),
        Err(error) => return Err(StoreError::io("opening", &path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => {}
        // Someone removes it right now.
        Err(TryLockError::WouldBlock) => return Ok(Lookup::Miss),
        Err(TryLockError::Error(error)) => return Err(StoreError::io("locking", &path)(error)),
    }
    let metadata = file.metadata().map_err(StoreError::io("reading", &path))?;
    if metadata.nlink() == 0 {
        return Ok(Lookup::Miss);
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(1 << 20) as usize);
    (&file).take(LARGEST).read_to_end(&mut bytes).map_err(StoreError::io("reading", &path))?;
    Ok(match parse(&bytes, stage, key) {
        Ok(record) => Lookup::Hit(Entry::new(record, folder, file)),
        Err(reason) => Lookup::Unusable { path, reason },
    })
}

fn missing_record(folder: &Path, path: &Path) -> Result<Lookup, StoreError> {
    Ok(match folder.exists() {
        true => Lookup::Unusable { path: path.to_owned(), reason: "the record is missing".to_owned() },
        false => Lookup::Miss,
    })
}

pub(super) fn parse(bytes: &[u8], stage: Stage, key: &Key) -> Result<Record, String> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    let record: Record =
        serde_json::from_slice(bytes).map_err(|error| match serde_json::from_slice(bytes) {
            Ok(Schema { schema }) if schema != SCHEMA => format!("its schema is {schema}, not {SCHEMA}"),
            _ => error.to_string(),
        })?;
    if record.schema != SCHEMA {
        return Err(format!("its schema is {}, not {SCHEMA}", record.schema));
    }
    if record.stage != stage || record.key != *key {
        return Err(format!("it speaks for {} {}", record.stage, record.key));
    }
    Ok(record)
}
