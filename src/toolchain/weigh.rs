//! Weighs every toolchain against a recipe, for people: which is chosen, which would do, which is refused, by what proof.

use super::resolve::{Availability, Objection, choose};
use super::rules::{Conflict, Scene, Severity, conflicts};
use crate::model::{GfxTarget, Inventory, Recipe, RecipeVersion, Toolchain, ToolchainId};

/// What a toolchain comes to for a version of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Weighed {
    pub toolchain: ToolchainId,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether its image was looked into: otherwise only its claims are known.
    pub seen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    Chosen {
        reason: String,
    },
    /// It could serve; another is nearer.
    Fits,
    Refused {
        reasons: Vec<Reason>,
    },
}

/// Why not, and the file that proves it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reason {
    pub what: String,
    pub proof: String,
    /// The conflict rule, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A toolchain that may be chosen, and what its image holds if that is known.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub toolchain: Toolchain,
    pub inventory: Option<Inventory>,
}

/// Weighs all candidates: the chosen one first, then those that fit, then those that do not, each from the nearest release on.
pub fn weigh(
    recipe: &Recipe,
    version: &RecipeVersion,
    target: Option<GfxTarget>,
    candidates: &[Candidate],
) -> Vec<Weighed> {
    let mut weighed: Vec<(u8, [u32; 3], Weighed)> = Vec::new();
    let mut rank = |candidate: &Candidate, verdict: Verdict| {
        let order = match &verdict {
            Verdict::Chosen { .. } => 0,
            Verdict::Fits => 1,
            Verdict::Refused { .. } => 2,
        };
        let toolchain = &candidate.toolchain;
        let seen = candidate.inventory.is_some();
        let distance = toolchain.rocm.distance(&version.rocm);
        weighed.push((order, distance, Weighed { toolchain: toolchain.id.clone(), verdict, seen }));
    };
    let (clashing, sound): (Vec<&Candidate>, Vec<&Candidate>) =
        candidates.iter().partition(|candidate| !refusing(candidate, target).is_empty());
    for candidate in clashing {
        let reasons = refusing(candidate, target).into_iter().map(of_conflict).collect();
        rank(candidate, Verdict::Refused { reasons });
    }
    let toolchains: Vec<Toolchain> = sound.iter().map(|candidate| candidate.toolchain.clone()).collect();
    let obtainable = |_: &Toolchain| Availability::Obtainable;
    let (chosen, refused) =
        match choose(recipe, &version.version, &version.rocm, &toolchains, None, &obtainable) {
            Ok(choice) => (Some((choice.toolchain.id.clone(), choice.reason)), choice.refused),
            Err(super::ResolveError::NoneFits { refused, .. }) => (None, refused),
            // Only of a toolchain that was asked for by name.
            Err(super::ResolveError::Unknown { .. } | super::ResolveError::Unfit { .. }) => (None, vec![]),
        };
    for candidate in sound {
        let id = &candidate.toolchain.id;
        let refusal = refused.iter().find(|refusal| refusal.toolchain == *id);
        let verdict = match (&chosen, refusal) {
            (_, Some(refusal)) => {
                let reasons = refusal.objections.iter().map(|objection| of_claim(objection, candidate));
                Verdict::Refused { reasons: reasons.collect() }
            }
            (Some((chosen, reason)), None) if chosen == id => Verdict::Chosen { reason: reason.clone() },
            (_, None) => Verdict::Fits,
        };
        rank(candidate, verdict);
    }
    weighed
        .sort_by(|one, other| (one.0, one.1, &one.2.toolchain).cmp(&(other.0, other.1, &other.2.toolchain)));
    weighed.into_iter().map(|(_, _, weighed)| weighed).collect()
}

fn refusing(candidate: &Candidate, target: Option<GfxTarget>) -> Vec<Conflict> {
    let Some(inventory) = &candidate.inventory else { return vec![] };
    let toolchain = &candidate.toolchain;
    let inventory = super::pin::with_environment(toolchain, inventory.clone());
    let pinned = super::pin::pinned(&inventory, &super::pin::pins(toolchain, &inventory));
    let scene = Scene { compiler: Some(&toolchain.compilers.cxx), target, ..Scene::of(&pinned) };
    conflicts(&scene).into_iter().filter(|conflict| conflict.severity == Severity::Refuse).collect()
}

fn of_conflict(conflict: Conflict) -> Reason {
    let proof = conflict.evidence.first();
    Reason {
        proof: proof.map_or_else(String::new, |evidence| format!("{}: {}", evidence.place, evidence.says)),
        what: conflict.what,
        rule: Some(conflict.rule),
    }
}

fn of_claim(objection: &Objection, candidate: &Candidate) -> Reason {
    let toolchain = &candidate.toolchain;
    let proof = match objection {
        Objection::Missing { .. } => format!("{}/toolchain.toml: [provides]", toolchain.id),
        Objection::Unmet { capability, .. } => match toolchain.provides.get(capability) {
            None => format!("{}/toolchain.toml: [provides]", toolchain.id),
            Some(claim) => {
                let found = candidate.inventory.as_ref().and_then(|found| found.packages.get(&claim.package));
                match found {
                    Some(version) => format!("/var/lib/dpkg/status: {} {version}", claim.package),
                    None => format!("{}/toolchain.toml: package {}", toolchain.id, claim.package),
                }
            }
        },
        Objection::Unavailable { .. } => String::new(),
    };
    Reason { what: objection.to_string(), proof, rule: None }
}
