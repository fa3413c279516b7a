//! No container engine answers.

use super::{EngineAnswer, Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "engine-unreachable",
    title: "no container engine answers",
    why: "\
Builds run in containers of Docker or Podman. An engine that does not answer within a second and a half counts as none here; a build
waits longer.",
    remedies: &["install and start Docker or Podman, or name the engine: --engine unix:///path/to.sock"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let EngineAnswer::Unreachable { reason, help } = patient.engine else { return vec![] };
    let evidence = vec![Evidence::new("engine", reason.clone())];
    let what = "no container engine answers";
    vec![
        FINDING
            .found(Severity::Error, what, evidence, "nothing can be built")
            .with_remedies([help.clone()])
            .building(),
    ]
}
