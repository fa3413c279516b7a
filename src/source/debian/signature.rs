//! Who may sign a suite, and whether an InRelease file is signed so.
//!
//! The OpenPGP library checks signatures and has no policy; the policy is here: an allowed key that is neither revoked
//! nor expired, allowed to sign, with a hash of SHA-256 or better. What the signed text says is read elsewhere, and
//! only from what [`Keyring::verify`] returns.

use std::io::BufReader;
use std::path::Path;

use pgp::composed::{CleartextSignedMessage, Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use crate::model::HostPath;

use super::DebianError;

/// Debian's keys, so that a host without Debian's keyring can check signatures; see keys/README.md.
const EMBEDDED: &[u8] = include_bytes!("keys/debian-archive.asc");

/// Clocks of mirrors and of this machine may differ by this much.
const CLOCK_SLACK: u64 = 24 * 60 * 60;

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
    keys: Vec<SignedPublicKey>,
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
        let (keys, _armour) = SignedPublicKey::from_reader_many_buf(BufReader::new(bytes))
            .map_err(|error| error.to_string())?;
        for key in keys {
            self.keys.push(key.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Checks a cleartext-signed file at the time `now` (seconds since 1970). Every good signer is reported; if there
    /// is none, why each signature does not count.
    pub(super) fn verify(&self, file: &str, now: u64) -> Result<Verified, Vec<String>> {
        let (message, _headers) = CleartextSignedMessage::from_string(file)
            .map_err(|error| vec![format!("it is no signed text ({error})")])?;
        let text = message.signed_text();
        let mut signers = Vec::new();
        let mut tried = Vec::new();
        for signature in message.signatures() {
            match self.signer(signature, text.as_bytes(), now) {
                Ok(signer) => signers.push(signer),
                Err(reason) => tried.push(reason),
            }
        }
        if tried.is_empty() && signers.is_empty() {
            tried.push("it has no signature".to_owned());
        }
        if signers.is_empty() { Err(tried) } else { Ok(Verified { text, signers }) }
    }

    /// Finds the key that made `signature`, or says why it does not count.
    fn signer(&self, signature: &Signature, text: &[u8], now: u64) -> Result<Signer, String> {
        let named = signature.issuer_fingerprint().first().map(ToString::to_string);
        let named = named.or_else(|| signature.issuer_key_id().first().map(ToString::to_string));
        let named = named.unwrap_or_else(|| "an unnamed key".to_owned());
        if !matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary)) {
            return Err(format!("{named}: not a signature of a text"));
        }
        if !is_strong(signature) {
            return Err(format!("{named}: its hash is weaker than SHA-256"));
        }
        let mut reason = format!("{named}: not a key of the keyring");
        for key in &self.keys {
            let Some(signing) = signing_key(key, signature, text) else { continue };
            match self.judge(key, signing, signature, now) {
                Ok(scope) => return Ok(Signer { fingerprint: signing.fingerprint(key), scope }),
                Err(why) => reason = format!("{named}: {why}"),
            }
        }
        Err(reason)
    }

    /// Whether a key whose signature is mathematically good was entitled to make it.
    fn judge(
        &self,
        key: &SignedPublicKey,
        signing: Signing<'_>,
        signature: &Signature,
        now: u64,
    ) -> Result<Scope, &'static str> {
        let primary = key.primary_key.fingerprint();
        // A copy from elsewhere may know of a revocation that this one does not.
        let copies = self.keys.iter().filter(|copy| copy.primary_key.fingerprint() == primary);
        if copies.into_iter().any(|copy| is_revoked(copy, signing)) {
            return Err("the key is revoked");
        }
        let itself = newest_self_signature(key).ok_or("the key has no valid signature of its own")?;
        not_expired(seconds(key.primary_key.created_at()), itself, now)
            .map_err(|()| "the key has expired")?;
        match signing {
            Signing::Primary if !itself.key_flags().sign() => return Err("the key may not sign"),
            Signing::Primary => {}
            Signing::Subkey(subkey) => {
                let binding =
                    newest_binding(key, subkey).ok_or("the subkey is not bound to its key for signing")?;
                not_expired(seconds(subkey.key.created_at()), binding, now)
                    .map_err(|()| "the subkey has expired")?;
            }
        }
        let created = signature.created().map(seconds).ok_or("the signature has no date")?;
        if created > now + CLOCK_SLACK {
            return Err("the signature is from the future");
        }
        let lifetime =
            signature.signature_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
        if lifetime != 0 && created + lifetime <= now {
            return Err("the signature has expired");
        }
        let fingerprint = primary.to_string().to_ascii_lowercase();
        let known = SCOPES.iter().find(|(known, _)| *known == fingerprint);
        Ok(known.map_or(Scope::EverySuite, |(_, scope)| *scope))
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

/// Which part of a key made a signature.
#[derive(Clone, Copy, Debug)]
enum Signing<'k> {
    Primary,
    Subkey(&'k SignedPublicSubKey),
}

impl Signing<'_> {
    fn fingerprint(self, key: &SignedPublicKey) -> String {
        match self {
            Signing::Primary => key.primary_key.fingerprint().to_string(),
            Signing::Subkey(subkey) => subkey.key.fingerprint().to_string(),
        }
    }
}

fn signing_key<'k>(key: &'k SignedPublicKey, signature: &Signature, text: &[u8]) -> Option<Signing<'k>> {
    let issued = |id: &dyn KeyDetails| {
        signature.issuer_fingerprint().iter().any(|issuer| **issuer == id.fingerprint())
            || signature.issuer_key_id().iter().any(|issuer| **issuer == id.legacy_key_id())
    };
    if issued(&key.primary_key) && signature.verify(&key.primary_key, text).is_ok() {
        return Some(Signing::Primary);
    }
    // Debian signs with subkeys; the library tries primary keys only.
    let mut subkeys = key.public_subkeys.iter();
    subkeys
        .find(|subkey| issued(&subkey.key) && signature.verify(&subkey.key, text).is_ok())
        .map(Signing::Subkey)
}

fn is_revoked(key: &SignedPublicKey, signing: Signing<'_>) -> bool {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|signature| signature.verify_key(primary).is_ok()) {
        return true;
    }
    let Signing::Subkey(used) = signing else { return false };
    let same = key.public_subkeys.iter().filter(|subkey| subkey.key.fingerprint() == used.key.fingerprint());
    same.flat_map(|subkey| &subkey.signatures).any(|signature| {
        signature.typ() == Some(SignatureType::SubkeyRevocation)
            && signature.verify_subkey_binding(primary, &used.key).is_ok()
    })
}

/// The newest certification of a name of `key` by the key itself: it says what the key may do and until when.
///
/// Certifications by others are passed over, not refused: Debian's keys carry many.
fn newest_self_signature(key: &SignedPublicKey) -> Option<&Signature> {
    let primary = &key.primary_key;
    let named = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|signature| {
            signature.is_certification()
                && is_strong(signature)
                && signature.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    newest(named)
}

fn newest_binding<'k>(key: &SignedPublicKey, subkey: &'k SignedPublicSubKey) -> Option<&'k Signature> {
    let primary = &key.primary_key;
    let bindings = subkey.signatures.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::SubkeyBinding)
            && is_strong(signature)
            && signature.verify_subkey_binding(primary, &subkey.key).is_ok()
    });
    // The subkey must have agreed as well: else anyone could claim another's signatures.
    newest(bindings).filter(|binding| binding.key_flags().sign() && is_agreed(binding, primary, &subkey.key))
}

fn is_agreed<P, S>(binding: &Signature, primary: &P, subkey: &S) -> bool
where
    P: VerifyingKey + Serialize,
    S: VerifyingKey + Serialize,
{
    binding
        .embedded_signature()
        .is_some_and(|back| is_strong(back) && back.verify_primary_key_binding(subkey, primary).is_ok())
}

fn newest<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures.max_by_key(|signature| signature.created().map(seconds))
}

fn is_strong(signature: &Signature) -> bool {
    matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

fn not_expired(created: u64, says: &Signature, now: u64) -> Result<(), ()> {
    let lifetime = says.key_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
    let own = says.signature_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
    let said = says.created().map_or(0, seconds);
    let over = |from: u64, lifetime: u64| lifetime != 0 && from + lifetime <= now;
    if over(created, lifetime) || over(said, own) { Err(()) } else { Ok(()) }
}

fn seconds(time: pgp::types::Timestamp) -> u64 {
    u64::from(time.as_secs())
}

fn unreadable(path: &Path, reason: &str) -> DebianError {
    DebianError::Keyring { path: path.display().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
