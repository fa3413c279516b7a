//! Parts of ROCm and LLVM on the machine that clash: what the conflict rules say of it.

use super::{Finding, Found, Patient, Severity};
use crate::toolchain::rules::{Scene, conflicts};

pub(super) static FINDING: Finding = Finding {
    id: "llvm-conflict",
    title: "compilers, device libraries and runtimes on this machine do not go together",
    why: "\
The rules for toolchains, held against this machine. Builds of rdna-build run in containers and are not touched; what is compiled on
the machine itself is, and so are MIOpen's kernels, which are compiled while a program runs.",
    remedies: &["`rdna-build toolchains inspect --host` shows all parts and what proves them"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let found = conflicts(&Scene::of(patient.inventory)).into_iter().map(|conflict| {
        let consequence = format!("compiling HIP code on this machine may fail ({})", conflict.rule);
        let remedies = conflict.remedies;
        FINDING
            .found(Severity::Warning, conflict.what, conflict.evidence, consequence)
            .with_remedies(remedies)
    });
    found.collect()
}
