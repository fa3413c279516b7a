//! A small Debian archive for tests: keys, packages, signed indices, all made up on the spot.

use std::collections::BTreeMap;

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedPublicKey,
    SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Duration, KeyDetails, Password, Tag, Timestamp};

use crate::model::Digest;

/// A key made like Debian's: the primary certifies, a subkey signs.
pub(super) struct TestKey(SignedSecretKey);

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

/// An entry of a test package's data.
pub(super) enum Item<'a> {
    Directory(&'a str),
    File(&'a str, &'a str),
    Program(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    Device(&'a str),
}

/// Makes a `.deb`. Paths are written as they are, hostile ones included.
pub(super) fn deb(control: &str, members: &[(&str, &str)], items: &[Item<'_>]) -> Vec<u8> {
    let mut head = tar::Builder::new(Vec::new());
    for (name, content) in [("control", control)].iter().chain(members) {
        append(&mut head, &format!("./{name}"), tar::EntryType::Regular, 0o644, "", content.as_bytes());
    }
    let mut data = tar::Builder::new(Vec::new());
    for item in items {
        match item {
            Item::Directory(path) => append(&mut data, path, tar::EntryType::Directory, 0o755, "", b""),
            Item::File(path, content) => {
                append(&mut data, path, tar::EntryType::Regular, 0o644, "", content.as_bytes());
            }
            Item::Program(path, content) => {
                append(&mut data, path, tar::EntryType::Regular, 0o755, "", content);
            }
            Item::Symlink(path, to) => append(&mut data, path, tar::EntryType::Symlink, 0o777, to, b""),
            Item::HardLink(path, to) => append(&mut data, path, tar::EntryType::Link, 0o644, to, b""),
            Item::Device(path) => append(&mut data, path, tar::EntryType::Char, 0o644, "", b""),
        }
    }
    let mut deb = ar::Builder::new(Vec::new());
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.xz", xz(&head.into_inner().unwrap())),
        ("data.tar.zst", zstd::encode_all(&*data.into_inner().unwrap(), 1).unwrap()),
    ];
    for (name, content) in members {
        deb.append(&ar::Header::new(name.into(), content.len() as u64), &*content).unwrap();
    }
    deb.into_inner().unwrap()
}

fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    link: &str,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    // Past the library's own checks: packages of others are not made with it.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_link_name_literal(link).unwrap();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::from(u32::MAX));
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content).unwrap();
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    liblzma::encode_all(bytes, 0).unwrap()
}

/// A mirror's files by path.
#[derive(Default)]
pub(super) struct Archive {
    pub files: BTreeMap<String, Vec<u8>>,
    index: String,
}

impl Archive {
    /// An archive of one suite, `sid`, with `base` (essential) and `tool`, which needs it.
    pub fn sample(key: &TestKey, valid_until: &str) -> Self {
        let mut archive = Self::default();
        archive.package(
            "base",
            "Essential: yes\n",
            &[Item::Directory("./etc"), Item::File("./etc/base", "b")],
        );
        archive.package("tool", "Depends: base (>= 1)\n", &[Item::Program("./usr/bin/tool", b"#!/bin/sh\n")]);
        archive.publish(key, valid_until);
        archive
    }

    pub fn package(&mut self, name: &str, fields: &str, items: &[Item<'_>]) {
        self.version(name, "1-1", fields, items);
    }

    pub fn version(&mut self, name: &str, version: &str, fields: &str, items: &[Item<'_>]) {
        let control = format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\n{fields}");
        let deb = deb(&control, &[], items);
        let path = format!("pool/{name}_{version}_amd64.deb");
        self.index += &format!(
            "{control}Filename: {path}\nSize: {}\nSHA256: {}\nDescription: made up\n\n",
            deb.len(),
            Digest::of(&deb)
        );
        self.files.insert(path, deb);
    }

    /// Writes index and signed release.
    pub fn publish(&mut self, key: &TestKey, valid_until: &str) {
        let index = xz(self.index.as_bytes());
        let release = format!(
            "Suite: unstable\nCodename: sid\nDate: Fri, 30 Oct 2026 08:08:01 UTC\nValid-Until: {valid_until}\nComponents: main\nSHA256:\n {} {} main/binary-amd64/Packages.xz\n {} {} main/binary-amd64/Packages\n",
            Digest::of(&index),
            index.len(),
            Digest::of(&self.index),
            self.index.len()
        );
        self.files.insert("dists/sid/main/binary-amd64/Packages.xz".to_owned(), index);
        self.files.insert("dists/sid/InRelease".to_owned(), key.sign(&release).into_bytes());
    }

    pub async fn serve(&self) -> wiremock::MockServer {
        use wiremock::{Mock, ResponseTemplate, matchers};
        let server = wiremock::MockServer::start().await;
        for (path, content) in &self.files {
            let answer = ResponseTemplate::new(200).set_body_bytes(content.clone());
            Mock::given(matchers::path(format!("/debian/{path}"))).respond_with(answer).mount(&server).await;
        }
        server
    }
}
