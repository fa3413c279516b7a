//! Parameters of amdgpu that are better left alone.

use super::{Evidence, Finding, Found, Patient, Severity};

/// Name, values that mean the default, what another value does.
const PARAMETERS: [(&str, &[&str], &str); 6] = [
    (
        "cwsr_enable",
        &["1"],
        "waves cannot be saved: a kernel that runs long keeps the GPU from everything else, the desktop included",
    ),
    ("noretry", &["-1"], "page faults are handled otherwise than what is tested on this chip"),
    ("vm_fragment_size", &["-1"], "pages are laid out otherwise than the driver would, mostly slower"),
    (
        "sched_policy",
        &["0"],
        "queues are scheduled otherwise than by default: meant for debugging, and fewer of them run",
    ),
    ("gpu_recovery", &["-1", "1"], "after a hang the GPU is not reset: only a restart of the machine helps"),
    ("halt_if_hws_hang", &["0"], "after a hang the GPU is left as it is for debugging, and stays unusable"),
];

pub(super) static FINDING: Finding = Finding {
    id: "harmful-parameter",
    title: "a parameter of amdgpu is set to what does harm",
    why: "\
cwsr_enable, noretry, vm_fragment_size, sched_policy, gpu_recovery and halt_if_hws_hang have defaults that the driver chooses for each
chip. Guides that promise to mend crashes of RDNA1 set some of them; no primary source says that one of them helps there.

What was measured here: nothing, there was no card. The meaning is that of the kernel's sources.",
    remedies: &["remove the parameter from /etc/modprobe.d or the kernel's command line, then start anew"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let driver = &patient.host.driver;
    let has_rdna1 = !patient.rdna1().is_empty() || !patient.rdna1_cards().is_empty();
    let mut found = Vec::new();
    for (name, defaults, consequence) in PARAMETERS.iter().filter(|_| has_rdna1) {
        let is_set = |value: &str| !defaults.contains(&value);
        let holds = driver.parameters.iter().find(|parameter| parameter.name == *name);
        let configured =
            driver.configured.iter().filter(|parameter| parameter.name == *name && is_set(&parameter.value));
        let mut evidence: Vec<Evidence> = holds
            .filter(|parameter| is_set(&parameter.value))
            .map(super::parameter_without_effect::evidence)
            .into_iter()
            .collect();
        let holds_now = !evidence.is_empty();
        let configured: Vec<_> = configured.collect();
        evidence
            .extend(configured.iter().map(|parameter| super::parameter_without_effect::evidence(parameter)));
        if evidence.is_empty() {
            continue;
        }
        let what = match holds_now || holds.is_none() {
            true => format!("amdgpu's parameter {name} is not the default"),
            false => format!("amdgpu's parameter {name} will not be the default after the next start"),
        };
        let item = FINDING.found(Severity::Warning, what, evidence, *consequence);
        found.push(match configured.first() {
            Some(parameter) => item.with_remedies([format!(
                "remove {name} from {}, then start anew",
                super::no_compute_driver::source(&parameter.place)
            )]),
            None => item,
        });
    }
    found
}
