//! The content-addressed store: what a stage made lies under its key and is never made twice.
//!
//! An entry appears whole or not at all: a stage fills a [`Draft`], whose commit writes everything to the disk and then
//! renames it into place. Two runs that want the same entry meet at its [`KeyLock`]. Entries in someone's hands, that
//! is with a living [`Entry`] in any process, are never collected. Where things lie is `layout`'s alone.
//!
//! Left to others: what a key is made of (`plan::key`), when to look one up (`execute`), whether a process of another
//! machine still lives (nobody: a store belongs to one machine).

mod check;
mod collect;
mod draft;
mod error;
mod folder;
mod history;
mod holder;
mod layout;
mod lock;
mod record;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::{Digest, Key, Stage};

pub use check::{Checked, CheckedThing, Condition};
pub use collect::{Collected, Limits, Listed, Usage};
pub use draft::{Draft, Made};
pub use error::StoreError;
pub use history::{LastStage, UnitHistory};
pub use holder::Holder;
pub use lock::KeyLock;
pub use record::{Entry, Lookup, Record, Unread};
pub use runs::KEPT_RUNS;

use layout::Layout;

/// The store below one root folder. Cheap to clone; opening one scans nothing.
#[derive(Clone, Debug)]
pub struct Store {
    layout: Layout,
    access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// May create, and notes when an entry was used.
    Full,
    /// Changes nothing on the disk, not even a time.
    Look,
}

impl Store {
    /// Opens the store below `root` and creates what is missing of it.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let layout = Layout::new(root);
        for folder in layout.folders() {
            fs::create_dir_all(&folder).map_err(StoreError::io("creating", &folder))?;
        }
        // Backup tools leave folders with this tag out (bford.info/cachedir). It comes last: where it is, the names of
        // the folders are on the disk.
        let tag = layout.cache_tag();
        if !tag.exists() {
            for folder in layout.parents() {
                folder::sync(folder).map_err(StoreError::io("writing", folder))?;
            }
            let text = "Signature: 8a477f597d28d172789f06886806bc55\n# made by rdna-build; all of it can be made again\n";
            let written = folder::write_atomically(&tag, text.as_bytes());
            written.map_err(StoreError::io("writing", &tag))?;
        }
        Ok(Self { layout, access: Access::Full })
    }

    /// Looks at the store below `root` as it is, if it is, and changes nothing.
    pub fn peek(root: &Path) -> Self {
        Self { layout: Layout::new(root), access: Access::Look }
    }

    /// Looks an entry up: one file read on a hit.
    pub fn lookup(&self, stage: Stage, key: &Key) -> Result<Lookup, StoreError> {
        let found = record::read(&self.layout, stage, key)?;
        if let (Lookup::Hit(entry), Access::Full) = (&found, self.access) {
            entry.touch();
        }
        Ok(found)
    }

    /// The root folder it was opened with.
    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Where a download with this digest lies or will lie. Only a file whose digest was checked belongs there.
    pub fn download(&self, sha256: &Digest) -> PathBuf {
        self.layout.download(sha256)
    }

    /// Where an entry lies, or would.
    pub fn entry_path(&self, stage: Stage, key: &Key) -> PathBuf {
        self.layout.entry(stage, key)
    }

    /// The folder of all downloads; unfinished ones may lie there under names that are no digest.
    pub fn downloads(&self) -> PathBuf {
        self.layout.downloads()
    }

    /// Where the stat cache of a folder of this machine lies, by the digest of the folder's path.
    pub fn stat_cache(&self, folder: &Digest) -> PathBuf {
        self.layout.stat_cache(folder)
    }
}

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod tests;
