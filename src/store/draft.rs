//! Drafts: entries being filled.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::check;
use super::error::StoreError;
use super::folder;
use super::holder::Holder;
use super::layout::Layout;
use super::record::{self, Entry, Lookup, Record, Unread};
use super::{Access, Store};
use crate::model::{Digest, Ingredients, Key, RunId, Stage};

/// A note without a readable holder is left alone for this long: its writer may be about to finish it.
const UNREADABLE_NOTE_GRACE: Duration = Duration::from_secs(3600);

/// A folder to fill; becomes an entry by [`Draft::commit`] and nothing when it is dropped.
#[derive(Debug)]
pub struct Draft {
    layout: Layout,
    stage: Stage,
    key: Key,
    run: RunId,
    place: Place,
    content: PathBuf,
}

/// What a stage says of what it made.
#[derive(Clone, Debug)]
pub struct Made {
    pub ingredients: Ingredients,
    pub seconds: f64,
    /// See [`Record::detail`].
    pub detail: serde_json::Value,
}

impl Store {
    /// Starts an entry.
    pub fn draft(&self, stage: Stage, key: &Key, holder: &Holder) -> Result<Draft, StoreError> {
        debug_assert_eq!(self.access, Access::Full, "a peeked store is not written to");
        let place = Place::make(&self.layout, &format!("{stage}-{}", key.short()), holder)?;
        let content = Layout::content(&place.folder);
        fs::create_dir_all(&content).map_err(StoreError::io("creating", &content))?;
        Ok(Draft { layout: self.layout.clone(), stage, key: *key, run: holder.run.clone(), place, content })
    }

    /// Removes the drafts of holders that are not alive any more; says how many.
    pub fn sweep_drafts(&self, is_alive: &dyn Fn(&Holder) -> bool) -> Result<u64, StoreError> {
        let drafts = self.layout.drafts();
        let mut swept = 0;
        for child in fs::read_dir(&drafts).map_err(StoreError::io("reading", &drafts))? {
            let child = child.map_err(StoreError::io("reading", &drafts))?;
            let name = child.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".json")) else { continue };
            let holder = fs::read(child.path()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let dead = match holder {
                Some(holder) => !is_alive(&holder),
                None => child
                    .metadata()
                    .and_then(|metadata| metadata.modified())
                    .is_ok_and(|written| apart(written, SystemTime::now()) > UNREADABLE_NOTE_GRACE),
            };
            if dead {
                let place = Place { folder: self.layout.draft(name), note: child.path() };
                place.remove()?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

impl Draft {
    /// The folder to fill.
    pub fn content(&self) -> &Path {
        &self.content
    }

    /// Seals the content, has it on the disk and puts it in its place. An entry that is there already wins.
    pub fn commit(self, made: Made) -> Result<Entry, StoreError> {
        let (size, contents) = self.seal()?;
        let record = Record {
            schema: record::SCHEMA,
            stage: self.stage,
            key: self.key,
            ingredients: made.ingredients,
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            run: self.run.clone(),
            seconds: made.seconds,
            bytes: size.bytes,
            files: size.files,
            contents: Some(contents),
            detail: made.detail,
        };
        self.put(record)
    }

    /// Commits a copy of another store's entry, whose content must be what its record says.
    pub fn commit_copy(self, record: Record) -> Result<Entry, StoreError> {
        let (size, contents) = self.seal()?;
        let promised = record.contents.filter(|_| record.stage == self.stage && record.key == self.key);
        if promised != Some(contents) {
            let (key, found) = (self.key.to_string(), contents);
            return Err(StoreError::NotACopy { key, found, promised: record.contents });
        }
        // What it takes on this disk.
        self.put(Record { bytes: size.bytes, files: size.files, ..record })
    }

    fn seal(&self) -> Result<(folder::Size, Digest), StoreError> {
        let size = folder::seal(&self.content).map_err(StoreError::io("sealing", &self.content))?;
        let (_, contents) =
            check::contents(&self.content).map_err(StoreError::io("reading", &self.content))?;
        Ok((size, contents))
    }

    fn put(self, record: Record) -> Result<Entry, StoreError> {
        let hold = self.write_record(&record)?;
        let entry = self.layout.entry(self.stage, &self.key);
        let parent = entry.parent().expect("an entry lies in a folder");
        fs::create_dir_all(parent).map_err(StoreError::io("creating", parent))?;
        // A folder is never renamed over one that holds something, so nobody's entry is lost here.
        while let Err(error) = fs::rename(&self.place.folder, &entry) {
            if !matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) {
                return Err(StoreError::io("committing", &entry)(error));
            }
            match record::read(&self.layout, self.stage, &self.key)? {
                Lookup::Hit(theirs) => return Ok(theirs),
                Lookup::Miss => {}
                Lookup::Unusable { .. } => self.set_aside(&entry)?,
            }
        }
        // The names of the entry and of the folders that were made for it.
        for folder in parent.ancestors().take(3) {
            folder::sync(folder).map_err(StoreError::io("writing", folder))?;
        }
        Ok(Entry::new(record, entry, hold))
    }

    /// Writes the record and takes hold of it, so that the entry is in use from its first moment.
    fn write_record(&self, record: &Record) -> Result<File, StoreError> {
        let path = Layout::record(&self.place.folder);
        let bytes = record.to_bytes();
        let write = || {
            fs::write(&path, &bytes)?;
            let file = File::open(&path)?;
            file.set_permissions(Permissions::from_mode(0o444))?;
            file.sync_all()?;
            file.lock_shared()?;
            Ok(file)
        };
        let file = write().map_err(StoreError::io("writing", &path))?;
        folder::sync(&self.place.folder).map_err(StoreError::io("writing", &self.place.folder))?;
        Ok(file)
    }

    /// Makes room where something unusable lies, unless another maker was faster.
    fn set_aside(&self, entry: &Path) -> Result<(), StoreError> {
        let path = Layout::record(entry);
        let record = File::open(&path).ok();
        if let Some(record) = &record {
            // With the lock held, the record that is read now is the one that goes.
            let locked = record.try_lock().is_ok();
            let bytes = fs::read(&path).unwrap_or_default();
            let is_damaged = matches!(record::parse(&bytes, self.stage, &self.key), Err(Unread::Damaged(_)));
            if !locked || !is_damaged {
                return Ok(());
            }
        }
        let holder = Holder::this_process(self.run.clone());
        let place = Place::make(&self.layout, "unusable", &holder)?;
        match fs::rename(entry, &place.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("setting aside", entry)(error))
            }
            _ => Ok(()),
        }
    }
}

/// A name in the drafts folder with the note of who holds it. Removed when dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// Not made yet.
    pub(super) folder: PathBuf,
    note: PathBuf,
}

impl Place {
    pub(super) fn make(layout: &Layout, what: &str, holder: &Holder) -> Result<Self, StoreError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let bytes = serde_json::to_vec(holder).expect("a holder has only text keys");
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{what}-{}-{}-{number}", holder.run, holder.pid);
            let (folder, note) = (layout.draft(&name), layout.draft_note(&name));
            // The note first: a folder without one would never be swept.
            let mut file = match File::create_new(&note) {
                Ok(file) => file,
                // A clock that went back and a process number that came round make the same name: what a dead run left there
                // must not become part of what is made now.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(StoreError::io("creating", &note)(error)),
            };
            let place = Self { folder, note };
            match file.write_all(&bytes) {
                // Making room is the one thing that must work on a full disk. A note without a holder is swept later.
                Err(error) if error.kind() != io::ErrorKind::StorageFull => {
                    return Err(StoreError::io("writing", &place.note)(error));
                }
                _ => return Ok(place),
            }
        }
    }

    fn remove(&self) -> Result<(), StoreError> {
        folder::remove(&self.folder).map_err(StoreError::io("removing", &self.folder))?;
        match fs::remove_file(&self.note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("removing", &self.note)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed now has its note still, and is swept by a later run.
        let _ = self.remove();
    }
}

/// How far two times are from each other. A clock that went back leaves times in the future, which are old as well.
fn apart(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}
