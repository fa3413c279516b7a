use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::super::tests::{PREFIX, packed, scanned, tree};
use super::*;
use crate::model::{Digest, Manifest};
use tar::EntryType;

use crate::package::tar_writer::header;
use crate::package::{ListedKind, list, read_manifest};

fn written(manifest: &Manifest, root: &Path, workers: u32) -> (Digest, Vec<u8>) {
    let into = tempfile::tempdir().unwrap();
    let archive = into.path().join("a.tar.zst");
    let parcel = Parcel::new(Part::Whole, manifest, root).unwrap().unwrap();
    let done = write_with(&parcel, &archive, workers, &CancellationToken::new(), &mut |_, _| ()).unwrap();
    (done.sha256, fs::read(archive).unwrap())
}

#[test]
fn the_bytes_follow_from_the_content_alone() {
    let root = tree();
    let manifest = scanned(root.path());
    let (first, bytes) = written(&manifest, root.path(), 1);
    assert_eq!(Digest::of(&bytes), first);
    assert_eq!(written(&manifest, root.path(), 2).0, first, "more workers");

    let again = tree();
    let prefix = again.path().join(&PREFIX[1..]);
    File::open(prefix.join("lib/libx.so.1"))
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1))
        .unwrap();
    // Group and others, as another umask would have left them.
    fs::set_permissions(prefix.join("lib/libx.so.1"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(prefix.join("lib"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(written(&scanned(again.path()), again.path(), 2).0, first, "other times and modes");
}

#[test]
fn the_order_of_the_files_does_not_change_the_order_of_the_archive() {
    let root = tree();
    let sorted = scanned(root.path());
    let mut reversed = sorted.clone();
    reversed.files.reverse();
    // The manifest's own text is the same here, so that only the order could differ.
    let digest = |manifest: &Manifest| {
        let into = tempfile::tempdir().unwrap();
        let mut parcel = Parcel::new(Part::Whole, manifest, root.path()).unwrap().unwrap();
        parcel.manifest_text = ("opt/m/share/rdna-build/manifest.json".to_owned(), Vec::new());
        let archive = into.path().join("a.tar.zst");
        write_with(&parcel, &archive, 1, &CancellationToken::new(), &mut |_, _| ()).unwrap()
    };
    assert_eq!(digest(&sorted), digest(&reversed));
}

#[test]
fn every_folder_is_there_once_and_modes_are_of_two_kinds() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let archive = packed(&scanned(root.path()), root.path(), into.path()).unwrap().archive;
    let listed: Vec<String> = list(&archive)
        .unwrap()
        .into_iter()
        .map(|entry| {
            let path = entry.path.replace(&PREFIX[1..], "P").replace(&"n".repeat(200), "LONG");
            match entry.kind {
                ListedKind::Directory => format!("{:o} {path}/", entry.mode),
                ListedKind::File { .. } => format!("{:o} {path}", entry.mode),
                ListedKind::Symlink { target } => format!("{:o} {path} -> {target}", entry.mode),
            }
        })
        .collect();
    assert_eq!(
        listed,
        [
            "755 opt/",
            "755 opt/rdna-build/",
            "755 P/",
            "755 P/bin/",
            "755 P/bin/x",
            "755 P/lib/",
            "777 P/lib/libx.so -> libx.so.1",
            "644 P/lib/libx.so.1",
            "644 P/lib/LONG",
            "755 P/share/",
            "755 P/share/rdna-build/",
            "644 P/share/rdna-build/manifest.json",
        ]
    );
}

#[test]
fn an_unpacked_package_is_what_was_installed() {
    let (root, into, out) = (tree(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let installed = scanned(root.path());
    let archive = packed(&installed, root.path(), into.path()).unwrap().archive;
    let mut tar = tar::Archive::new(zstd::Decoder::new(File::open(archive).unwrap()).unwrap());
    tar.unpack(out.path()).unwrap();
    let mut unpacked = scanned(out.path());
    unpacked.files.retain(|file| !file.path().ends_with("manifest.json"));
    assert_eq!(unpacked, installed);
}

/// An archive of one entry, made without the checks of the writer.
fn foreign(kind: EntryType, path: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.tar.zst");
    let encoder = zstd::Encoder::new(File::create(&archive).unwrap(), 1).unwrap();
    let mut builder = tar::Builder::new(encoder);
    let mut header = header(kind, 0o644, bytes.len() as u64, 0);
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    (folder, archive)
}

#[test]
fn archives_of_strangers_are_refused_with_the_reason() {
    let long = vec![b'a'; 200 << 10];
    for (kind, path, bytes, reason) in [
        (EntryType::Regular, "../../etc/passwd", &b"x"[..], "the path"),
        (EntryType::Regular, "/etc/passwd", b"x", "the path"),
        (EntryType::Char, "dev/null", b"", "kind '3'"),
        (EntryType::GNULongName, "long", &long, "64 KiB"),
        (EntryType::Regular, "p/share/rdna-build/manifest.json", b"{", "its manifest"),
        (EntryType::Regular, "other", b"", "no share/rdna-build/manifest.json"),
    ] {
        let (_folder, archive) = foreign(kind, path, bytes);
        let error = read_manifest(&archive).unwrap_err().to_string();
        assert!(error.contains(reason), "{path}: {error}");
    }
}

#[test]
fn a_truncated_or_changed_package_is_refused() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let archive = packed(&scanned(root.path()), root.path(), into.path()).unwrap().archive;
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(read_manifest(&archive), Err(PackageError::NotOurs { .. })));
    let mut bytes = bytes;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&archive, &bytes).unwrap();
    assert!(matches!(list(&archive), Err(PackageError::NotOurs { .. })));
}
