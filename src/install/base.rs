//! The base folder, and where everything lies below it: the one place that joins these paths.

use std::path::{Path, PathBuf};

use super::error::InstallError;
use super::title::Title;
use crate::model::Digest;

/// What only we read.
const STATE: &str = ".rdna-build";

/// The folder that packages are installed below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    folder: PathBuf,
}

impl Base {
    /// The base at an absolute path that can stand in `LD_LIBRARY_PATH`.
    pub fn new(folder: &Path) -> Result<Self, InstallError> {
        let bad = |why| InstallError::BadBase { folder: folder.to_owned(), why };
        let text = folder.to_str().ok_or_else(|| bad("its name is not UTF-8"))?;
        // The loader takes `:` and `;` for ends of paths, and `$` for the beginning of a name that it replaces.
        if text.contains([':', ';', '$']) || text.contains(char::is_control) {
            return Err(bad("the loader cannot be told of a path with `:`, `;`, `$` or control characters"));
        }
        if !folder.is_absolute() {
            return Err(bad("it is not absolute"));
        }
        if folder.parent().is_none() {
            return Err(bad("packages are not installed into the root folder itself"));
        }
        // Without `.` and double slashes.
        Ok(Self { folder: folder.components().collect() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a package.
    pub fn tree(&self, title: &Title) -> PathBuf {
        self.folder.join(title.folder())
    }

    /// The link to the version that counts.
    pub fn link(&self, title: &Title) -> PathBuf {
        self.folder.join(title.link())
    }

    /// The file for shells beside the link.
    pub fn shell_file(&self, title: &Title) -> PathBuf {
        self.folder.join(format!("{}.env.sh", title.link()))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join(STATE)
    }

    /// Held by whoever changes anything.
    pub(super) fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// What is being made or removed; whoever holds the lock may empty it.
    pub(super) fn work(&self) -> PathBuf {
        self.state().join("work")
    }

    pub(super) fn records(&self) -> PathBuf {
        self.state().join("records")
    }

    /// What is known of a package by its title and the digest of its manifest.
    pub(super) fn record(&self, title: &Title, manifest: &Digest) -> PathBuf {
        self.records().join(format!("{}.{}.json", title.folder(), manifest.short()))
    }

    pub(super) fn history(&self) -> PathBuf {
        self.state().join("history.json")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.state().join("journal.json")
    }

    /// The folders that were made for the base.
    pub(super) fn made(&self) -> PathBuf {
        self.state().join("made.json")
    }
}
