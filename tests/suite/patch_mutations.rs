//! The bounded fuzzing of the patch engine: the checks of `fuzz/`, on patches that were damaged in reproducible ways.
//!
//! A count, not a time, and fixed numbers for chance: the same run everywhere. `fuzz/README.md` says how to look longer,
//! with a fuzzer that sees which code runs.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::chance::Chance;

#[path = "../../fuzz/src/patches.rs"]
mod checks;

const ROUNDS: u64 = 12_000;

/// Kinds of patches that the recipes do not hold.
const OTHERS: &[&str] = &[
    "diff --git a/run b/run\nnew file mode 100755\n--- /dev/null\n+++ b/run\n@@ -0,0 +1,2 @@\n+#!/bin/sh\n+true\n",
    "diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-x\n-y\n\\ No newline at end of file\n",
    "diff --git a/old name b/new name\nold mode 100644\nnew mode 100755\nsimilarity index 50%\nrename from old name\nrename to new name\n--- a/old name\t\n+++ b/new name\t\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n",
    "diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n",
    "diff --git a/x.db b/x.db\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQ\n",
    "--- \"a/caf\\303\\251\"\t2026-11-23\n+++ \"b/caf\\303\\251\"\t2026-11-23\n@@ -3,4 +3,5 @@ f()\r\n a\r\n }\r\n+b\r\n }\r\n\r\n",
];

const WORDS: &[&str] = &[
    "diff --git a/x b/x\n",
    "--- a/x\n",
    "+++ b/x\n",
    "--- /dev/null\n",
    "+++ /dev/null\n",
    "@@ -1 +1 @@\n",
    "@@ -0,0 +1 @@\n",
    "@@ -4294967295,1 +1 @@\n",
    "@@ -1,4294967295 +1 @@\n",
    "\\ No newline at end of file\n",
    "\r\n",
    "\n",
    " \n",
    "+\n",
    "-\n",
    "-- \n",
    "new file mode 100755\n",
    "deleted file mode 100644\n",
    "old mode 100644\n",
    "new mode 120000\n",
    "rename from x\n",
    "rename to y\n",
    "copy to ../y\n",
    "similarity index 1%\n",
    "../",
    "/",
    "\"",
    "\\",
    "\0",
    "\0\u{1}",
    "\u{1b}[2J",
    "\u{202e}",
    "index 1..2 160000\n",
    "Binary files a and b differ\n",
    " }\n",
    "-}\n",
    "+}\n",
];

fn patches(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => patches(&path, found),
            false if path.extension().is_some_and(|extension| extension == "patch") => found.push(path),
            false => {}
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    patches(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes"), &mut found);
    found.sort();
    assert!(found.len() >= 3, "the recipes' patches were not found");
    let large = 32 << 10;
    let of_recipes = found.iter().map(|path| fs::read(path).unwrap()).filter(|bytes| bytes.len() < large);
    of_recipes.chain(OTHERS.iter().map(|text| text.as_bytes().to_vec())).collect()
}

fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        let range = chance.range(bytes.len());
        match chance.below(9) {
            0 => bytes.splice(range, []).for_each(drop),
            1 => {
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copy).for_each(drop);
            }
            2 => {
                let word = WORDS[chance.below(WORDS.len())];
                bytes.splice(range.start..range.start, word.bytes()).for_each(drop);
            }
            3 => bytes.truncate(range.start),
            4 => {
                let other = &seeds[chance.below(seeds.len())];
                let piece = other[chance.range(other.len())].to_vec();
                bytes.splice(range, piece).for_each(drop);
            }
            5 => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte = chance.next() as u8;
                }
            }
            // Numbers decide what hunks are.
            6 => {
                let digit = chance.below(10) as u8 + b'0';
                let rest = range.start..bytes.len();
                if let Some(byte) = bytes[rest].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *byte = digit;
                }
            }
            // Whole lines change place, come twice, or go.
            7 => {
                let mut lines: Vec<Vec<u8>> =
                    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
                match chance.below(3) {
                    _ if lines.is_empty() => {}
                    0 => lines.swap(one, other),
                    1 => lines.insert(one, lines[other].clone()),
                    _ => drop(lines.remove(one)),
                }
                bytes = lines.concat();
            }
            // A file of its own, and a fit.
            _ => {
                bytes.extend_from_slice(&[0, chance.next() as u8]);
                let other = &seeds[chance.below(seeds.len())];
                let end = chance.below(other.len().min(600));
                // A patch without its marks looks somewhat like a file.
                for line in other[..end].split_inclusive(|byte| *byte == b'\n') {
                    bytes.extend_from_slice(line.get(1..).unwrap_or_default());
                }
            }
        }
    }
    bytes
}

fn run(check: fn(&[u8]), start: u64) {
    let seeds = seeds();
    let mut chance = Chance(start);
    let inputs = seeds.iter().cloned().map(Some).chain((0..ROUNDS).map(|_| None));
    for (round, seed) in inputs.enumerate() {
        let input = seed.unwrap_or_else(|| mutated(&seeds, &mut chance));
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            panic!("round {round} fails with the input \"{}\"", input.escape_ascii());
        }
    }
}

#[test]
fn no_damaged_patch_is_read_wrongly() {
    run(checks::parse_anything, 1);
}

#[test]
fn no_damaged_patch_is_applied_wrongly() {
    run(checks::apply_anything, 2);
}
