//! Who may know whom, held by a test: imports between the rooms of `src/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room → the rooms it may name. `cli` may name all; test modules are code of their room like any other.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("document", &["model"]),
    ("code", &["model"]),
    ("proof", &["model", "code"]),
    ("facts", &[]),
    ("doctor", &["model", "facts", "toolchain"]),
    ("recipe", &["model", "document"]),
    ("toolchain", &["model", "document"]),
    ("inspect", &["model", "code", "engine", "toolchain", "facts"]),
    ("verify", &["model", "code", "toolchain", "proof"]),
    ("plan", &["model"]),
    ("lockfile", &["model"]),
    ("store", &["model"]),
    ("remote", &["model"]),
    ("engine", &["model"]),
    ("openpgp", &[]),
    ("source", &["model", "openpgp"]),
    ("build", &["model", "engine"]),
    ("package", &["model"]),
    ("attest", &["model", "openpgp", "package", "plan"]),
    ("install", &["model", "package", "code"]),
    ("repository", &["model", "openpgp", "package"]),
    (
        "execute",
        &[
            "model",
            "facts",
            "plan",
            "lockfile",
            "store",
            "remote",
            "engine",
            "source",
            "build",
            "package",
            "attest",
            "toolchain",
            "inspect",
            "code",
            "proof",
            "verify",
        ],
    ),
];

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("src is there") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => files.extend(source_files(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => files.push(path),
            false => {}
        }
    }
    files
}

/// The rooms that a file names as `crate::room`.
fn named_rooms(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}

#[test]
fn every_room_names_only_the_rooms_it_may_know() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    let mut rooms = BTreeSet::new();
    for file in source_files(&src) {
        let relative = file.strip_prefix(&src).expect("below src");
        if relative.components().count() < 2 {
            continue;
        }
        let room = relative.components().next().expect("has one").as_os_str().to_string_lossy().into_owned();
        rooms.insert(room.clone());
        if room == "cli" {
            continue;
        }
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("the room `{room}` is not in the table"));
            continue;
        };
        let text = fs::read_to_string(&file).expect("readable");
        for named in named_rooms(&text) {
            if named != room && !allowed.contains(&named.as_str()) {
                broken.push(format!("{} names `{named}`, which `{room}` may not know", relative.display()));
            }
        }
    }
    assert!(rooms.len() > 10, "the rooms were not found: {rooms:?}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn execute_never_names_a_concrete_engine() {
    let execute = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/execute");
    for file in source_files(&execute) {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(!text.contains("bollard") && !text.contains("engine::docker"), "{}", file.display());
    }
}

#[test]
fn the_plan_does_no_io() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan");
    for file in source_files(&plan) {
        let text = fs::read_to_string(&file).expect("readable");
        for io in ["std::fs", "std::net", "std::process", "tokio", "std::env", "SystemTime"] {
            assert!(!text.contains(io), "{} uses {io}", file.display());
        }
    }
}
