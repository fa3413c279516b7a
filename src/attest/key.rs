//! The key a person signs with: a file of GnuPG's or of minisign's, told apart by how it begins.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::beside::SignatureKind;
use super::error::AttestError;
use super::files;
use super::minisign;
use crate::openpgp::{SecretKey, SecretKeyError};

/// No key file is larger.
pub(super) const LIMIT: u64 = 1 << 20;

/// What unlocks a key. Shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl Passphrase {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The first line of a file, as `gpg --passphrase-file` reads it.
    pub fn read(path: &Path) -> Result<Self, AttestError> {
        let bytes = files::read_if_there(path, LIMIT)?
            .ok_or_else(|| AttestError::reading(path)(std::io::ErrorKind::NotFound.into()))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| AttestError::reading(path)(std::io::ErrorKind::InvalidData.into()))?;
        Ok(Self(text.lines().next().unwrap_or_default().to_owned()))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// A secret key that is ready to sign.
pub struct SigningKey {
    path: PathBuf,
    kind: Kind,
    readable_by_others: bool,
}

enum Kind {
    OpenPgp(Box<SecretKey>),
    Minisign(Box<::minisign::SecretKey>),
}

impl SigningKey {
    /// Reads a key and tries its passphrase. `now` (seconds since 1970) decides whether it has expired.
    pub fn open(path: &Path, passphrase: Option<&Passphrase>, now: u64) -> Result<Self, AttestError> {
        let wrong = |error| AttestError::of_key(path, error);
        let bytes = files::read_if_there(path, LIMIT)?
            .ok_or_else(|| AttestError::reading(path)(std::io::ErrorKind::NotFound.into()))?;
        let passphrase = passphrase.map(|passphrase| passphrase.0.as_str());
        let kind = match std::str::from_utf8(&bytes) {
            Ok(text) if text.starts_with(minisign::FIRST_LINE) => {
                Kind::Minisign(Box::new(minisign::open(text, passphrase).map_err(wrong)?))
            }
            Ok(_) | Err(_) => {
                Kind::OpenPgp(Box::new(SecretKey::open(&bytes, passphrase, now).map_err(wrong)?))
            }
        };
        let mode =
            File::open(path).and_then(|file| file.metadata()).map_err(AttestError::reading(path))?.mode();
        Ok(Self { path: path.to_owned(), kind, readable_by_others: mode & 0o077 != 0 })
    }

    /// Whether others than the file's owner may read or change it.
    pub fn is_readable_by_others(&self) -> bool {
        self.readable_by_others
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How people call the key: OpenPGP's fingerprint, or minisign's id.
    pub fn fingerprint(&self) -> String {
        match &self.kind {
            Kind::OpenPgp(key) => key.fingerprint(),
            Kind::Minisign(key) => minisign::id(key.keynum()),
        }
    }

    /// The public half as a file: what others check by.
    pub fn public_key_armored(&self) -> Result<String, AttestError> {
        match &self.kind {
            Kind::OpenPgp(key) => Ok(key.public_armored()),
            Kind::Minisign(key) => minisign::public(key)
                .and_then(|key| minisign::public_text(&key))
                .map_err(|why| self.failed(why)),
        }
    }

    /// The public half in bytes, for a keyring; OpenPGP only.
    pub fn public_key_bytes(&self) -> Result<Vec<u8>, AttestError> {
        Ok(self.openpgp()?.public_bytes())
    }

    /// A detached signature of bytes, as `gpg --detach-sign --armor` or `minisign -S` writes it.
    pub fn sign_detached(&self, bytes: &[u8]) -> Result<String, AttestError> {
        match &self.kind {
            Kind::OpenPgp(key) => key.sign_detached(bytes),
            Kind::Minisign(key) => minisign::sign(key, bytes),
        }
        .map_err(|why| self.failed(why))
    }

    /// A text with its signature around it, as an InRelease file is; OpenPGP only.
    pub fn sign_cleartext(&self, text: &str) -> Result<String, AttestError> {
        self.openpgp()?.sign_cleartext(text).map_err(|why| self.failed(why))
    }

    pub(super) fn signature_kind(&self) -> SignatureKind {
        match self.kind {
            Kind::OpenPgp(_) => SignatureKind::OpenPgp,
            Kind::Minisign(_) => SignatureKind::Minisign,
        }
    }

    pub fn openpgp(&self) -> Result<&SecretKey, AttestError> {
        match &self.kind {
            Kind::OpenPgp(key) => Ok(key),
            Kind::Minisign(_) => Err(AttestError::NotOpenPgp { path: self.path.clone() }),
        }
    }

    fn failed(&self, reason: String) -> AttestError {
        AttestError::of_key(&self.path, SecretKeyError::Unreadable { reason })
    }
}

/// Shows no secret.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}
