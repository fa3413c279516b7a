//! An override that fits no card here.

use super::override_set::{NAME, evidence, of_node, remedy};
use super::{Evidence, Finding, Found, Patient, Severity};
use crate::facts::kfd::Gfx;

pub(super) static FINDING: Finding = Finding {
    id: "override-mismatch",
    title: "HSA_OVERRIDE_GFX_VERSION fits no GPU of this machine, or cannot be read",
    why: "\
The variable takes three numbers, e.g. 10.1.0. With anything else libhsakmt refuses the GPU. With _N behind it, it holds for the node
of KFD's topology with this number: processors are counted as well, so the first GPU is often 1.

On a GPU that is not of RDNA1 it makes programs run code of another chip, with the same dangers.",
    remedies: &["`unset HSA_OVERRIDE_GFX_VERSION`, also in the scripts that start your program"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus = patient.gpus();
    if gpus.is_empty() {
        return vec![];
    }
    let mut found = Vec::new();
    for variable in patient.host.variables.iter().filter(|variable| variable.name.starts_with(NAME)) {
        let number = variable.name[NAME.len()..].strip_prefix('_').map(str::parse::<u32>);
        let item = match (Gfx::from_override(&variable.value), number) {
            (None, _) => FINDING.found(
                Severity::Error,
                format!("{} cannot be read", variable.name),
                vec![evidence(variable)],
                "ROCm refuses the GPU: it wants three numbers, e.g. 10.1.0",
            ),
            (Some(_), Some(number)) if !gpus.iter().any(|node| Ok(node.number) == number) => {
                let numbers: Vec<String> = gpus.iter().map(|node| node.number.to_string()).collect();
                let says = format!("GPUs are the nodes {}", numbers.join(" "));
                FINDING.found(
                    Severity::Warning,
                    format!("{} is for a node that is no GPU", variable.name),
                    vec![evidence(variable), Evidence::new("/sys/class/kfd/kfd/topology/nodes", says)],
                    "it has no effect",
                )
            }
            (Some(_), _) => continue,
        };
        found.push(item.with_remedies([remedy(variable)]));
    }
    for node in gpus.into_iter().filter(|node| node.gfx.is_some_and(|gfx| !gfx.is_rdna1())) {
        let (Some(variable), Some(own)) = (of_node(patient, node), node.gfx) else { continue };
        let Some(wanted) = Gfx::from_override(&variable.value).filter(|wanted| *wanted != own) else {
            continue;
        };
        let proof = vec![
            evidence(variable),
            Evidence::new(&node.place, format!("gfx_target_version {}", own.version())),
        ];
        let what = format!("{} makes {} run code for {wanted}", variable.name, patient.name(node));
        let item = FINDING.found(
            Severity::Warning,
            what,
            proof,
            "code of another chip may crash, hang or compute wrongly",
        );
        found.push(item.with_remedies([remedy(variable)]));
    }
    found
}
