//! Honest archives in every format, and hostile ones of every kind.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tar::{Builder, EntryType, Header};
use tokio_util::sync::CancellationToken;

use super::super::confine::Escape;
use super::*;

fn member(builder: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str, data: &[u8]) {
    // Written by hand: the builder itself refuses hostile names.
    let mut header = Header::new_gnu();
    let raw = header.as_old_mut();
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(if name.ends_with(".sh") { 0o775 } else { 0o600 });
    header.set_size(data.len() as u64);
    header.set_cksum();
    builder.append(&header, data).unwrap();
}

type Member<'a> = (EntryType, &'a str, &'a str, &'a [u8]);

fn tar_of(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link, data) in members {
        member(&mut builder, *kind, name, link, data);
    }
    builder.into_inner().unwrap()
}

fn honest() -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    member(&mut builder, EntryType::XGlobalHeader, "pax_global_header", "", b"19 comment=0123456\n");
    member(&mut builder, EntryType::Directory, "top/", "", b"");
    member(&mut builder, EntryType::Regular, "top/a.sh", "", b"#!");
    member(&mut builder, EntryType::Symlink, "top/lib/link", "../a.sh", b"");
    member(&mut builder, EntryType::Link, "top/hard", "top/a.sh", b"");
    let mut header = Header::new_gnu();
    header.set_size(4);
    let long = format!("top/{}/b.c", "deep/".repeat(40).trim_end_matches('/'));
    builder.append_data(&mut header, long, b"long".as_slice()).unwrap();
    builder.into_inner().unwrap()
}

fn unpack_bytes(bytes: &[u8], into: &Path, limits: Limits) -> Result<Unpacked, ArchiveError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    unpack(file.path(), into, true, limits, &CancellationToken::new())
}

#[test]
fn an_honest_archive_is_unpacked_from_every_format() {
    let tar = honest();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(&tar).unwrap();
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    for bytes in [gzip.finish().unwrap(), xz.finish().unwrap(), zstd, tar] {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = unpack_bytes(&bytes, folder.path(), Limits::default()).unwrap();
        assert_eq!(unpacked, Unpacked { files: 4, bytes: 8 });
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        assert_eq!(read("lib/link"), "#!");
        assert_eq!(read("hard"), "#!");
        assert_eq!(read(&format!("{}b.c", "deep/".repeat(40))), "long");
        let mode = fs::metadata(folder.path().join("a.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}

/// Unpacks beside a folder that must stay empty, and gives the error.
fn refused(members: &[Member<'_>]) -> ArchiveError {
    let parent = tempfile::tempdir().unwrap();
    let into = parent.path().join("into");
    let error = unpack_bytes(&tar_of(members), &into, Limits { bytes: 100, members: 10 }).unwrap_err();
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "something is left: {error}");
    error
}

const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

#[test]
fn members_that_lead_outside_are_refused_by_name() {
    let hostile = |name| match refused(&[(FILE, "top/ok", "", b""), (FILE, name, "", b"x")]) {
        ArchiveError::HostilePath { member, why } => (member, why),
        error => panic!("{error}"),
    };
    assert_eq!(hostile("top/../../x"), ("top/../../x".to_owned(), Escape::Parent));
    assert_eq!(hostile("/etc/x"), ("/etc/x".to_owned(), Escape::Absolute));
    assert_eq!(hostile("top//x"), ("top//x".to_owned(), Escape::Blank));
}

#[test]
fn links_that_lead_outside_are_refused() {
    for target in ["/etc/passwd", "../x", "a/../../x"] {
        let error = refused(&[(LINK, "top/l", target, b"")]);
        assert!(matches!(error, ArchiveError::HostileLink { .. }), "{target}: {error}");
    }
    let error = refused(&[(HARD, "top/h", "../../etc/passwd", b"")]);
    assert!(matches!(error, ArchiveError::HostilePath { .. }), "{error}");
    let error = refused(&[(HARD, "top/h", "top/none", b"")]);
    assert!(matches!(error, ArchiveError::DanglingLink { .. }), "{error}");
    // Copying what a symlink points to would follow it.
    let error = refused(&[(LINK, "top/l", "x", b""), (HARD, "top/h", "top/l", b"")]);
    assert!(matches!(error, ArchiveError::DanglingLink { .. }), "{error}");
}

#[test]
fn nothing_is_written_through_a_symlink_or_twice() {
    for members in [
        [(LINK, "top/d", "sub", b"".as_slice()), (FILE, "top/d/x", "", b"x")],
        [(FILE, "top/d", "", b"x"), (FILE, "top/d/x", "", b"x")],
        [(FILE, "top/d/x", "", b"x"), (LINK, "top/d", "sub", b"")],
        [(FILE, "top/x", "", b"1"), (FILE, "top/./x", "", b"2")],
        [(FILE, "top/x", "", b"1"), (FILE, "./top/x", "", b"2")],
        [(FILE, "top/x", "", b"1"), (LINK, "top/x", "y", b"")],
    ] {
        let error = refused(&members);
        let blank = matches!(error, ArchiveError::HostilePath { why: Escape::Blank, .. });
        assert!(blank || matches!(error, ArchiveError::Twice { .. }), "{members:?}: {error}");
    }
}

#[test]
fn what_is_no_file_folder_or_symlink_is_refused() {
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block, EntryType::GNUSparse] {
        let error = refused(&[(kind, "top/x", "", b"")]);
        assert!(matches!(error, ArchiveError::Special { .. }), "{kind:?}: {error}");
    }
}

#[test]
fn archives_have_limits() {
    let error = refused(&[(FILE, "top/a", "", &[0; 60]), (FILE, "top/b", "", &[0; 60])]);
    assert!(matches!(error, ArchiveError::TooLarge { limit: 100, .. }), "{error}");
    let error = refused(&[(FILE, "top/a", "", &[0; 60]), (HARD, "top/b", "top/a", b"")]);
    assert!(matches!(error, ArchiveError::TooLarge { limit: 100, .. }), "{error}");
    let error = refused(&[(EntryType::Directory, "top/", "", b"".as_slice()); 11]);
    assert!(matches!(error, ArchiveError::TooMany { limit: 10 }), "{error}");
    let bomb = vec![b'x'; 2 << 20];
    let error = refused(&[(EntryType::GNULongName, "././@LongLink", "", &bomb)]);
    assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
}

#[test]
fn an_archive_needs_one_top_folder_and_a_file_in_it() {
    let error = refused(&[(FILE, "one/a", "", b""), (FILE, "two/b", "", b"")]);
    assert!(matches!(error, ArchiveError::TopFolder { member, top } if member == "two/b" && top == "one"));
    assert!(matches!(refused(&[(FILE, "a", "", b"")]), ArchiveError::TopFolder { .. }));
    assert!(matches!(refused(&[(EntryType::Directory, "top/", "", b"")]), ArchiveError::Empty { .. }));
}

#[test]
fn a_broken_archive_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let into = parent.path().join("into");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&honest()).unwrap();
    let whole = gzip.finish().unwrap();
    for length in [20, whole.len() / 2, whole.len() - 60] {
        let error = unpack_bytes(&whole[..length], &into, Limits::default()).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
        assert!(!into.exists());
    }
    let error = unpack_bytes(b"<html>not found</html>", &into, Limits::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::Format { .. }), "{error}");
}
