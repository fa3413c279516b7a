//! The bounded fuzzing of what reads logs, bitcode, libraries and code of a GPU: the checks of `fuzz/`, on inputs that were
//! damaged in reproducible ways. `fuzz/README.md` says how to look longer.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::chance::Chance;

#[path = "../../fuzz/src/readers.rs"]
mod checks;

/// What LLVM 14 writes at the beginning of a module.
const BITCODE: &str =
    "4243c0de3514000005000000620c30244a59be668dfbb4af0b51804c01000000210c0000fc0000000b02210002";
/// Numbers at which readers go wrong.
const NUMBERS: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

fn logs() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn bitcode() -> Vec<Vec<u8>> {
    let plain = hex::decode(BITCODE).unwrap();
    let words = [0x0b17_c0de, 0, 20, plain.len() as u32, 0];
    let wrapped = words.iter().flat_map(|word| word.to_le_bytes()).chain(plain.iter().copied()).collect();
    vec![plain, wrapped]
}

/// A library with a name, a library that it needs, symbol versions that it defines and asks for.
fn library() -> Vec<u8> {
    const STRINGS: &[u8] = b"\0liba.so.1\0libLLVM.so.21.1\0LLVM_21.1\0A_1\0$ORIGIN\0";
    const DYNAMIC: u64 = 64 + 2 * 56;
    let entries = |strings: u64, defines: u64, wants: u64| {
        [
            (14, 1),
            (1, 11),
            (29, 41),
            (5, strings),
            (10, STRINGS.len() as u64),
            (0x6fff_fffc, defines),
            (0x6fff_fffd, 1),
            (0x6fff_fffe, wants),
            (0x6fff_ffff, 1),
            (0, 0),
        ]
    };
    let strings = DYNAMIC + 10 * 16;
    let defines = strings + STRINGS.len() as u64 + (8 - STRINGS.len() as u64 % 8);
    let wants = defines + 28;
    let end = wants + 32;
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend([3u16, 62].iter().flat_map(|half| half.to_le_bytes()));
    file.extend(1u32.to_le_bytes());
    file.extend([0u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(0u32.to_le_bytes());
    file.extend([64u16, 56, 2, 64, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    for (kind, start, size) in [(1u32, 0, end), (2, DYNAMIC, 160)] {
        file.extend(kind.to_le_bytes());
        file.extend(4u32.to_le_bytes());
        file.extend([start, start, start, size, size, 8].iter().flat_map(|word| word.to_le_bytes()));
    }
    for (tag, value) in entries(strings, defines, wants) {
        file.extend([tag, value].iter().flat_map(|word: &u64| word.to_le_bytes()));
    }
    file.extend(STRINGS);
    file.resize(defines as usize, 0);
    // One version that is defined, with one name; one file that is asked for one version.
    file.extend([1u16, 0, 2, 1].iter().flat_map(|half| half.to_le_bytes()));
    file.extend([0u32, 20, 0, 37, 0].iter().flat_map(|word| word.to_le_bytes()));
    file.extend([1u16, 1].iter().flat_map(|half| half.to_le_bytes()));
    file.extend([11u32, 16, 0].iter().flat_map(|word| word.to_le_bytes()));
    file.extend(0u32.to_le_bytes());
    file.extend([0u16, 3].iter().flat_map(|half| half.to_le_bytes()));
    file.extend([27u32, 0].iter().flat_map(|word| word.to_le_bytes()));
    file
}

/// Real ones; `tests/fixtures/code/README.md` says what is in them.
fn objects(names: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/code");
    names.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        let range = chance.range(bytes.len());
        match chance.below(7) {
            0 => bytes.splice(range, []).for_each(drop),
            1 => {
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, copy).for_each(drop);
            }
            2 => bytes.truncate(range.start),
            3 => {
                let other = &seeds[chance.below(seeds.len())];
                let piece = other[chance.range(other.len())].to_vec();
                bytes.splice(range, piece).for_each(drop);
            }
            4 => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            5 => {
                if let Some(byte) = bytes.get_mut(range.start) {
                    *byte = chance.next() as u8;
                }
            }
            // Sizes and places are numbers of two to eight bytes.
            _ => {
                let number = NUMBERS[chance.below(NUMBERS.len())].to_le_bytes();
                let width = [2, 4, 8][chance.below(3)];
                let end = (range.start + width).min(bytes.len());
                bytes.splice(range.start..end, number[..width].iter().copied()).for_each(drop);
            }
        }
    }
    bytes
}

fn run(check: fn(&[u8]), seeds: &[Vec<u8>], rounds: u64, start: u64) {
    let mut chance = Chance(start);
    let inputs = seeds.iter().cloned().map(Some).chain((0..rounds).map(|_| None));
    for (round, seed) in inputs.enumerate() {
        let input = seed.unwrap_or_else(|| mutated(seeds, &mut chance));
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            panic!("round {round} fails with the input \"{}\"", input.escape_ascii());
        }
    }
}

#[test]
fn no_damaged_log_is_read_wrongly() {
    run(checks::read_any_log, &logs(), 3_000, 3);
}

#[test]
fn no_damaged_bitcode_is_read_wrongly() {
    run(checks::read_any_bitcode, &bitcode(), 60_000, 4);
}

#[test]
fn no_damaged_library_is_read_wrongly() {
    let seed = library();
    let read = rdna_build::code::library(seed.as_slice()).expect("the undamaged one is a library");
    assert_eq!(
        (read.soname.as_deref(), read.search.as_slice()),
        (Some("liba.so.1"), &["$ORIGIN".to_owned()][..])
    );
    assert_eq!(
        (read.needed.as_slice(), read.defines.as_slice()),
        (&["libLLVM.so.21.1".to_owned()][..], &["A_1".to_owned()][..])
    );
    assert_eq!(read.wants["libLLVM.so.21.1"], ["LLVM_21.1"]);
    run(checks::read_any_library, &[seed], 60_000, 5);
}

#[test]
fn no_damaged_bundle_is_read_wrongly() {
    run(checks::read_any_bundle, &objects(&["libfat.so", "compressed.bundle"]), 6_000, 6);
}

#[test]
fn no_damaged_note_is_read_wrongly() {
    run(checks::read_any_note, &objects(&["gfx1010.co"]), 30_000, 7);
}

#[test]
fn no_damaged_symbols_are_read_wrongly() {
    let names = [
        "libcalls-gnu.so",
        "libcalls-gnu-ibt.so",
        "libcalls-gnu-noplt.so",
        "libcalls-lld.so",
        "libcalls-lld-ibt.so",
    ];
    run(checks::read_any_symbols, &objects(&names), 6_000, 8);
}
