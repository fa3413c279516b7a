//! Variables that cost speed, or turn off what MIOpen could use.

use super::override_set::evidence;
use super::{Evidence, Finding, Found, Patient, Severity};

/// Name, the value that matters, what it does.
const VARIABLES: [(&str, &str, &str); 5] = [
    ("HSA_DISABLE_CACHE", "1", "all memory of the GPU is uncached: everything is many times slower"),
    ("HSA_ENABLE_SDMA", "0", "copies run as kernels: slower, and a way round faults of the copy engine"),
    ("HSA_FORCE_FINE_GRAIN_PCIE", "1", "memory of the GPU is fine-grained: uncached on gfx10"),
    ("HIP_HOST_COHERENT", "1", "host memory is coherent: uncached over PCIe on gfx10"),
    ("HIP_LAUNCH_BLOCKING", "1", "each kernel is waited for: for debugging"),
];

pub(super) static FINDING: Finding = Finding {
    id: "slowing-variable",
    title: "variables cost speed or turn solvers of MIOpen off",
    why: "\
HSA_DISABLE_CACHE, HSA_ENABLE_SDMA=0, HSA_FORCE_FINE_GRAIN_PCIE, HIP_HOST_COHERENT and HIP_LAUNCH_BLOCKING are for finding faults;
MIOPEN_DEBUG_… turns single solvers on and off. Set for good, they make results of measurements and of error reports hard to read.",
    remedies: &["unset what you do not need for an experiment"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let host = patient.host;
    let mut found = Vec::new();
    for (name, value, consequence) in VARIABLES {
        if let Some(variable) = host.variable(name).filter(|variable| variable.value == value) {
            let what = format!("{name} is {value}");
            found.push(FINDING.found(Severity::Note, what, vec![evidence(variable)], consequence));
        }
    }
    let debug = host.variables.iter().filter(|variable| variable.name.starts_with("MIOPEN_DEBUG_"));
    let debug: Vec<Evidence> = debug.map(evidence).collect();
    if !debug.is_empty() {
        let what = "solvers of MIOpen are turned on or off by hand";
        let consequence = "MIOpen chooses among fewer solvers; an error report should name these variables";
        found.push(FINDING.found(Severity::Note, what, debug, consequence));
    }
    found
}
