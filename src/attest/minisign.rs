//! Keys of minisign: small files of two lines, Ed25519 and nothing else.

use ::minisign::{PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::openpgp::SecretKeyError;

/// How all files of minisign begin.
pub(super) const FIRST_LINE: &str = "untrusted comment:";

/// Bytes of a public key, and of a secret one.
const SIZES: (usize, usize) = (42, 158);
/// Where a secret key says how its passphrase is made a key of: nothing where it has none.
const DERIVATION: std::ops::Range<usize> = 2..4;

pub(super) fn open(text: &str, passphrase: Option<&str>) -> Result<SecretKey, SecretKeyError> {
    let unreadable = |reason: String| SecretKeyError::Unreadable { reason };
    let bytes = second_line(text).map_err(unreadable)?;
    if bytes.len() == SIZES.0 {
        return Err(SecretKeyError::Public);
    }
    if bytes.len() != SIZES.1 {
        return Err(unreadable(format!("it has {} bytes, a key has {}", bytes.len(), SIZES.1)));
    }
    let key = match (bytes[DERIVATION] == [0, 0], passphrase) {
        // minisign 0.11 writes keys without a passphrase without a checksum, too, which the library's reader wants.
        (true, _) => SecretKey::from_bytes(&bytes).map_err(|error| unreadable(error.to_string()))?,
        // Asked without a passphrase, the library would ask at the terminal.
        (false, None) => return Err(SecretKeyError::Locked),
        (false, Some(passphrase)) => SecretKeyBox::from(text.to_owned())
            .into_secret_key(Some(passphrase.to_owned()))
            .map_err(|error| match error.kind() {
                ::minisign::ErrorKind::Verify => SecretKeyError::WrongPassphrase,
                _ => unreadable(error.to_string()),
            })?,
    };
    is_whole(&key).map_err(unreadable)?;
    Ok(key)
}

/// Whether the two halves of a key belong together: what it signs must be good by the public one.
fn is_whole(key: &SecretKey) -> Result<(), String> {
    let public = public(key)?;
    ::minisign::sign(Some(&public), key, std::io::empty(), None, None)
        .map(drop)
        .map_err(|_| "its two halves do not belong together".to_owned())
}

pub(super) fn public(key: &SecretKey) -> Result<PublicKey, String> {
    PublicKey::from_secret_key(key).map_err(|error| error.to_string())
}

pub(super) fn public_text(key: &PublicKey) -> Result<String, String> {
    key.to_box().map(|boxed| boxed.to_string()).map_err(|error| error.to_string())
}

pub(super) fn sign(key: &SecretKey, bytes: &[u8]) -> Result<String, String> {
    let comment = format!("signature by the minisign key {}", id(key.keynum()));
    ::minisign::sign(None, key, bytes, None, Some(&comment))
        .map(|signature| signature.to_string())
        .map_err(|error| error.to_string())
}

pub(super) fn read_public(text: &str) -> Result<PublicKey, String> {
    match second_line(text)?.len() {
        length if length == SIZES.0 => {}
        length if length == SIZES.1 => return Err("it is a secret key".to_owned()),
        length => return Err(format!("it has {length} bytes, a key has {}", SIZES.0)),
    }
    PublicKeyBox::from(text.to_owned()).into_public_key().map_err(|error| error.to_string())
}

pub(super) fn read_signature(text: &str) -> Result<SignatureBox, String> {
    SignatureBox::from_string(text).map_err(|error| format!("it is no signature ({error})"))
}

/// Whether a signature is by this key. Signatures of the old kind, which are not of a hash, are refused.
pub(super) fn verify(key: &PublicKey, signature: &SignatureBox, bytes: &[u8]) -> Result<(), String> {
    ::minisign::verify(key, signature, std::io::Cursor::new(bytes), true, false, false)
        .map_err(|error| error.to_string())
}

/// A key's id as `minisign` writes it.
pub(super) fn id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

fn second_line(text: &str) -> Result<Vec<u8>, String> {
    let line = text.lines().nth(1).ok_or("it has no second line")?;
    STANDARD.decode(line.trim()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use ::minisign::KeyPair;

    use super::*;

    fn text(bytes: &[u8]) -> String {
        format!("{FIRST_LINE} a key\n{}\n", STANDARD.encode(bytes))
    }

    #[test]
    fn a_key_is_told_apart_by_its_bytes_and_asks_nobody_for_a_passphrase() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let bytes = pair.sk.to_bytes();
        let opened = |bytes: &[u8]| open(&text(bytes), None).map(|key| id(key.keynum()));
        assert_eq!(opened(&bytes), Ok(id(pair.pk.keynum())));
        let mut locked = bytes.clone();
        locked[DERIVATION].copy_from_slice(b"Sc");
        assert_eq!(opened(&locked), Err(SecretKeyError::Locked));
        assert_eq!(opened(&pair.pk.to_bytes()), Err(SecretKeyError::Public));
        // The last byte but the checksum is the public half's.
        let mut damaged = bytes.clone();
        damaged[SIZES.1 - 33] ^= 1;
        for bytes in [&damaged[..], &bytes[..100], b""] {
            assert!(matches!(opened(bytes), Err(SecretKeyError::Unreadable { .. })));
        }
        assert_eq!(read_public(&text(&bytes)).unwrap_err(), "it is a secret key");
    }
}
