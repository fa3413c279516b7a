//! A secret key that is ready to sign.

use std::io::BufReader;

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, Deserializable, DetachedSignature, SignedPublicKey, SignedSecretKey,
};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, Password, SecretParams, SigningKey};
use rand::rngs::OsRng;

use super::blocks;
use super::certificates::{hex, name};
use super::policy::{self, Flaw, Part, newest_binding, seconds};

/// A secret key whose signing part is unlocked by a passphrase that was tried.
pub struct SecretKey {
    key: SignedSecretKey,
    /// Index of the subkey that signs; nothing where the primary key does.
    subkey: Option<usize>,
    password: Password,
    public: SignedPublicKey,
}

/// Why a file holds no key that could sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretKeyError {
    /// It cannot be read as a key.
    Unreadable {
        reason: String,
    },
    /// It holds the public half.
    Public,
    Several {
        count: usize,
    },
    Revoked,
    Expired,
    /// No part of it may sign.
    MayNotSign {
        why: &'static str,
    },
    /// It is there, and the secret of the part that signs is not: it is on a card, or was left out on export.
    Elsewhere,
    /// It asks for a passphrase, and none was given.
    Locked,
    WrongPassphrase,
}

impl SecretKey {
    /// Reads the one secret key of a file, armoured or not, chooses what of it signs at the time `now` (seconds since 1970), and
    /// tries the passphrase.
    pub fn open(bytes: &[u8], passphrase: Option<&str>, now: u64) -> Result<Self, SecretKeyError> {
        let key = read(bytes)?;
        let public = key.to_public_key();
        let subkey = choose(&key, &public, now)?;
        let password = passphrase.map_or_else(Password::empty, Password::from);
        let opened = Self { key, subkey, password, public };
        opened.try_passphrase(passphrase.is_some())?;
        Ok(opened)
    }

    /// Fingerprint of the primary key, in small letters.
    pub fn fingerprint(&self) -> String {
        hex(&self.public.primary_key)
    }

    /// The key's first name.
    pub fn name(&self) -> Option<String> {
        name(&self.public)
    }

    /// The public half, for whoever checks: as text, and in bytes.
    pub fn public_armored(&self) -> String {
        self.public.to_armored_string(ArmorOptions::default()).expect("a key that was read can be written")
    }

    pub fn public_bytes(&self) -> Vec<u8> {
        self.public.to_bytes().expect("a key that was read can be written")
    }

    /// Whether RSA signs, rather than another algorithm: some formats keep such signatures apart.
    pub fn is_rsa(&self) -> bool {
        let algorithm = match self.subkey {
            None => self.key.primary_key.algorithm(),
            Some(index) => self.key.secret_subkeys[index].key.algorithm(),
        };
        matches!(algorithm, PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign)
    }

    /// A detached signature of bytes, armoured: what `gpg --detach-sign --armor` makes.
    pub fn sign_detached(&self, bytes: &[u8]) -> Result<String, String> {
        let armored = self.signature(bytes)?.to_armored_string(ArmorOptions::default());
        armored.map_err(|error| error.to_string())
    }

    /// The same, not armoured, as rpm keeps it in packages.
    pub fn sign_detached_bytes(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        self.signature(bytes)?.to_bytes().map_err(|error| error.to_string())
    }

    fn signature(&self, bytes: &[u8]) -> Result<DetachedSignature, String> {
        let signature = match self.subkey {
            None => self.detached(&self.key.primary_key, bytes),
            Some(index) => self.detached(&self.key.secret_subkeys[index].key, bytes),
        };
        signature.map_err(|error| error.to_string())
    }

    /// A text with its signature around it: what `gpg --clear-sign` makes.
    pub fn sign_cleartext(&self, text: &str) -> Result<String, String> {
        // The end of the last line belongs to the signature (RFC 9580, 7.1).
        let text = text.strip_suffix('\n').unwrap_or(text);
        let signed = match self.subkey {
            None => CleartextSignedMessage::sign(OsRng, text, &self.key.primary_key, &self.password),
            Some(index) => {
                let subkey = &self.key.secret_subkeys[index].key;
                CleartextSignedMessage::sign(OsRng, text, subkey, &self.password)
            }
        };
        signed
            .and_then(|signed| signed.to_armored_string(ArmorOptions::default()))
            .map_err(|error| error.to_string())
    }

    fn detached(&self, key: &impl SigningKey, bytes: &[u8]) -> pgp::errors::Result<DetachedSignature> {
        DetachedSignature::sign_binary_data(OsRng, key, &self.password, key.hash_alg(), bytes)
    }

    fn try_passphrase(&self, is_given: bool) -> Result<(), SecretKeyError> {
        let (params, unlocked) = match self.subkey {
            None => {
                let key = &self.key.primary_key;
                (key.secret_params(), key.unlock(&self.password, |_, _| Ok(())))
            }
            Some(index) => {
                let key = &self.key.secret_subkeys[index].key;
                (key.secret_params(), key.unlock(&self.password, |_, _| Ok(())))
            }
        };
        match (params, unlocked) {
            (_, Ok(_)) => Ok(()),
            // GnuPG writes these where the secret is not.
            (SecretParams::Encrypted(_), Err(pgp::errors::Error::Unsupported { .. })) => {
                Err(SecretKeyError::Elsewhere)
            }
            (SecretParams::Encrypted(_), Err(_)) if !is_given => Err(SecretKeyError::Locked),
            (SecretParams::Encrypted(_), Err(_)) => Err(SecretKeyError::WrongPassphrase),
            (SecretParams::Plain(_), Err(error)) => {
                Err(SecretKeyError::Unreadable { reason: error.to_string() })
            }
        }
    }
}

/// Shows no secret.
impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

fn read(bytes: &[u8]) -> Result<SignedSecretKey, SecretKeyError> {
    let unreadable = |error: pgp::errors::Error| SecretKeyError::Unreadable { reason: error.to_string() };
    let read_block = |block| {
        let (keys, _armour) = SignedSecretKey::from_reader_many_buf(BufReader::new(block))?;
        keys.collect::<Result<Vec<_>, _>>()
    };
    let read = blocks(bytes).into_iter().map(read_block).collect::<Result<Vec<_>, _>>();
    let read = read.map(|keys| keys.concat());
    let mut keys = match read {
        Ok(keys) if !keys.is_empty() => keys,
        Ok(_) | Err(_) if is_public(bytes) => return Err(SecretKeyError::Public),
        Ok(_) => return Err(SecretKeyError::Unreadable { reason: "there is none in it".to_owned() }),
        Err(error) => return Err(unreadable(error)),
    };
    match keys.len() {
        1 => Ok(keys.remove(0)),
        count => Err(SecretKeyError::Several { count }),
    }
}

fn is_public(bytes: &[u8]) -> bool {
    SignedPublicKey::from_reader_many_buf(BufReader::new(bytes))
        .is_ok_and(|(mut keys, _armour)| matches!(keys.next(), Some(Ok(_))))
}

/// The newest subkey that may sign, as GnuPG chooses, else the primary key.
fn choose(
    key: &SignedSecretKey,
    public: &SignedPublicKey,
    now: u64,
) -> Result<Option<usize>, SecretKeyError> {
    match policy::may_sign(public, Part::Primary, now) {
        Err(Flaw::Revoked) => return Err(SecretKeyError::Revoked),
        Err(Flaw::Expired) => return Err(SecretKeyError::Expired),
        // A primary key that only certifies may have subkeys that sign.
        Ok(()) | Err(Flaw::MayNotSign | Flaw::Unsigned | Flaw::SubkeyExpired | Flaw::NotBound) => {}
    }
    let mut flaw = None;
    let mut best: Option<(usize, u64)> = None;
    for (index, secret) in key.secret_subkeys.iter().enumerate() {
        let fingerprint = secret.key.fingerprint();
        let Some(subkey) = public.public_subkeys.iter().find(|one| one.key.fingerprint() == fingerprint)
        else {
            continue;
        };
        // Others encrypt: they are no reason why the key could not sign.
        if newest_binding(public, subkey).is_none() {
            continue;
        }
        let created = seconds(subkey.key.created_at());
        match policy::may_sign(public, Part::Subkey(subkey), now) {
            Ok(()) if best.is_none_or(|(_, newest)| created >= newest) => best = Some((index, created)),
            Ok(()) => {}
            Err(why) => flaw = Some(why),
        }
    }
    match (best, policy::may_sign(public, Part::Primary, now), flaw) {
        (Some((index, _)), _, _) => Ok(Some(index)),
        (None, Ok(()), _) => Ok(None),
        (None, Err(_), Some(Flaw::SubkeyExpired)) => Err(SecretKeyError::Expired),
        (None, Err(_), Some(Flaw::Revoked)) => Err(SecretKeyError::Revoked),
        (None, Err(why), _) => Err(SecretKeyError::MayNotSign { why: why.as_str() }),
    }
}
