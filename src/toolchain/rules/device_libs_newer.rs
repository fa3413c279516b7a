//! Device libraries that a newer LLVM made than the compiler that must read them.

use std::cmp::Ordering;

use super::{Caught, Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::LlvmVersion;
use crate::toolchain::clang::{self, Pick};

pub(super) static RULE: Rule = Rule {
    id: "device-libs-newer",
    title: "the device libraries were made by a newer LLVM than the compiler that must read them",
    why: "\
HIP code is linked with ocml.bc, ockl.bc and others, which are LLVM bitcode. A newer LLVM reads what an older one wrote, never
the other way round: the file may use attributes and records for which the older reader has no number, and it stops at the first
of them. No option makes an old LLVM read it. The numbers in the message name that attribute; they say nothing about your code.

Small files often still load, so that a kernel without mathematics may compile and the first sinf() fails.",
    told_by: "\
a log says (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6') with the greater number in front. Before a build, the \
producer that every file of the device libraries names is held against the compiler's version",
    remedies: &[
        "compile with the clang of the device libraries' own LLVM: on Debian, clang-N goes with rocm-device-libs-N",
        "let clang find its own set: unset HIP_DEVICE_LIB_PATH DEVICE_LIB_PATH ROCM_PATH",
        "build in an isolated toolchain: rdna-build RECIPE --target GFX chooses one that fits",
    ],
    signatures: &[
        signature(
            r"(?P<path>[^\s':]+\.bc)'?: (?:error: )?[^']*\(Producer: 'LLVM ?(?P<producer>\d[^']*)' Reader: 'LLVM (?P<reader>\d[^']*)'\)",
            "LLVM {producer} made {path}, which LLVM {reader} must read",
        )
        .when(is_newer),
        signature(
            r"\(Producer: 'LLVM ?(?P<producer>\d[^']*)' Reader: 'LLVM (?P<reader>\d[^']*)'\)",
            "LLVM {producer} made bitcode that LLVM {reader} must read",
        )
        .when(is_newer),
        signature(
            r"\(Producer: 'LLVM ?(?P<producer>\d[^']*)' Reader: 'LLVM (?P<reader>\d[^']*)'\)",
            "LLVM {producer} made bitcode that LLVM {reader}, a state before that release, must read",
        )
        .when(|caught| matches!(versions(caught), Some((producer, reader)) if maybe_newer(&producer, &reader)))
        .hint(),
        signature(
            r"Incompatible epoch: Bitcode '(?P<made>\d+)' vs current: '(?P<current>\d+)'",
            "the bitcode is of epoch {made}, the LLVM that must read it of epoch {current}",
        ),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some((llvm, pick)) = scene.device_libraries() else { return vec![] };
    let (Some(set), Some(reader)) = (pick.set(), &llvm.version) else { return vec![] };
    let Some(newest) = set.newest_producer() else { return vec![] };
    let severity = match newest.major().cmp(&reader.major()) {
        Ordering::Greater => scene.compiler_severity(),
        Ordering::Equal if maybe_newer(&newest, reader) => Severity::Warn,
        Ordering::Equal | Ordering::Less => return vec![],
    };
    let files = set.producers.get(&format!("LLVM{newest}")).map(Vec::as_slice).unwrap_or_default();
    let file = files.iter().find(|name| *name == "ocml.bc").or(files.first());
    let place = file.map_or(set.folder.clone(), |file| set.folder.join(file));
    let proof = llvm.version_proof.as_ref().unwrap_or(&llvm.clang);
    let mut evidence = vec![
        Evidence::new(place, format!("producer LLVM{newest}")),
        Evidence::new(proof, format!("reader LLVM {reader}")),
    ];
    if let Pick::Found { by: Some(name), .. } = pick
        && let Some(value) = clang::variable(scene.inventory, name)
    {
        evidence.push(Evidence::variable(name, value, "leads the compiler to them"));
    }
    let what =
        format!("LLVM {newest} made the device libraries that {} of LLVM {reader} must read", llvm.clang);
    vec![RULE.conflict(severity, what, evidence)]
}

/// `20.0.0git` is what lies between 19 and 20.1: a release of the same number may have more.
fn maybe_newer(producer: &LlvmVersion, reader: &LlvmVersion) -> bool {
    producer.major() == reader.major() && reader.is_snapshot() && !producer.is_snapshot()
}

/// An equal version is a damaged file, an older producer something else. Rust's bitcode is no device library.
pub(super) fn is_newer(caught: &Caught<'_>) -> bool {
    matches!(versions(caught), Some((producer, reader)) if producer.major() > reader.major())
}

fn versions(caught: &Caught<'_>) -> Option<(LlvmVersion, LlvmVersion)> {
    let version = |name| caught.get(name).filter(|text| !text.contains("rust"))?.parse().ok();
    Some((version("producer")?, version("reader")?))
}
