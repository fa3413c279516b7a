//! Who may sign a suite, and whether an InRelease file is signed so.
//!
//! When a signature counts at all is `openpgp`'s policy. What the signed text says is read elsewhere, and only from what
//! [`Keyring::verify`] returns.

use std::path::Path;

use crate::model::HostPath;
use crate::openpgp::Certificates;

use super::DebianError;

/// Debian's keys, so that a host without Debian's keyring can check signatures; see keys/README.md.
const EMBEDDED: &[u8] = include_bytes!("keys/debian-archive.asc");

/// What a known key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    EverySuite,
    /// The release of this codename: `trixie`, `trixie-updates`.
    Release(&'static str),
    Security,
}

/// Primary keys of Debian's archive by fingerprint. A key that is not here comes from the host's keyring, which is
/// newer than this list, and may sign what apt would let it sign: every suite.
const SCOPES: [(&str, Scope); 9] = [
    ("1f89983e0081fde018f3cc9673a4f27b8dd47936", Scope::EverySuite), // automatic, 11
    ("b8b80b5b623eab6ad8775c45b7c5d7d6350947f8", Scope::EverySuite), // automatic, 12
    ("04b54c3cdca79751b16bc6b5225629df75b188bd", Scope::EverySuite), // automatic, 13
    ("a4285295fc7b1a81600062a9605c66f00d6c9793", Scope::Release("bullseye")),
    ("4d64fec119c2029067d6e791f8d2585b8783d481", Scope::Release("bookworm")),
    ("41587f7db8c774bccf131416762f67a0b2c39de4", Scope::Release("trixie")),
    ("ac530d520f2f3269f5e98313a48449044aad5c5d", Scope::Security), // 11
    ("05ab90340c0c5e797f44a8c8254cf3b5aec0a8f0", Scope::Security), // 12
    ("5e04a1e3223a19a20706e20f9904613d4cce68c6", Scope::Security), // 13
];

/// Keys that are trusted to sign Debian's indices.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Certificates,
}

/// A text whose signature is good, and who signed it.
#[derive(Debug)]
pub(super) struct Verified {
    pub text: String,
    signers: Vec<Signer>,
}

#[derive(Debug)]
struct Signer {
    /// Fingerprint of the key or subkey that signed.
    fingerprint: String,
    scope: Scope,
}

impl Keyring {
    /// Debian's keys: those that come with the tool, and those of Debian's own keyring package in `keyrings`
    /// (`/usr/share/keyrings`), if it is installed.
    pub fn debian(keyrings: &HostPath) -> Result<Self, DebianError> {
        let mut keyring = Self::default();
        keyring.add(EMBEDDED).expect("the embedded keys are read in a test");
        for name in ["debian-archive-keyring.pgp", "debian-archive-keyring.gpg"] {
            let path = keyrings.join(name);
            match std::fs::read(path.as_path()) {
                Ok(bytes) => keyring.add(&bytes).map_err(|reason| unreadable(path.as_path(), &reason))?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(path.as_path(), &error.to_string())),
            }
        }
        Ok(keyring)
    }

    /// A keyring of exactly these keys, armoured or not; for an archive that is not Debian's own.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DebianError> {
        let mut keyring = Self::default();
        keyring.add(bytes).map_err(|reason| unreadable(Path::new("given"), &reason))?;
        Ok(keyring)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.keys.add(bytes)
    }

    /// Checks a cleartext-signed file at the time `now` (seconds since 1970). Every good signer is reported; if there
    /// is none, why each signature does not count.
    pub(super) fn verify(&self, file: &str, now: u64) -> Result<Verified, Vec<String>> {
        let (text, signers) = self
            .keys
            .verify_cleartext(file, now)
            .map_err(|refused| refused.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let signers = signers.into_iter().map(|signer| {
            let known = SCOPES.iter().find(|(known, _)| *known == signer.key);
            Signer { fingerprint: signer.part, scope: known.map_or(Scope::EverySuite, |(_, scope)| *scope) }
        });
        Ok(Verified { text, signers: signers.collect() })
    }
}

impl Verified {
    /// Fingerprints of the signers that may sign `codename` (`trixie`, `trixie-updates`, `sid`).
    pub fn signers_of(&self, codename: &str) -> Vec<String> {
        let may = |scope: Scope| match scope {
            Scope::EverySuite => true,
            Scope::Release(release) => {
                codename.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
            Scope::Security => codename.ends_with("-security"),
        };
        self.signers
            .iter()
            .filter(|signer| may(signer.scope))
            .map(|signer| signer.fingerprint.clone())
            .collect()
    }
}

fn unreadable(path: &Path, reason: &str) -> DebianError {
    DebianError::Keyring { path: path.display().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
