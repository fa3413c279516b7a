//! A rocBLAS that has no kernels for the card.

use super::{Evidence, Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "rocblas-without-kernels",
    title: "a rocBLAS here has no kernels for the RDNA1 card",
    why: "\
rocBLAS carries finished kernels in files named by target. Without a file for the card, its first use ends with \"rocBLAS error: Cannot
read …TensileLibrary\". AMD's rocBLAS before ROCm 6.2 has none for gfx101x, which is what leads people to HSA_OVERRIDE_GFX_VERSION.
Debian's has gfx1010.

MIOpen needs rocBLAS for its GEMM solvers.",
    remedies: &[
        "take a rocBLAS with kernels for the card: Debian's, TheRock's for gfx101x, or one built for it",
        "do not set HSA_OVERRIDE_GFX_VERSION instead",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut targets: Vec<String> =
        patient.rdna1().iter().filter_map(|node| node.gfx).map(|gfx| gfx.to_string()).collect();
    targets.dedup();
    for target in targets {
        let folders = &patient.inventory.rocblas_kernels;
        let without: Vec<_> = folders.iter().filter(|folder| !folder.targets.contains(&target)).collect();
        if without.is_empty() {
            continue;
        }
        let evidence = without.iter().map(|folder| {
            let known: Vec<&str> = folder.targets.iter().map(String::as_str).collect();
            Evidence::new(
                &folder.folder,
                format!("has {}", if known.is_empty() { "none".to_owned() } else { known.join(" ") }),
            )
        });
        let severity = if without.len() == folders.len() { Severity::Warning } else { Severity::Note };
        let what = match without.len() == folders.len() {
            true => format!("rocBLAS has no kernels for {target}"),
            false => format!("one rocBLAS of several has no kernels for {target}"),
        };
        let consequence =
            "what uses it stops with \"Cannot read …TensileLibrary\"; a wheel of PyTorch brings its own";
        found.push(FINDING.found(severity, what, evidence.collect(), consequence));
    }
    found
}
