//! `HSA_OVERRIDE_GFX_VERSION` on an RDNA1 card.

use super::{Evidence, Finding, Found, Patient, Severity};
use crate::facts::kfd::{Gfx, Node};
use crate::facts::variables::Variable;

pub(super) const NAME: &str = "HSA_OVERRIDE_GFX_VERSION";

pub(super) static FINDING: Finding = Finding {
    id: "override-set",
    title: "HSA_OVERRIDE_GFX_VERSION makes an RDNA1 card run code of another chip",
    why: "\
With HSA_OVERRIDE_GFX_VERSION=10.3.0 libraries take their code for gfx1030, RDNA2. gfx1010 has about ten hardware bugs that the
compiler works round only when it compiles for gfx1010, and lacks instructions that gfx1030 has. In two released rocBLAS every tuned
gfx1030 kernel has a sequence that is listed as a hazard of gfx10.1.

It is the likeliest cause of the memory aperture violations and hangs that people report with these cards: inferred from compilers and
disassembled libraries, and not confirmed on a card by this project. What is built for gfx1010 needs no override.",
    remedies: &["`unset HSA_OVERRIDE_GFX_VERSION`, also in the scripts that start your program"],
    check,
};

/// The override that holds for a node: its own, or that for all.
pub(super) fn of_node<'a>(patient: &Patient<'a>, node: &Node) -> Option<&'a Variable> {
    // libhsakmt counts by the number of the node in KFD's topology.
    patient.host.variable(&format!("{NAME}_{}", node.number)).or_else(|| patient.host.variable(NAME))
}

pub(super) fn evidence(variable: &Variable) -> Evidence {
    Evidence::new(&variable.place, format!("{}={}", variable.name, variable.value))
}

pub(super) fn remedy(variable: &Variable) -> String {
    match variable.place.strip_prefix('/') {
        Some(_) => format!("remove {} from {}, then log in again", variable.name, variable.place),
        None => format!("`unset {}`, also in the scripts that start your program", variable.name),
    }
}

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for node in patient.rdna1() {
        let (Some(variable), Some(own)) = (of_node(patient, node), node.gfx) else { continue };
        let Some(wanted) = Gfx::from_override(&variable.value) else { continue };
        let name = patient.name(node);
        let proof = vec![
            evidence(variable),
            Evidence::new(&node.place, format!("gfx_target_version {}", own.version())),
        ];
        let is_same_family = (wanted.major(), wanted.minor()) == (own.major(), own.minor());
        let item = if wanted == own {
            FINDING.found(
                Severity::Note,
                format!("{} says what {name} is anyway", variable.name),
                proof,
                "it has no effect now, and does harm after a change of cards",
            )
        } else if is_same_family && own.step() > 0 && wanted.step() == 0 {
            FINDING.found(
                Severity::Warning,
                format!("{} makes {name} run code for {wanted}", variable.name),
                proof,
                "code for gfx1010 uses nothing that gfx1011 and gfx1012 lack, and is not made for them; unproven on a card",
            )
        } else {
            FINDING.found(
                Severity::Error,
                format!("{} makes {name} run code for {wanted}", variable.name),
                proof,
                "the likeliest cause of memory aperture violations and hangs on these cards",
            )
        };
        found.push(item.with_remedies([remedy(variable)]));
    }
    found
}
