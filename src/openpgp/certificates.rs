//! Public keys, and whether a signature is by one of them.

use std::io::BufReader;

use pgp::composed::{
    CleartextSignedMessage, Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey,
};
use pgp::packet::{Signature, SignatureType};
use pgp::types::KeyDetails;

use super::policy::{self, Flaw, Part, is_strong, seconds};
use super::{CLOCK_SLACK, blocks};

/// Public keys by which signatures count.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    keys: Vec<SignedPublicKey>,
}

/// Who made a signature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Fingerprint of the primary key.
    pub key: String,
    /// Fingerprint of the key or subkey that signed.
    pub part: String,
    /// The key's first name, e.g. `Somebody <somebody@example.org>`.
    pub name: Option<String>,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The key that the signature names.
    pub by: String,
    pub why: String,
    /// Whether that key is not among those that are known.
    pub is_unknown: bool,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.by, self.why)
    }
}

impl Certificates {
    /// Adds the keys of a file, armoured or not.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        for block in blocks(bytes) {
            let (keys, _armour) = SignedPublicKey::from_reader_many_buf(BufReader::new(block))
                .map_err(|error| error.to_string())?;
            for key in keys {
                self.keys.push(key.map_err(|error| error.to_string())?);
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Fingerprints of the primary keys, in small letters.
    pub fn fingerprints(&self) -> impl Iterator<Item = String> {
        self.keys.iter().map(|key| hex(&key.primary_key))
    }

    /// What of these keys is not bound to its key by signatures.
    #[cfg(test)]
    pub(crate) fn flaws(&self) -> Vec<String> {
        let mut flaws = Vec::new();
        for key in &self.keys {
            if policy::newest_self_signature(key).is_none() {
                flaws.push(key.primary_key.fingerprint().to_string());
            }
            for subkey in key.public_subkeys.iter().filter(|one| policy::newest_binding(key, one).is_none()) {
                flaws.push(subkey.key.fingerprint().to_string());
            }
        }
        flaws
    }

    /// The text of a cleartext-signed file and every signer that counts at the time `now` (seconds since 1970). If there
    /// is none, why each signature does not count.
    pub fn verify_cleartext(&self, file: &str, now: u64) -> Result<(String, Vec<Signer>), Vec<Refused>> {
        let (message, _headers) = CleartextSignedMessage::from_string(file)
            .map_err(|error| vec![unreadable(format!("it is no signed text ({error})"))])?;
        let text = message.signed_text();
        let signers = self.signers(message.signatures(), text.as_bytes(), now)?;
        Ok((text, signers))
    }

    /// Every signer of `text` by a detached signature, armoured or not.
    pub fn verify_detached(
        &self,
        signature: &[u8],
        text: &[u8],
        now: u64,
    ) -> Result<Vec<Signer>, Vec<Refused>> {
        let wrong = |error: pgp::errors::Error| vec![unreadable(format!("it is no signature ({error})"))];
        let (signatures, _headers) =
            DetachedSignature::from_reader_many_buf(BufReader::new(signature)).map_err(wrong)?;
        let signatures: Vec<Signature> =
            signatures.map(|one| Ok(one?.signature)).collect::<Result<_, _>>().map_err(wrong)?;
        self.signers(&signatures, text, now)
    }

    fn signers(&self, signatures: &[Signature], text: &[u8], now: u64) -> Result<Vec<Signer>, Vec<Refused>> {
        let (mut signers, mut refused) = (Vec::new(), Vec::new());
        for signature in signatures {
            match self.signer(signature, text, now) {
                Ok(signer) => signers.push(signer),
                Err(reason) => refused.push(reason),
            }
        }
        if signers.is_empty() && refused.is_empty() {
            refused.push(unreadable("it has no signature".to_owned()));
        }
        if signers.is_empty() { Err(refused) } else { Ok(signers) }
    }

    /// Finds the key that made `signature`, or says why it does not count.
    fn signer(&self, signature: &Signature, text: &[u8], now: u64) -> Result<Signer, Refused> {
        let named = signature.issuer_fingerprint().first().map(ToString::to_string);
        let named = named.or_else(|| signature.issuer_key_id().first().map(ToString::to_string));
        let named = named.unwrap_or_else(|| "an unnamed key".to_owned());
        let refuse = |why: &str| Refused { by: named.clone(), why: why.to_owned(), is_unknown: false };
        if !matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary)) {
            return Err(refuse("not a signature of a text"));
        }
        if !is_strong(signature) {
            return Err(refuse("its hash is weaker than SHA-256"));
        }
        let mut reason = Refused { is_unknown: true, ..refuse("not a key of the keyring") };
        for key in &self.keys {
            let Some(part) = issuer(key, signature) else { continue };
            if !is_made_by(key, part, signature, text) {
                reason = refuse("it is not a signature of this text");
                continue;
            }
            match self.judge(key, part, signature, now) {
                Ok(()) => {
                    return Ok(Signer {
                        key: hex(&key.primary_key),
                        part: part.fingerprint(key).to_string(),
                        name: name(key),
                    });
                }
                Err(why) => reason = refuse(why),
            }
        }
        Err(reason)
    }

    /// Whether a key whose signature is mathematically good was entitled to make it.
    fn judge(
        &self,
        key: &SignedPublicKey,
        part: Part<'_>,
        signature: &Signature,
        now: u64,
    ) -> Result<(), &'static str> {
        let primary = key.primary_key.fingerprint();
        // A copy from elsewhere may know of a revocation that this one does not.
        let mut copies = self.keys.iter().filter(|copy| copy.primary_key.fingerprint() == primary);
        if copies.any(|copy| policy::is_revoked(copy, part)) {
            return Err(Flaw::Revoked.as_str());
        }
        policy::may_sign(key, part, now).map_err(Flaw::as_str)?;
        let created = signature.created().map(seconds).ok_or("the signature has no date")?;
        if created > now + CLOCK_SLACK {
            return Err("the signature is from the future");
        }
        let lifetime =
            signature.signature_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
        if lifetime != 0 && created + lifetime <= now {
            return Err("the signature has expired");
        }
        Ok(())
    }
}

fn unreadable(why: String) -> Refused {
    Refused { by: "nobody".to_owned(), why, is_unknown: false }
}

pub(super) fn hex(key: &impl KeyDetails) -> String {
    key.fingerprint().to_string().to_ascii_lowercase()
}

pub(super) fn name(key: &SignedPublicKey) -> Option<String> {
    let id = key.details.users.first()?.id.id();
    Some(String::from_utf8_lossy(id).into_owned())
}

/// The part of a key that a signature says it is by. Debian signs with subkeys; the library tries primary keys only.
fn issuer<'k>(key: &'k SignedPublicKey, signature: &Signature) -> Option<Part<'k>> {
    let is_named = |id: &dyn KeyDetails| {
        signature.issuer_fingerprint().iter().any(|issuer| **issuer == id.fingerprint())
            || signature.issuer_key_id().iter().any(|issuer| **issuer == id.legacy_key_id())
    };
    if is_named(&key.primary_key) {
        return Some(Part::Primary);
    }
    let is_issuer = |subkey: &&SignedPublicSubKey| is_named(&subkey.key);
    key.public_subkeys.iter().find(is_issuer).map(Part::Subkey)
}

fn is_made_by(key: &SignedPublicKey, part: Part<'_>, signature: &Signature, text: &[u8]) -> bool {
    match part {
        Part::Primary => signature.verify(&key.primary_key, text).is_ok(),
        Part::Subkey(subkey) => signature.verify(&subkey.key, text).is_ok(),
    }
}
