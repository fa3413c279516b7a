//! The container engine is there, and this user may not use it.

use super::{EngineAnswer, Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "engine-denied",
    title: "this user may not use the container engine",
    why: "\
Builds run in containers. Docker's socket belongs to the group docker, and who may use it is as good as root. Rootless Podman
needs no such right.",
    remedies: &["`sudo usermod -aG docker $USER`, then log in again", "or use rootless Podman: --engine podman"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let EngineAnswer::Denied { reason, help } = patient.engine else { return vec![] };
    let what = "this user may not use the container engine";
    let evidence = vec![Evidence::new("engine", reason.clone())];
    vec![
        FINDING
            .found(Severity::Error, what, evidence, "nothing can be built")
            .with_remedies([help.clone()])
            .building(),
    ]
}
