//! Where everything lies in a store. The only place that joins its paths.
//!
//! ```text
//! <root>/
//! ├── CACHEDIR.TAG                      backup tools leave the folder out
//! └── v1/                               a program that needs another layout makes v2/ beside it
//!     ├── entries/<stage>/<key[..2]>/<key>/
//!     │   ├── record.json               what it is; its mtime is the last use; flock shared = in someone's hands
//!     │   └── content/                  what the stage made; read-only
//!     ├── drafts/<name>/                an entry being filled: becomes an entry by rename
//!     │   drafts/<name>.json            who fills it; there before the folder and until after it
//!     ├── locks/<key>                   flock exclusive = someone makes this key; holds who
//!     ├── downloads/<sha256>            source archives and Debian packages
//!     ├── stat/<sha256 of a path>.json  stat caches of source folders
//!     ├── units/<unit stem>.json        last ingredients and measured seconds per stage
//!     └── runs/<run id>/                log files; the newest are kept
//! ```

use std::path::{Path, PathBuf};

use crate::model::{Digest, Key, RunId, Stage, UnitId};

#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
    versioned: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), versioned: root.join("v1") }
    }

    /// The folders that exist in every open store.
    pub(super) fn folders(&self) -> [PathBuf; 7] {
        [
            self.entries(),
            self.drafts(),
            self.locks(),
            self.downloads(),
            self.stats(),
            self.units(),
            self.runs(),
        ]
    }

    /// The folders that those lie in, inside out.
    pub(super) fn parents(&self) -> [&Path; 2] {
        [&self.versioned, &self.root]
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn cache_tag(&self) -> PathBuf {
        self.root.join("CACHEDIR.TAG")
    }

    fn entries(&self) -> PathBuf {
        self.versioned.join("entries")
    }

    pub(super) fn entries_of(&self, stage: Stage) -> PathBuf {
        self.entries().join(stage.as_str())
    }

    pub(super) fn entry(&self, stage: Stage, key: &Key) -> PathBuf {
        let key = key.to_string();
        self.entries_of(stage).join(&key[..2]).join(key)
    }

    pub(super) fn record(entry: &Path) -> PathBuf {
        entry.join("record.json")
    }

    pub(super) fn content(entry: &Path) -> PathBuf {
        entry.join("content")
    }

    pub(super) fn drafts(&self) -> PathBuf {
        self.versioned.join("drafts")
    }

    pub(super) fn draft(&self, name: &str) -> PathBuf {
        self.drafts().join(name)
    }

    pub(super) fn draft_note(&self, name: &str) -> PathBuf {
        self.drafts().join(format!("{name}.json"))
    }

    fn locks(&self) -> PathBuf {
        self.versioned.join("locks")
    }

    pub(super) fn lock(&self, key: &Key) -> PathBuf {
        self.locks().join(key.to_string())
    }

    pub(super) fn downloads(&self) -> PathBuf {
        self.versioned.join("downloads")
    }

    pub(super) fn download(&self, sha256: &Digest) -> PathBuf {
        self.downloads().join(sha256.to_string())
    }

    fn stats(&self) -> PathBuf {
        self.versioned.join("stat")
    }

    pub(super) fn stat_cache(&self, folder: &Digest) -> PathBuf {
        self.stats().join(format!("{folder}.json"))
    }

    pub(super) fn units(&self) -> PathBuf {
        self.versioned.join("units")
    }

    pub(super) fn unit(&self, unit: &UnitId) -> PathBuf {
        self.units().join(format!("{}.json", unit.file_stem()))
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.versioned.join("runs")
    }

    pub(super) fn run(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }
}
