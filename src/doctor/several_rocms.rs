//! More than one ROCm on the machine.

use super::{Evidence, Finding, Found, Patient, Severity};
use crate::model::LibraryPart;

pub(super) static FINDING: Finding = Finding {
    id: "several-rocms",
    title: "there is more than one ROCm on this machine",
    why: "\
A program that finds the HIP runtime of one ROCm and rocBLAS or COMGR of another crashes, or fails to compile its kernels. Which is
found is decided by RUNPATH, LD_LIBRARY_PATH and /etc/ld.so.conf, in ways that are hard to see.

Builds of rdna-build run in containers and do not see any of them.",
    remedies: &["keep one, or start programs with LD_LIBRARY_PATH for one of them only; see `rdna-build toolchains inspect --host`"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let inventory = patient.inventory;
    let mut evidence: Vec<Evidence> = inventory
        .rocm_trees
        .iter()
        .map(|tree| {
            let version = tree.version.as_ref().map_or("of unknown version".to_owned(), ToString::to_string);
            Evidence::new(&tree.proof, format!("ROCm {version}"))
        })
        .collect();
    let is_in_tree =
        |path: &str| inventory.rocm_trees.iter().any(|tree| path.starts_with(&format!("{}/", tree.root)));
    let loose =
        inventory.libraries(LibraryPart::HipRuntime).filter(|library| !is_in_tree(library.path.as_str()));
    evidence.extend(loose.map(|library| Evidence::new(&library.path, "a HIP runtime outside of these")));
    if evidence.len() < 2 {
        return vec![];
    }
    let what = "there is more than one ROCm on this machine";
    vec![FINDING.found(Severity::Warning, what, evidence, "a program may load parts of both, and crash")]
}
