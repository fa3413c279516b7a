//! Too little memory for one compilation.

use super::{EngineAnswer, Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "little-memory",
    title: "there is too little memory for a compilation of MIOpen",
    why: "\
The recipe says what its heaviest compilation takes. rdna-build starts as many at once as fit, and one at least; where not even one
fits, the kernel kills the compiler. An engine inside a virtual machine has that machine's memory only.",
    remedies: &["close programs, add swap, or give the engine's virtual machine more memory"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let need = patient.needs.memory_per_job;
    let mut evidence = Vec::new();
    let mut severity = Severity::Warning;
    if let Some(memory) = patient.host.memory.filter(|memory| memory.available < need) {
        let says =
            format!("MemAvailable {} of MemTotal {}", mebibytes(memory.available), mebibytes(memory.total));
        evidence.push(Evidence::new("/proc/meminfo", says));
        if memory.total < need {
            severity = Severity::Error;
        }
    }
    if let EngineAnswer::Answers { name, memory, .. } = patient.engine
        && (1..need).contains(memory)
    {
        evidence.push(Evidence::new("engine", format!("{name} has {}", mebibytes(*memory))));
        severity = Severity::Error;
    }
    if evidence.is_empty() {
        return vec![];
    }
    let what = format!("a compilation of {} needs {}", patient.needs.recipe, mebibytes(need));
    vec![FINDING.found(severity, what, evidence, "the compiler is killed for want of memory").building()]
}

pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
