//! Small computations with known results, for an emulator that says it is a GPU, and what such an emulator is told to be.

mod configuration;

use std::collections::BTreeMap;

use crate::model::{FileSet, ProofStep, StepWork, Suite, SuiteCase};

pub use configuration::configuration;

/// What a canary may take on an emulator, in seconds: the slowest known took one.
const SECONDS: u32 = 120;

/// HIP's headers refuse waves of 64 lanes on gfx10 by this macro, and MIOpen's own kernels have such waves. The canaries use
/// nothing of the headers that depends on it.
const WAVE64: [&str; 5] = [
    "-mwavefrontsize64",
    "-Xarch_device",
    "-U__AMDGCN_WAVEFRONT_SIZE",
    "-Xarch_device",
    "-D__AMDGCN_WAVEFRONT_SIZE=32",
];

/// The suite of all canaries. The first proves least and is the quickest.
pub fn canaries() -> Suite {
    let compile = |name: &str, flags: &[&str]| {
        let words = [&["{cxx}", "-x", "hip", "--offload-arch={target}", "-O2"], flags].concat();
        let output = format!("{{build}}/{name}");
        let rest = ["{proofs}/canaries/canaries.hip", "-lamdhip64", "-o", &output];
        let command = words.iter().chain(&rest).map(|word| (*word).to_owned()).collect();
        ProofStep {
            name: name.to_owned(),
            does: StepWork::Command { command, environment: BTreeMap::new() },
        }
    };
    let case = |name: &str, program: &str, words: &[&str]| SuiteCase {
        name: name.to_owned(),
        arguments: std::iter::once(format!("{{build}}/{program}"))
            .chain(words.iter().map(|word| (*word).to_owned()))
            .collect(),
        seconds: SECONDS,
        emulated_seconds: Some(SECONDS),
    };
    Suite {
        id: "canaries".to_owned(),
        summary: "small computations with known results".to_owned(),
        files: vec![],
        make: vec![compile("canaries-32", &["-mno-wavefrontsize64"]), compile("canaries-64", &WAVE64)],
        run: vec![],
        environment: BTreeMap::new(),
        cases: vec![
            case("vector-add", "canaries-32", &["vector-add"]),
            case("shifts", "canaries-32", &["shifts"]),
            case("lanes-32", "canaries-32", &["lanes", "32"]),
            case("lanes-64", "canaries-64", &["lanes", "64"]),
            case("dpp-32", "canaries-32", &["dpp"]),
            case("dpp-64", "canaries-64", &["dpp"]),
            case("local-atomics", "canaries-32", &["local-atomics"]),
            case("local-atomics-64", "canaries-64", &["local-atomics"]),
            case("global-atomics", "canaries-32", &["global-atomics"]),
        ],
    }
}

/// The canaries' program, as its suite wants it.
pub fn canary_files() -> FileSet {
    let mut files = FileSet::default();
    files.insert("canaries/canaries.hip", include_bytes!("canaries.hip").as_slice());
    files
}
