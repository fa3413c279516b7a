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

/// The number in every record; one that is larger belongs to a later version. Such a version keeps the seal.
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
        parse(bytes, stage, key).map_err(|unread| match unread {
            Unread::Newer { schema } => format!("its schema is {schema}, of a newer version"),
            Unread::Damaged(how) => how,
        })
    }

    /// The record as it is written: JSON that proves itself whole.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = serde_json::to_vec(self).expect("a record has only text keys");
        let body = &text[1..];
        let seal = Digest::of(body).to_string();
        [SEAL, seal.as_bytes(), AFTER_SEAL, body].concat()
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

/// Why a record says nothing to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A later version of this program wrote it. It is that one's: never used here, never replaced, never collected.
    Newer { schema: u32 },
    /// It is no record, or not the one that was written: how.
    Damaged(String),
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
        Err(Unread::Damaged(reason)) => Lookup::Unusable { path, reason },
        Err(Unread::Newer { schema }) => return Err(StoreError::Newer { path, schema }),
    })
}

fn missing_record(folder: &Path, path: &Path) -> Result<Lookup, StoreError> {
    Ok(match folder.exists() {
        true => Lookup::Unusable { path: path.to_owned(), reason: "the record is missing".to_owned() },
        false => Lookup::Miss,
    })
}

/// What every record begins with: the digest of all that follows it. Records of older versions begin without.
const SEAL: &[u8] = b"{\"seal\":\"";
const AFTER_SEAL: &[u8] = b"\",";

pub(super) fn parse(bytes: &[u8], stage: Stage, key: &Key) -> Result<Record, Unread> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    // Before anything else: a flipped bit may leave good JSON that says something else.
    if !is_whole(bytes) {
        return Err(Unread::Damaged("it is not what was written".to_owned()));
    }
    let damaged = |error: serde_json::Error| Unread::Damaged(error.to_string());
    let Schema { schema } = serde_json::from_slice(bytes).map_err(damaged)?;
    if schema > SCHEMA {
        return Err(Unread::Newer { schema });
    }
    let record: Record = serde_json::from_slice(bytes).map_err(damaged)?;
    if record.schema != SCHEMA {
        return Err(Unread::Damaged(format!("its schema is {schema}, not {SCHEMA}")));
    }
    if record.stage != stage || record.key != *key {
        return Err(Unread::Damaged(format!("it speaks for {} {}", record.stage, record.key)));
    }
    Ok(record)
}

/// Whether a record's seal is that of the rest; true of one without.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(SEAL) else { return true };
    let Some((seal, rest)) = rest.split_at_checked(64) else { return false };
    rest.strip_prefix(AFTER_SEAL).is_some_and(|body| Digest::of(body).to_string().as_bytes() == seal)
}
