//! Keys for tests, made up on the spot.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedPublicKey,
    SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{Duration, KeyDetails, Password, Tag, Timestamp};

/// A key made like Debian's: the primary certifies, a subkey signs.
pub(crate) struct TestKey(SignedSecretKey);

impl TestKey {
    pub fn new() -> Self {
        let mut subkey = SubkeyParamsBuilder::default();
        subkey.key_type(KeyType::Ed25519Legacy).can_sign(true).can_encrypt(EncryptionCaps::None);
        let mut key = SecretKeyParamsBuilder::default();
        key.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(false);
        key.primary_user_id("Archive <archive@example.org>".to_owned())
            .subkeys(vec![subkey.build().unwrap()]);
        Self(key.build().unwrap().generate(rand::thread_rng()).unwrap())
    }

    /// The same key, saying of itself that it expires `seconds` after it was made.
    pub fn expiring_after(mut self, seconds: u32) -> Self {
        let mut flags = KeyFlags::default();
        flags.set_certify(true);
        let config = self.config(SignatureType::CertPositive, HashAlgorithm::Sha256, |subpackets| {
            subpackets.push(SubpacketData::KeyFlags(flags));
            subpackets.push(SubpacketData::KeyExpirationTime(Duration::from_secs(seconds)));
        });
        let (secret, user) = (&self.0.primary_key, &self.0.details.users[0]);
        let password = Password::empty();
        let signature =
            config.sign_certification(secret, secret.public_key(), &password, Tag::UserId, &user.id);
        self.0.details.users[0].signatures = vec![signature.unwrap()];
        self
    }

    pub fn revoked(mut self) -> Self {
        let config = self.config(SignatureType::KeyRevocation, HashAlgorithm::Sha256, |_| {});
        let secret = &self.0.primary_key;
        let signature = config.sign_key(secret, &Password::empty(), secret.public_key()).unwrap();
        self.0.details.revocation_signatures.push(signature);
        self
    }

    fn config(
        &self,
        kind: SignatureType,
        hash: HashAlgorithm,
        more: impl FnOnce(&mut Vec<SubpacketData>),
    ) -> SignatureConfig {
        let mut subpackets = vec![
            SubpacketData::SignatureCreationTime(Timestamp::now()),
            SubpacketData::IssuerFingerprint(self.0.primary_key.fingerprint()),
        ];
        more(&mut subpackets);
        let mut config = SignatureConfig::v4(kind, self.0.primary_key.algorithm(), hash);
        config.hashed_subpackets =
            subpackets.into_iter().map(|data| Subpacket::regular(data).unwrap()).collect();
        config
    }

    /// The public half, armoured.
    pub fn public(&self) -> Vec<u8> {
        SignedPublicKey::from(self.0.clone()).to_armored_bytes(ArmorOptions::default()).unwrap()
    }

    /// The secret half, in bytes.
    pub fn secret(&self) -> Vec<u8> {
        self.0.to_bytes().unwrap()
    }

    pub fn without_subkeys(mut self) -> Self {
        self.0.secret_subkeys.clear();
        self
    }

    pub fn locked_with(mut self, passphrase: &str) -> Self {
        let password = Password::from(passphrase);
        self.0.primary_key.set_password(rand::thread_rng(), &password).unwrap();
        for subkey in &mut self.0.secret_subkeys {
            subkey.key.set_password(rand::thread_rng(), &password).unwrap();
        }
        self
    }

    /// Fingerprint of the subkey that signs.
    pub fn fingerprint(&self) -> String {
        self.0.secret_subkeys[0].key.fingerprint().to_string()
    }

    pub fn sign(&self, text: &str) -> String {
        let key = &self.0.secret_subkeys[0].key;
        let message = CleartextSignedMessage::sign(rand::thread_rng(), text, key, &Password::empty());
        message.unwrap().to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// Signs with the primary key, which says of itself that it only certifies.
    pub fn sign_with_primary(&self, text: &str) -> String {
        let key = &self.0.primary_key;
        let message = CleartextSignedMessage::sign(rand::thread_rng(), text, key, &Password::empty());
        message.unwrap().to_armored_string(ArmorOptions::default()).unwrap()
    }
}
