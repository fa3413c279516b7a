//! The keys a person trusts, and what a signature comes to by them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::AttestError;
use super::key::LIMIT;
use super::{files, minisign};
use crate::openpgp::{Certificates, Refused};

/// Public keys, OpenPGP's and minisign's.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys {
    openpgp: Certificates,
    minisign: Vec<::minisign::PublicKey>,
}

/// What a signature comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Good { key: String, name: Option<String> },
    /// The key that it names is not known here: it may be anybody's.
    UnknownKey { key: String },
    /// It is of something else, or its key may not have made it.
    Bad { why: String },
}

impl PublicKeys {
    /// Reads files with keys, and all files of folders.
    pub fn read(paths: &[PathBuf]) -> Result<Self, AttestError> {
        let mut keys = Self::default();
        for path in paths {
            match path.is_dir() {
                true => keys.add_folder(path)?,
                false => keys.add_file(path)?,
            }
        }
        Ok(keys)
    }

    pub fn is_empty(&self) -> bool {
        self.openpgp.is_empty() && self.minisign.is_empty()
    }

    /// Judges a detached signature at the time `now` (seconds since 1970).
    pub fn verify_detached(&self, signature: &[u8], bytes: &[u8], now: u64) -> Verdict {
        match std::str::from_utf8(signature) {
            Ok(text) if text.starts_with(minisign::FIRST_LINE) => self.verify_minisign(text, bytes),
            Ok(_) | Err(_) => match self.openpgp.verify_detached(signature, bytes, now) {
                Ok(mut signers) => {
                    let signer = signers.remove(0);
                    Verdict::Good { key: signer.key, name: signer.name }
                }
                Err(refused) => of_refused(&refused),
            },
        }
    }

    fn verify_minisign(&self, signature: &str, bytes: &[u8]) -> Verdict {
        let signature = match minisign::read_signature(signature) {
            Ok(signature) => signature,
            Err(why) => return Verdict::Bad { why },
        };
        let id = minisign::id(signature.keynum());
        let mut own = self.minisign.iter().filter(|key| key.keynum() == signature.keynum()).peekable();
        if own.peek().is_none() {
            return Verdict::UnknownKey { key: id };
        }
        // An id of eight bytes may be that of two keys.
        let results: Vec<_> = own.map(|key| minisign::verify(key, &signature, bytes)).collect();
        match results.iter().any(Result::is_ok) {
            true => Verdict::Good { key: id, name: None },
            false => Verdict::Bad { why: format!("{id}: it is not a signature of this text") },
        }
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), AttestError> {
        let entries = fs::read_dir(folder).map_err(AttestError::reading(folder))?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, std::io::Error>>()
            .map_err(AttestError::reading(folder))?;
        paths.sort();
        paths.iter().filter(|path| path.is_file()).try_for_each(|path| self.add_file(path))
    }

    fn add_file(&mut self, path: &Path) -> Result<(), AttestError> {
        let bytes = files::read_if_there(path, LIMIT)?
            .ok_or_else(|| AttestError::reading(path)(std::io::ErrorKind::NotFound.into()))?;
        let added = match std::str::from_utf8(&bytes) {
            Ok(text) if text.starts_with(minisign::FIRST_LINE) => {
                minisign::read_public(text).map(|key| self.minisign.push(key))
            }
            Ok(_) | Err(_) => self.openpgp.add(&bytes),
        };
        added.map_err(|reason| AttestError::NotAPublicKey { path: path.to_owned(), reason })
    }
}

fn of_refused(refused: &[Refused]) -> Verdict {
    match refused.iter().find(|one| !one.is_unknown) {
        Some(bad) => Verdict::Bad { why: bad.to_string() },
        None => Verdict::UnknownKey { key: refused.first().map_or_else(String::new, |one| one.by.clone()) },
    }
}
