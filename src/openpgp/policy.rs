//! What a key says of itself, as far as it is proven: what it may do, until when, and which subkeys are its own.

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{Fingerprint, KeyDetails, Tag, Timestamp, VerifyingKey};

/// Which part of a key signs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'k> {
    Primary,
    Subkey(&'k SignedPublicSubKey),
}

/// Why a part of a key does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Revoked,
    Unsigned,
    Expired,
    SubkeyExpired,
    MayNotSign,
    NotBound,
}

impl Flaw {
    pub fn as_str(self) -> &'static str {
        match self {
            Flaw::Revoked => "the key is revoked",
            Flaw::Unsigned => "the key has no valid signature of its own",
            Flaw::Expired => "the key has expired",
            Flaw::SubkeyExpired => "the subkey has expired",
            Flaw::MayNotSign => "the key may not sign",
            Flaw::NotBound => "the subkey is not bound to its key for signing",
        }
    }
}

impl Part<'_> {
    pub fn fingerprint(self, key: &SignedPublicKey) -> Fingerprint {
        match self {
            Part::Primary => key.primary_key.fingerprint(),
            Part::Subkey(subkey) => subkey.key.fingerprint(),
        }
    }
}

/// Whether a part of a key may sign at the time `now` (seconds since 1970), as this copy of the key tells.
pub(super) fn may_sign(key: &SignedPublicKey, part: Part<'_>, now: u64) -> Result<(), Flaw> {
    if is_revoked(key, part) {
        return Err(Flaw::Revoked);
    }
    let itself = newest_self_signature(key).ok_or(Flaw::Unsigned)?;
    if is_over(seconds(key.primary_key.created_at()), itself, now) {
        return Err(Flaw::Expired);
    }
    match part {
        Part::Primary if !itself.key_flags().sign() => Err(Flaw::MayNotSign),
        Part::Primary => Ok(()),
        Part::Subkey(subkey) => {
            let binding = newest_binding(key, subkey).ok_or(Flaw::NotBound)?;
            match is_over(seconds(subkey.key.created_at()), binding, now) {
                true => Err(Flaw::SubkeyExpired),
                false => Ok(()),
            }
        }
    }
}

pub(super) fn is_revoked(key: &SignedPublicKey, part: Part<'_>) -> bool {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|signature| signature.verify_key(primary).is_ok()) {
        return true;
    }
    let Part::Subkey(used) = part else { return false };
    let same = key.public_subkeys.iter().filter(|subkey| subkey.key.fingerprint() == used.key.fingerprint());
    same.flat_map(|subkey| &subkey.signatures).any(|signature| {
        signature.typ() == Some(SignatureType::SubkeyRevocation)
            && signature.verify_subkey_binding(primary, &used.key).is_ok()
    })
}

/// The newest certification of a name of `key` by the key itself: it says what the key may do and until when.
///
/// Certifications by others are passed over, not refused: Debian's keys carry many.
pub(super) fn newest_self_signature(key: &SignedPublicKey) -> Option<&Signature> {
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

pub(super) fn newest_binding<'k>(
    key: &SignedPublicKey,
    subkey: &'k SignedPublicSubKey,
) -> Option<&'k Signature> {
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

pub(super) fn is_strong(signature: &Signature) -> bool {
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

/// Whether the time of a key that was made at `created` is over, by what it says of itself.
fn is_over(created: u64, says: &Signature, now: u64) -> bool {
    let lifetime = says.key_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
    let own = says.signature_expiration_time().map_or(0, |lifetime| u64::from(lifetime.as_secs()));
    let said = says.created().map_or(0, seconds);
    let over = |from: u64, lifetime: u64| lifetime != 0 && from + lifetime <= now;
    over(created, lifetime) || over(said, own)
}

pub(super) fn seconds(time: Timestamp) -> u64 {
    u64::from(time.as_secs())
}
