//! Measures listing and collecting of a store with 10,000 entries against `find` over the same folders, as ratios within one
//! run.
//!
//! ```sh
//! cargo bench --bench store                 # 10,000 entries
//! cargo bench --bench store -- 1000
//! ```
//!
//! Needs some 100 MB in `/dev/shm`, where entries are made without waiting for a disk, and in the build's folder.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod measure;

use std::path::Path;
use std::process::Command;

use measure::{median, timed};

use rdna_build::model::{Digest, Ingredients, Key, Stage};
use rdna_build::store::{Holder, Made, Store};

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ENTRIES: usize = 10_000;
const ROUNDS: usize = 9;

fn main() {
    let entries = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ENTRIES);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = folder.path().join("store");
    {
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        fill(&memory.path().join("store"), entries);
        copy(&memory.path().join("store"), &store);
    }
    let (mut found, mut listed, mut kept) = (vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let times = (
            timed(Command::new("find").arg(&store)),
            timed(&mut tool(&store, &["list"])),
            timed(&mut tool(&store, &["gc", "--max-size", "1TiB", "--older-than", "1000d"])),
        );
        // The first round reads all of it from the disk.
        if round > 0 {
            found.push(times.0);
            listed.push(times.1);
            kept.push(times.2);
        }
    }
    let found = median(found);
    println!("{entries} entries");
    println!("find STORE                    {:7.1} ms", found * 1e3);
    for (what, seconds) in [("cache list", median(listed)), ("cache gc, nothing to do", median(kept))] {
        println!("{what:29} {:7.1} ms  {:.2} × find", seconds * 1e3, seconds / found);
    }
}

/// Entries as those of a build are: some files, and ingredients.
fn fill(root: &Path, entries: usize) {
    let store = Store::open(root).unwrap();
    let holder = Holder::this_process("r-bench".parse().unwrap());
    for number in 0..entries {
        let key: Key = Digest::of(number.to_string()).to_string().parse().unwrap();
        let stage = Stage::ALL[number % Stage::ALL.len()];
        let draft = store.draft(stage, &key, &holder).unwrap();
        std::fs::create_dir(draft.content().join("tree")).unwrap();
        for name in ["files.json", "tree/library", "tree/header"] {
            std::fs::write(draft.content().join(name), name.repeat(50)).unwrap();
        }
        let mut ingredients = Ingredients::default();
        for ingredient in 0..40 {
            ingredients.add(format!("option {ingredient}"), Digest::of(number.to_string()).to_string());
        }
        draft.commit(Made { ingredients, seconds: 1.0, detail: serde_json::Value::Null }).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    assert!(Command::new("sync").arg("-f").arg(to).status().unwrap().success());
}

fn tool(store: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("cache").args(words).env("RDNA_BUILD_STORE", store);
    command
}
