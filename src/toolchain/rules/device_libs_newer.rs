//! Device libraries that a newer LLVM made than the compiler that must read them.

use super::{Conflict, Evidence, Rule, Scene, Severity, Signature};
use crate::model::LlvmVersion;

pub(super) static RULE: Rule = Rule {
    id: "device-libs-newer",
    title: "the device libraries were made by a newer LLVM than the compiler that must read them",
    why: "\
HIP code is linked with ocml.bc, ockl.bc and others, which are LLVM bitcode. A newer LLVM reads what an older one wrote, never
the other way round: the file may use attributes and records for which the older reader has no number, and it stops at the first
of them. No option makes an old LLVM read it.

Small files often still load, so that a kernel without mathematics may compile and the first sinf() fails.",
    remedies: &[
        "compile with the clang of the device libraries' own LLVM: on Debian, clang-N goes with rocm-device-libs-N",
        "let clang find its own set: unset HIP_DEVICE_LIB_PATH DEVICE_LIB_PATH ROCM_PATH",
        "build in an isolated toolchain: rdna-build RECIPE --target GFX chooses one that fits",
    ],
    signatures: &[Signature {
        pattern: r"\(Producer: 'LLVM ?(?P<producer>\d[^']*)' Reader: 'LLVM (?P<reader>\d[^']*)'\)",
        near: None,
        // An equal version is a damaged file, an older producer something else.
        holds: |caught| {
            let version = |name| caught.get(name).and_then(|text| text.parse::<LlvmVersion>().ok());
            match (version("producer"), version("reader")) {
                (Some(producer), Some(reader)) => producer.major() > reader.major(),
                _ => false,
            }
        },
        severity: Severity::Refuse,
    }],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some((llvm, pick)) = scene.device_libraries() else { return vec![] };
    let (Some(set), Some(reader)) = (pick.set(), &llvm.version) else { return vec![] };
    let Some(newest) = set.newest_producer() else { return vec![] };
    let severity = match newest.major().cmp(&reader.major()) {
        std::cmp::Ordering::Greater => Severity::Refuse,
        // `20.0.0git` is what lies between 19 and 20.1: a release of the same number may have more.
        std::cmp::Ordering::Equal if reader.is_snapshot() && !newest.is_snapshot() => Severity::Warn,
        std::cmp::Ordering::Equal | std::cmp::Ordering::Less => return vec![],
    };
    let files = set.producers.get(&format!("LLVM{newest}")).map(Vec::as_slice).unwrap_or_default();
    let file = files.iter().find(|name| *name == "ocml.bc").or(files.first());
    let place = file.map_or(set.folder.clone(), |file| set.folder.join(file));
    let proof = llvm.version_proof.as_ref().unwrap_or(&llvm.clang);
    vec![RULE.conflict(
        severity,
        format!("LLVM {newest} made the device libraries that {} of LLVM {reader} must read", llvm.clang),
        vec![
            Evidence::new(place, format!("producer LLVM{newest}")),
            Evidence::new(proof, format!("reader LLVM {reader}")),
        ],
    )]
}
