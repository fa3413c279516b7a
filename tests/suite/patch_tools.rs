//! Patches made here are patches to git and to GNU patch as well.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rdna_build::model::Tree;
use rdna_build::source::patch::{FolderBase, Side, make};
use rdna_build::source::read_tree;
use tokio_util::sync::CancellationToken;

type Files<'a> = &'a [(&'a str, &'a [u8], u32)];

fn write(folder: &Path, files: Files<'_>) {
    for (path, bytes, mode) in files {
        let full = folder.join(path);
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, bytes).unwrap();
        fs::set_permissions(&full, fs::Permissions::from_mode(*mode)).unwrap();
    }
}

fn tree(folder: &Path) -> Tree {
    read_tree(folder, &CancellationToken::new()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line to get this from")]
fn is_installed(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(is_there || std::env::var_os("RDNA_BUILD_REQUIRE_LIVE").is_none(), "{tool} is not installed");
    if !is_there {
        eprintln!("skipped: {tool} is not installed");
    }
    is_there
}

fn applied_by(command: &[&str], patch: &Path, before: Files<'_>) -> Tree {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), before);
    let output = Command::new(command[0])
        .args(&command[1..])
        .arg(patch)
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&fs::read(patch).unwrap())
    );
    tree(folder.path())
}

const BEFORE: Files<'_> = &[
    ("changed.c", b"int f()\n{\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n}\n", 0o644),
    ("deep/er/gone", b"x\ny", 0o644),
    ("ends", b"no line end", 0o644),
    ("old name", b"same\n", 0o644),
    ("quo\"te", b"1\n", 0o644),
    ("tool", b"t\n", 0o644),
    ("windows", b"a\r\nb\r\nc\r\n", 0o644),
    ("über", b"1\n", 0o644),
];

const AFTER: Files<'_> = &[
    ("changed.c", b"int f()\n{\nfirst\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n}", 0o644),
    ("ends", b"with one\n", 0o644),
    ("new/empty", b"", 0o644),
    ("new/run", b"#!/bin/sh\n", 0o755),
    ("quo\"te", b"2\n", 0o644),
    ("re named", b"same\n", 0o644),
    ("tool", b"t\n", 0o755),
    ("windows", b"a\r\nB\r\nc\r\n", 0o644),
    ("über", b"2\n", 0o644),
];

#[test]
fn what_is_made_here_applies_with_git_and_with_gnu_patch() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(old.path(), BEFORE);
    write(new.path(), AFTER);
    let (before, after) = (tree(old.path()), tree(new.path()));
    let (old_base, new_base) = (FolderBase(old.path()), FolderBase(new.path()));
    let header =
        b"From: somebody <somebody@example.org>\nSubject: [PATCH] all of it\n\nWhy: it is a test.\n---\n";
    let patch = make(Side { tree: &before, base: &old_base }, Side { tree: &after, base: &new_base }, header)
        .unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &patch).unwrap();
    for command in [&["git", "apply", "-p1"][..], &["patch", "-p1", "--fuzz=0", "--binary", "-i"]] {
        if is_installed(command[0]) {
            let shown = |tree: &Tree| {
                tree.nodes
                    .iter()
                    .map(|(path, node)| (path.clone(), format!("{node:?}")))
                    .collect::<BTreeMap<_, _>>()
            };
            assert_eq!(shown(&applied_by(command, file.path(), BEFORE)), shown(&after), "{command:?}");
        }
    }
}
