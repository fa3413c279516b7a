//! `rdna-build.lock`: what names that can move (git tags, image tags) meant when they were first used, and the packages
//! of toolchains that a person locked.
//!
//! A pin that is there is kept to; a name that moved since is an error, never a silent update. Several runs may write
//! one file: each adds its own pins to what is there then. Resolving the names is left to `source` and `build`.

mod error;
mod text;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

pub use error::{LockFileError, Mistake};

use crate::model::{CommitId, Digest, LockedPackages, ToolchainId};

/// The name of the file in the folder where the tool is used.
pub const FILE_NAME: &str = "rdna-build.lock";

/// A lock file of a person is some kilobytes.
const LARGEST: u64 = 4 << 20;

/// What is pinned, and which of it was pinned since the file was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    pins: Pins,
    added: Pins,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pins {
    /// (url, reference) → commit.
    sources: BTreeMap<(String, String), CommitId>,
    /// Image reference → digest of its manifest.
    images: BTreeMap<String, Digest>,
    toolchains: BTreeMap<ToolchainId, LockedPackages>,
}

impl LockFile {
    /// Reads a lock file; one that is not there pins nothing.
    pub fn read(path: &Path) -> Result<Self, LockFileError> {
        let pins = match read_text(path)? {
            Some(text) => text::parse(path, &text)?,
            None => Pins::default(),
        };
        Ok(Self { pins, added: Pins::default() })
    }

    /// The commit that a git reference is pinned to.
    pub fn commit_for(&self, url: &str, reference: &str) -> Option<&CommitId> {
        self.pins.sources.get(&(url.to_owned(), reference.to_owned()))
    }

    /// Pins a git reference, or checks that it still means the pinned commit. `true` when the pin is new.
    pub fn pin_commit(
        &mut self,
        url: &str,
        reference: &str,
        commit: &CommitId,
    ) -> Result<bool, LockFileError> {
        let name = (url.to_owned(), reference.to_owned());
        if self.pins.pin_source(&name, commit)? {
            return Ok(self.added.sources.insert(name, commit.clone()).is_none());
        }
        Ok(false)
    }

    /// The digest that an image reference is pinned to.
    pub fn digest_for(&self, reference: &str) -> Option<&Digest> {
        self.pins.images.get(reference)
    }

    /// Pins an image reference, or checks that it still means the pinned image. `true` when the pin is new.
    pub fn pin_image(&mut self, reference: &str, digest: &Digest) -> Result<bool, LockFileError> {
        if self.pins.pin_image(reference, digest)? {
            return Ok(self.added.images.insert(reference.to_owned(), *digest).is_none());
        }
        Ok(false)
    }

    /// The packages that a toolchain is locked to.
    pub fn packages_for(&self, toolchain: &ToolchainId) -> Option<&LockedPackages> {
        self.pins.toolchains.get(toolchain)
    }

    /// Locks a toolchain to these packages, whatever it was locked to before.
    pub fn lock_packages(&mut self, toolchain: &ToolchainId, packages: LockedPackages) {
        for pins in [&mut self.pins, &mut self.added] {
            pins.toolchains.insert(toolchain.clone(), packages.clone());
        }
    }

    /// Adds the new pins to the file as it is now; `true` when that changed it. Pins that others added meanwhile stay.
    pub fn write_if_changed(&mut self, path: &Path) -> Result<bool, LockFileError> {
        if self.added == Pins::default() {
            return Ok(false);
        }
        // Where it is a link, the file behind it is meant.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&folder).map_err(LockFileError::io("making the folder", &folder))?;
        // The folder itself is locked: a lock beside the file would lie about in people's projects, and one on the
        // file would be lost with the rename.
        let guard = File::open(&folder).map_err(LockFileError::io("opening", &folder))?;
        guard.lock().map_err(LockFileError::io("locking", &folder))?;

        let old = read_text(&path)?;
        let mut pins = match &old {
            Some(text) => text::parse(&path, text)?,
            None => Pins::default(),
        };
        for (name, commit) in &self.added.sources {
            pins.pin_source(name, commit)?;
        }
        for (reference, digest) in &self.added.images {
            pins.pin_image(reference, digest)?;
        }
        pins.toolchains.extend(std::mem::take(&mut self.added.toolchains));
        let new = text::render(&pins);
        let changed = old.as_ref() != Some(&new);
        if changed {
            replace(&folder, &path, &new).map_err(LockFileError::io("writing", &path))?;
        }
        *self = Self { pins, added: Pins::default() };
        Ok(changed)
    }
}

impl Pins {
    fn pin_source(&mut self, name: &(String, String), commit: &CommitId) -> Result<bool, LockFileError> {
        match self.sources.get(name) {
            Some(pinned) if pinned == commit => Ok(false),
            Some(pinned) => Err(LockFileError::CommitMoved {
                url: name.0.clone(),
                reference: name.1.clone(),
                pinned: pinned.clone(),
                found: commit.clone(),
            }),
            None => {
                self.sources.insert(name.clone(), commit.clone());
                Ok(true)
            }
        }
    }

    fn pin_image(&mut self, reference: &str, digest: &Digest) -> Result<bool, LockFileError> {
        match self.images.get(reference) {
            Some(pinned) if pinned == digest => Ok(false),
            Some(pinned) => Err(LockFileError::ImageMoved {
                reference: reference.to_owned(),
                pinned: *pinned,
                found: *digest,
            }),
            None => {
                self.images.insert(reference.to_owned(), *digest);
                Ok(true)
            }
        }
    }
}

fn read_text(path: &Path) -> Result<Option<String>, LockFileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LockFileError::io("opening", path)(error)),
    };
    let mut text = String::new();
    let read =
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(LockFileError::io("reading", path))?;
    if read as u64 > LARGEST {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any lock file");
        return Err(LockFileError::io("reading", path)(error));
    }
    Ok(Some(text))
}

fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".rdna-build.lock-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let permissions = fs::metadata(path).map_or_else(|_| Permissions::from_mode(0o644), |m| m.permissions());
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
