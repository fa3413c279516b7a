//! Logs of failed builds and programs, and the conflicts that they show.
//!
//! Most lines are what compilers, linkers and loaders really printed in Debian 13 when a conflict was made for them; the rest has
//! the form of their sources. Paths were changed, and what stands around them is made up.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rdna_build::toolchain::log;
use rdna_build::toolchain::rules::{RULES, Severity};

/// Log → rule and line of what it shows, in the order in which it is told.
const EXPECTED: &[(&str, &[(&str, u64)])] = &[
    ("boost-optional", &[("requirement-unmet", 2)]),
    ("clang-without-device-libs", &[("compiler-without-device-libs", 12)]),
    ("code-object-version", &[("code-object-version", 1)]),
    ("code-object-version-garbage", &[("code-object-version", 2)]),
    ("comgr-llvm-missing-and-older", &[("comgr-llvm-differs", 1)]),
    ("data-layout", &[("data-layout-differs", 2)]),
    ("device-libs-newer", &[("device-libs-newer", 4)]),
    ("device-libs-newer-amd-git", &[("device-libs-newer", 2)]),
    ("device-libs-newer-llvm-tools", &[("device-libs-newer", 1)]),
    ("hip-headers-newer-than-clang", &[("hip-headers-newer-than-clang", 6)]),
    ("hip-headers-runtime", &[("hip-headers-runtime", 1)]),
    ("libllvm-wrong-build", &[("libllvm-wrong-build", 1)]),
    ("lld-missing", &[("linker-missing", 1)]),
    ("negative-binary", &[]),
    ("negative-corrupt-same-version", &[]),
    ("negative-ordinary-errors", &[]),
    ("negative-warnings-only", &[]),
    ("rocblas-fp8", &[("requirement-unmet", 2)]),
    ("rocblas-target", &[("rocblas-lacks-target", 1)]),
    ("rocm-path-missing", &[("rocm-path-elsewhere", 2)]),
    ("target-unknown", &[("device-libs-lack-target", 1)]),
    ("two-libllvm", &[("two-libllvms", 2)]),
    ("two-libllvm-stack", &[("two-libllvms", 8)]),
    ("two-rocm-trees", &[("hip-headers-runtime", 4), ("two-hip-runtimes", 6), ("several-rocm-trees", 2)]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs")
}

#[test]
fn every_log_shows_the_conflict_that_it_was_made_with() {
    let mut wrong = Vec::new();
    for (name, expected) in EXPECTED {
        let reading = log::read(fs::File::open(folder().join(format!("{name}.log"))).unwrap()).unwrap();
        let found: Vec<(&str, u64)> =
            reading.findings.iter().map(|finding| (finding.rule, finding.line)).collect();
        if found != *expected {
            wrong.push(format!("{name}: {found:?}, not {expected:?}"));
        }
        for finding in &reading.findings {
            assert!(!finding.what.contains('{'), "{name}: {}", finding.what);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_a_log_for_every_rule_and_an_expectation_for_every_log() {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        files.insert(name.trim_end_matches(".log").to_owned());
    }
    let named: BTreeSet<String> = EXPECTED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, named);
    let shown: BTreeSet<&str> =
        EXPECTED.iter().flat_map(|(_, expected)| expected.iter().map(|(rule, _)| *rule)).collect();
    assert_eq!(shown, RULES.iter().map(|rule| rule.id).collect());
}

#[test]
fn all_logs_behind_each_other_show_all_conflicts_and_those_that_explain_a_failure_first() {
    let logs = EXPECTED.iter().map(|(name, _)| fs::read(folder().join(format!("{name}.log"))).unwrap());
    let reading = log::read(logs.collect::<Vec<_>>().join(&b'\n').as_slice()).unwrap();
    // One that leads to a ROCm that is not there explains why a compiler finds nothing.
    assert_eq!(reading.findings.len(), RULES.len() - 1, "{:?}", reading.findings);
    assert!(reading.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
    assert_eq!(reading.findings[0].rule, "device-libs-newer");
    assert_eq!(reading.findings.last().unwrap().severity, Severity::Warn);
}
