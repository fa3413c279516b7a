//! A variable keeps programs from the RDNA1 card.

use super::override_set::{evidence, remedy};
use super::{Finding, Found, Patient, Severity};

/// In the order in which ROCr and HIP obey them; each counts among what the one before left.
const NAMES: [&str; 4] =
    ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"];

pub(super) static FINDING: Finding = Finding {
    id: "gpu-not-visible",
    title: "a variable keeps programs from the RDNA1 card",
    why: "\
ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES and GPU_DEVICE_ORDINAL take a list of numbers, counted from 0 among the
GPUs that are left. What is not in the list does not exist for the program; with -1 nothing is left.

Lists that name GPUs otherwise, e.g. by GPU-…, are not judged here.",
    remedies: &["unset the variable, or put the number of the card into it"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus = patient.gpus();
    let mut left: Vec<u32> = gpus.iter().map(|node| node.number).collect();
    let is_rdna1 = |number: &u32| patient.rdna1().iter().any(|node| node.number == *number);
    if !left.iter().any(is_rdna1) {
        return vec![];
    }
    for variable in NAMES.iter().filter_map(|name| patient.host.variable(name)) {
        let Some(next) = chosen(&left, &variable.value) else { return vec![] };
        if next.iter().any(is_rdna1) {
            left = next;
            continue;
        }
        let place = left.iter().position(is_rdna1).unwrap_or(0);
        let what = format!("{} leaves no RDNA1 GPU to programs", variable.name);
        let item =
            FINDING.found(Severity::Error, what, vec![evidence(variable)], "programs do not see the card");
        return vec![
            item.with_remedies([remedy(variable), format!("or name the card: {}={place}", variable.name)]),
        ];
    }
    vec![]
}

/// The GPUs that a list leaves; nothing where it names them in another way.
fn chosen(left: &[u32], list: &str) -> Option<Vec<u32>> {
    let mut chosen = Vec::new();
    for word in list.split(',') {
        let number: i64 = word.trim().parse().ok()?;
        // The first number that is none ends the list.
        match usize::try_from(number).ok().and_then(|number| left.get(number)) {
            Some(gpu) => chosen.push(*gpu),
            None => break,
        }
    }
    Some(chosen)
}
