//! Parts of ROCm and LLVM on the machine that clash: what the conflict rules say of it.

use super::{Finding, Found, Patient, Severity};
use crate::toolchain::rules::{Conflict, Scene, conflicts};

pub(super) static FINDING: Finding = Finding {
    id: "rocm-conflict",
    title: "parts of ROCm and LLVM on this machine do not go together, or lack the GPU",
    why: "\
The rules of `rdna-build explain`, held against this machine and its GPU: compilers and their device libraries, HIP, COMGR, rocBLAS's
kernels, several ROCms side by side. Builds of rdna-build run in containers and are not touched; what is compiled on the machine itself
is, and so are MIOpen's kernels, which are compiled while a program runs.",
    remedies: &["`rdna-build toolchains inspect --host` shows all parts and what proves them"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let scene = Scene::of(patient.inventory);
    let mut found: Vec<Conflict> = conflicts(&scene);
    for gfx in patient.rdna1().into_iter().filter_map(|node| node.gfx) {
        let scene = Scene { target: gfx.to_string().parse().ok(), ..scene.clone() };
        let of_target = conflicts(&scene).into_iter().filter(|conflict| !found.contains(conflict));
        found.extend(of_target.collect::<Vec<_>>());
    }
    let found = found.into_iter().map(|conflict| {
        let consequence = "what is compiled or loaded on this machine may fail; builds of rdna-build run in containers and do not see it";
        let explain = format!("`rdna-build explain {}`", conflict.rule);
        // The first way is the nearest; the rest is in the explanation.
        let remedies = conflict.remedies.into_iter().take(1).chain([explain]);
        FINDING
            .found(Severity::Warning, conflict.what, conflict.evidence, consequence)
            .with_remedies(remedies)
    });
    found.collect()
}
