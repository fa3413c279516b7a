//! Parameters of amdgpu that do nothing on RDNA1.

use super::{Evidence, Finding, Found, Patient, Severity};
use crate::facts::driver::Parameter;

/// Values of `mtype_local` that kernels have by themselves.
const DEFAULTS: [&str; 2] = ["0", "-1"];

pub(super) static FINDING: Finding = Finding {
    id: "parameter-without-effect",
    title: "amdgpu's parameter mtype_local is set and has no effect on RDNA1",
    why: "\
mtype_local chooses the memory type of local memory on MI300 (gfx94x) only: the kernel reads it in the code for GC 9.4.3, newer ones for
gfx12.1 as well. On gfx10 memory is mapped as NC or UC, whatever it says. Guides that blame crashes of RDNA1 on memory types set it.",
    remedies: &["remove mtype_local from /etc/modprobe.d; look for the cause elsewhere, first at HSA_OVERRIDE_GFX_VERSION"],
    check,
};

pub(super) fn evidence(parameter: &Parameter) -> Evidence {
    Evidence::new(&parameter.place, format!("{}={}", parameter.name, parameter.value))
}

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let has_rdna1 = !patient.rdna1().is_empty() || !patient.rdna1_cards().is_empty();
    let driver = &patient.host.driver;
    let set = driver.parameters.iter().chain(&driver.configured);
    let set = set
        .filter(|parameter| parameter.name == "mtype_local" && !DEFAULTS.contains(&parameter.value.as_str()));
    let evidence: Vec<Evidence> = set.filter(|_| has_rdna1).map(evidence).collect();
    if evidence.is_empty() {
        return vec![];
    }
    let what = "amdgpu's parameter mtype_local is set";
    vec![FINDING.found(Severity::Note, what, evidence, "it has no effect on RDNA1: it is for gfx94x")]
}
