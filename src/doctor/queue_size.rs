//! Kernels from 6.12 on check the size of a queue's save area, and some ROCr libraries compute another one.

use super::{Evidence, Finding, Found, Patient, Severity};
use crate::model::LibraryPart;

/// From this kernel on, `kfd_queue_buffer_get` compares sizes.
const CHECKS: (u32, u32) = (6, 12);
/// What the kernel counts a compute unit, from Navi 10 up to gfx12.0 (`kfd_queue.c`).
const KERNELS_WAVES: u64 = 32;
/// ROCm up to here came before the change in libhsakmt (May 2026); 10.0 is the first reported to have it.
const BEFORE_THE_CHANGE: (u32, u32) = (7, 2);

pub(super) static FINDING: Finding = Finding {
    id: "queue-size",
    title: "this kernel checks the size of queues, and a library that computes it otherwise gets none",
    why: "\
A queue has an area where the state of waves is saved. The kernel counts 32 waves for each compute unit of RDNA GPUs. libhsakmt (part
of ROCr) did, too, until a change of May 2026 (ROCm/rocm-systems pull request 6125) took simd_per_cu × max_waves_per_simd of the
topology, which is 40 on Navi 1x. Kernels from 6.12 on compare the sizes and refuse the queue: the first kernel launch fails with
HSA_STATUS_ERROR_OUT_OF_RESOURCES. Older kernels do not look, and all seems well.

Reported for ROCm 10.0 on one RX 5500 (ROCm/TheRock issue 7472); the fix is rocm-systems pull request 11299. That gfx1010 is hit as
well follows from the sources, and no report shows it. Which releases between 7.2 and 10.0 have the change, and which later one has the
fix, was not found out. A wheel of PyTorch brings a ROCr of its own, which is not seen here.",
    remedies: &[
        "take ROCm 7.2 or older, or a ROCr with rocm-systems pull request 11299",
        "or start a kernel before 6.12",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let Some(kernel) = &patient.host.kernel else { return vec![] };
    if kernel.numbers().is_none_or(|numbers| numbers < CHECKS) {
        return vec![];
    }
    let odd = patient.rdna1().into_iter().find(|node| {
        // Without these numbers it is not known to be otherwise.
        let waves = node.waves_per_cu();
        waves != KERNELS_WAVES
    });
    let Some(node) = odd else { return vec![] };
    let mut evidence =
        vec![Evidence::new("/proc/sys/kernel/osrelease", format!("{}: checks sizes", kernel.release))];
    if node.max_waves_per_simd > 0 {
        let says = format!(
            "simd_per_cu {} × max_waves_per_simd {} = {} waves, the kernel counts {KERNELS_WAVES}",
            node.simd_per_cu,
            node.max_waves_per_simd,
            node.waves_per_cu()
        );
        evidence.push(Evidence::new(&node.place, says));
    }
    let suspects = suspects(patient);
    let consequence = "where it has the change of May 2026, the first kernel launch fails with HSA_STATUS_ERROR_OUT_OF_RESOURCES; reported for gfx1012 only";
    match suspects {
        None => vec![FINDING.found(
            Severity::Note,
            "this kernel checks the size of queues, and there is no ROCr here to look at",
            evidence,
            consequence,
        )],
        Some(suspects) if suspects.is_empty() => vec![],
        Some(suspects) => {
            evidence.extend(suspects);
            let what = "this kernel checks the size of queues, and this ROCr may compute it otherwise";
            vec![FINDING.found(Severity::Warning, what, evidence, consequence)]
        }
    }
}

/// ROCr libraries that may have the change; nothing where there is no ROCr.
fn suspects(patient: &Patient<'_>) -> Option<Vec<Evidence>> {
    let inventory = patient.inventory;
    let mut any = false;
    let mut suspects = Vec::new();
    for library in inventory.libraries(LibraryPart::Rocr) {
        any = true;
        let path = library.path.as_str();
        let tree = inventory.rocm_trees.iter().find(|tree| path.starts_with(&format!("{}/", tree.root)));
        let version = match tree {
            Some(tree) => tree.version.as_ref().map(ToString::to_string),
            // Debian's package is counted as ROCm.
            None => inventory.packages.get("libhsa-runtime64-1").cloned(),
        };
        let numbers = version.as_deref().and_then(numbers);
        if numbers.is_none_or(|numbers| numbers > BEFORE_THE_CHANGE) {
            let says = version
                .map_or_else(|| "its ROCm is not known".to_owned(), |version| format!("of ROCm {version}"));
            suspects.push(Evidence::new(path, says));
        }
    }
    any.then_some(suspects)
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
