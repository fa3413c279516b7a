//! AMD GPUs, but none of RDNA1.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "unsupported-gpu",
    title: "the GPUs of this machine are not of RDNA1",
    why: "\
rdna-build makes packages for gfx1010, gfx1011 and gfx1012. Code for one of them does not run on a GPU of another kind, and setting
HSA_OVERRIDE_GFX_VERSION does not make it right.

For other GPUs the releases of AMD or of your distribution are the way.",
    remedies: &["for this GPU take ROCm as AMD or your distribution ships it"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus = patient.gpus();
    let hidden = gpus.iter().any(|node| node.is_hidden());
    if hidden || !patient.rdna1().is_empty() || !patient.rdna1_cards().is_empty() {
        return vec![];
    }
    let known = gpus.iter().map(|node| {
        let gfx = node.gfx.map_or_else(|| "unknown".to_owned(), |gfx| gfx.to_string());
        Evidence::new(&node.place, format!("gfx_target_version says {gfx}"))
    });
    let mut evidence: Vec<Evidence> = known.collect();
    if evidence.is_empty() {
        let cards = patient.host.cards.iter().filter(|card| card.is_amd());
        evidence.extend(cards.map(|card| patient.card_evidence(card)));
    }
    if evidence.is_empty() {
        return vec![];
    }
    let what = "no GPU of this machine is gfx1010, gfx1011 or gfx1012";
    vec![FINDING.found(
        Severity::Error,
        what,
        evidence,
        "packages made by rdna-build do not run on it; building needs no GPU",
    )]
}
