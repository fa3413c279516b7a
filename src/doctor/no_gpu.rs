//! A machine without any AMD GPU.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "no-gpu",
    title: "there is no AMD GPU in this machine",
    why: "\
PCI lists no graphics card of AMD, and the compute driver knows no GPU. A virtual machine shows a card only when its host passes
one through.

Building needs no GPU: packages made here are for a machine that has the card.",
    remedies: &["build here, and install the package on the machine with the card"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let has_amd = patient.host.cards.iter().any(|card| card.is_amd());
    if has_amd || !patient.gpus().is_empty() || patient.host.wsl.is_some() {
        return vec![];
    }
    let others = patient.host.cards.iter().map(|card| patient.card_evidence(card));
    let mut evidence: Vec<Evidence> = others.collect();
    if evidence.is_empty() {
        evidence.push(Evidence::new("/sys/bus/pci/devices", "lists no graphics card"));
    }
    let what = "there is no AMD GPU in this machine";
    vec![FINDING.found(
        Severity::Error,
        what,
        evidence,
        "nothing can compute with ROCm here; building needs no GPU",
    )]
}
