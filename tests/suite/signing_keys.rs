//! Keys to sign with, made without the programs that usually make them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use pgp::composed::{ArmorOptions, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey};

use crate::home::Home;

/// Writes `NAME.key` and `NAME.pub`, a key of OpenPGP's.
pub fn openpgp(home: &Home, name: &str, passphrase: Option<&str>) {
    let mut key = SecretKeyParamsBuilder::default();
    key.key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(true)
        .primary_user_id(format!("{name} <{name}@example.org>"));
    let mut secret: SignedSecretKey = key.build().unwrap().generate(rand::thread_rng()).unwrap();
    if let Some(passphrase) = passphrase {
        secret.primary_key.set_password(rand::thread_rng(), &passphrase.into()).unwrap();
    }
    let public = SignedPublicKey::from(secret.clone()).to_armored_bytes(ArmorOptions::default()).unwrap();
    private(home, name, &secret.to_armored_bytes(ArmorOptions::default()).unwrap());
    home.write(&format!("{name}.pub"), public);
}

/// Writes `NAME.key` and `NAME.pub`, a key of minisign's without a passphrase.
pub fn minisign(home: &Home, name: &str) {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    private(home, name, &pair.sk.to_box(None).unwrap().to_bytes());
    home.write(&format!("{name}.pub"), pair.pk.to_box().unwrap().to_bytes());
}

fn private(home: &Home, name: &str, bytes: &[u8]) -> PathBuf {
    let path = home.write(&format!("{name}.key"), bytes);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}
