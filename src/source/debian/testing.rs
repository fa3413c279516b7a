//! A small Debian archive for tests: keys, packages, signed indices, all made up on the spot.

use std::collections::BTreeMap;

use crate::model::Digest;
pub(super) use crate::openpgp::testing::TestKey;

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
