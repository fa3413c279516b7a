//! The kernel keeps a GPU from this process.

use super::{Evidence, Finding, Found, Patient};
use crate::facts::kfd::GpuId;

pub(super) static FINDING: Finding = Finding {
    id: "gpu-hidden",
    title: "the kernel hides a GPU from this process",
    why: "\
Which devices a process may use is decided by its control group. For a GPU whose render node is not among them, the kernel
answers the question for gpu_id with \"Operation not permitted\", and libhsakmt passes over the node. Container engines allow only
devices that were named.",
    remedies: &["start the container with the GPU's render node: --device /dev/kfd --device /dev/dri/renderD128"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus = patient.gpus();
    let hidden: Vec<_> = gpus.iter().filter(|node| node.is_hidden()).collect();
    if hidden.is_empty() {
        return vec![];
    }
    let evidence = hidden.iter().map(|node| {
        let says = match &node.id {
            GpuId::Number(number) => format!("{number}, though it has {} SIMDs", node.simd_count),
            GpuId::Unreadable(reason) => reason.clone(),
            GpuId::Absent => "not there".to_owned(),
        };
        Evidence::new(node.place.replace("properties", "gpu_id"), says)
    });
    // Another card that is not hidden can compute.
    let visible = patient.rdna1().iter().any(|node| !node.is_hidden());
    let severity = patient.severity_beside(visible);
    let what = match hidden.len() {
        1 => "a GPU is hidden from this process".to_owned(),
        count => format!("{count} GPUs are hidden from this process"),
    };
    let found =
        FINDING.found(severity, what, evidence.collect(), "ROCm passes over it as if it were not there");
    vec![match &patient.host.container {
        Some(_) => found.with_remedies([format!("start the container with {}", patient.device_options())]),
        None => found.with_remedies([
            "look for DeviceAllow= in the unit that starts your session: `systemctl --user status`, `systemctl status`"
                .to_owned(),
        ]),
    }]
}
