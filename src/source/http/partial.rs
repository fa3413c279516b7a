//! The kept beginning of a download: `<file>.part`, and `<file>.part.from` which says what it is the beginning of.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::HttpError;
use crate::model::{Digest, Digester};

/// What a server says to recognise this very file by later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub url: String,
    pub validator: String,
}

/// The part file, open for appending, with the digest of what it holds.
pub(super) struct Partial {
    path: PathBuf,
    note: PathBuf,
    file: File,
    pub length: u64,
    digester: Digester,
}

impl Partial {
    /// Opens what an earlier run kept, digesting it, or begins an empty one.
    pub(super) fn open(target: &Path) -> Result<Self, HttpError> {
        let beside = |ending: &str| {
            let mut name = OsString::from(target.as_os_str());
            name.push(ending);
            PathBuf::from(name)
        };
        let (path, note) = (beside(".part"), beside(".part.from"));
        let (file, length, digester) = open_and_digest(&path).map_err(|error| HttpError::io(&path, error))?;
        Ok(Self { path, note, file, length, digester })
    }

    /// Where the kept bytes come from, if that is known. The address was stored as a digest: it may hold a token.
    pub(super) fn validator_for(&self, url: &str) -> Option<String> {
        let note = fs::read_to_string(&self.note).ok()?;
        let (from, validator) = note.split_once('\n')?;
        let usable = from == Digest::of(url).to_string() && !validator.is_empty() && validator.len() < 1024;
        usable.then(|| validator.to_owned())
    }

    /// Notes where the bytes come from. Not being able to is no reason to stop: the digest decides in the end.
    pub(super) fn note(&self, origin: Option<&Origin>) {
        let _ = match origin {
            Some(origin) => {
                fs::write(&self.note, format!("{}\n{}", Digest::of(&origin.url), origin.validator))
            }
            None => fs::remove_file(&self.note),
        };
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), HttpError> {
        self.file.write_all(bytes).map_err(|error| HttpError::io(&self.path, error))?;
        self.digester.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what is there and begins anew.
    pub(super) fn restart(&mut self) -> Result<(), HttpError> {
        self.file.set_len(0).map_err(|error| HttpError::io(&self.path, error))?;
        self.digester = Digester::new();
        self.length = 0;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }

    pub(super) fn digest(&self) -> Digest {
        self.digester.clone().finish()
    }

    /// Puts the whole file in its place.
    pub(super) fn finish(self, target: &Path) -> Result<(), HttpError> {
        self.file.sync_all().map_err(|error| HttpError::io(&self.path, error))?;
        fs::rename(&self.path, target).map_err(|error| HttpError::io(target, error))?;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }

    pub(super) fn discard(self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.note);
    }
}

fn open_and_digest(path: &Path) -> io::Result<(File, u64, Digester)> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().read(true).append(true).create(true).open(path)?;
    let mut digester = Digester::new();
    let mut length = 0;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((file, length, digester)),
            count => {
                digester.update(&buffer[..count]);
                length += count as u64;
            }
        }
    }
}
