//! Linux inside Windows, where there is no amdgpu driver.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "wsl",
    title: "this Linux runs inside Windows (WSL), which passes no RDNA1 GPU to ROCm",
    why: "\
In WSL the Windows driver owns the GPU and shows it as /dev/dxg. There is no amdgpu module, no /dev/kfd and no topology. AMD's
ROCm for WSL has a list of supported cards, and no RDNA1 card is on it.

Building needs no GPU: it works in WSL, and the package is for a real Linux.",
    remedies: &["start a Linux of its own on this machine to compute; build here all the same"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let Some(wsl) = &patient.host.wsl else { return vec![] };
    vec![FINDING.found(
        Severity::Error,
        "this Linux runs inside Windows (WSL)",
        vec![Evidence::new(&wsl.place, wsl.what.clone())],
        "no program here can compute on an RDNA1 GPU; building needs none",
    )]
}
