//! Too little disk for a build.

use super::little_memory::mebibytes;
use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "little-disk",
    title: "there is too little room for a build of MIOpen",
    why: "\
The recipe says what sources, build folder and package take together. The build folder is a volume of the engine, sources and package lie
in the store; the image comes on top, 5 GiB for MIOpen's toolchain.

Where the engine keeps its data is looked at in the usual places only.",
    remedies: &["`rdna-build cache gc --older-than 30d`, `docker system df`", "or keep the store elsewhere: --store DIR"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let need = patient.needs.disk;
    let short: Vec<_> = patient.host.disks.iter().filter(|disk| disk.free < need).collect();
    if short.is_empty() {
        return vec![];
    }
    let evidence = short
        .iter()
        .map(|disk| Evidence::new(&disk.path, format!("{} free for the {}", mebibytes(disk.free), disk.of)));
    // How a build divides between store and engine is not known beforehand.
    let severity =
        if short.iter().any(|disk| disk.free < need / 4) { Severity::Error } else { Severity::Warning };
    let what = format!("a build of {} takes {}", patient.needs.recipe, mebibytes(need));
    vec![FINDING.found(severity, what, evidence.collect(), "the build ends when the disk is full").building()]
}
