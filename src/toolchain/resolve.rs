//! Chooses a toolchain for one version of a recipe. Pure: the same candidates in any order give the same choice.

use std::collections::BTreeMap;
use std::fmt;

use miette::Diagnostic;
use thiserror::Error;

use super::error::what_instead;
use crate::model::{Base, Recipe, Toolchain, ToolchainId, Version, VersionRange, nearest};

/// Whether a toolchain's image can be had from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Its image is here.
    Ready,
    /// Its image can be pulled or made.
    Obtainable,
    Unavailable {
        why: String,
    },
}

/// The toolchain that was chosen, why, and which ones could not be.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    pub toolchain: &'a Toolchain,
    /// A sentence for people.
    pub reason: String,
    /// From the nearest release to the farthest.
    pub refused: Vec<Refusal>,
}

/// A toolchain that cannot serve, with everything that speaks against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub toolchain: ToolchainId,
    pub objections: Vec<Objection>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It does not claim the capability at all.
    Missing { capability: String },
    /// It provides another version than is required.
    Unmet { capability: String, provided: Version, required: VersionRange },
    /// Its image cannot be had from here.
    Unavailable { why: String },
}

#[derive(Debug, Error, Diagnostic)]
pub enum ResolveError {
    #[error("no toolchain is named `{name}`")]
    #[diagnostic(code(toolchain::unknown), help("{}", what_instead(nearest.as_deref(), known)))]
    Unknown { name: String, nearest: Option<String>, known: Vec<String> },

    #[error("the toolchain {} cannot build {recipe} {version}: {}", refusal.toolchain, refusal.because())]
    #[diagnostic(
        code(toolchain::unfit),
        help(
            "leave out --toolchain to have one chosen; `rdna-build toolchains show ID` says what one provides"
        )
    )]
    Unfit { recipe: String, version: Version, refusal: Refusal },

    #[error("no toolchain can build {recipe} {version}, which belongs to ROCm {rocm}")]
    #[diagnostic(code(toolchain::none), help("{}", table(refused)))]
    NoneFits { recipe: String, version: Version, rocm: Version, refused: Vec<Refusal> },
}

/// Chooses among `candidates` the one whose ROCm release is nearest to `rocm` and that meets all requirements.
///
/// Of two at the same distance the one counts that can be assembled from a mirror, then the one that provides least,
/// then the one first by id. With `wanted`, that one or none.
pub fn choose<'a>(
    recipe: &Recipe,
    version: &Version,
    rocm: &Version,
    candidates: &'a [Toolchain],
    wanted: Option<&ToolchainId>,
    available: &dyn Fn(&Toolchain) -> Availability,
) -> Result<Choice<'a>, ResolveError> {
    if let Some(wanted) = wanted {
        return insist(recipe, version, candidates, wanted, available);
    }
    let mut ranked: Vec<(&Toolchain, Availability)> =
        candidates.iter().map(|toolchain| (toolchain, available(toolchain))).collect();
    ranked.sort_by_cached_key(|(toolchain, availability)| {
        // Whether an image was made already does not count: what is built must not depend on what was built before.
        let unavailable = match availability {
            Availability::Ready | Availability::Obtainable => false,
            Availability::Unavailable { .. } => true,
        };
        // Of two that serve alike, the one that needs no registry, then the one that brings least.
        let needs_registry = matches!(toolchain.base, Base::Image(_));
        (
            toolchain.rocm.distance(rocm),
            unavailable,
            needs_registry,
            toolchain.provides.len(),
            toolchain.id.clone(),
        )
    });
    let requires = recipe.requirements(version);
    let mut chosen = None;
    let mut refused = Vec::new();
    for (toolchain, availability) in ranked {
        let objections = objections(&requires, toolchain, availability);
        if !objections.is_empty() {
            refused.push(Refusal { toolchain: toolchain.id.clone(), objections });
        } else if chosen.is_none() {
            chosen = Some(toolchain);
        }
    }
    match chosen {
        Some(toolchain) => {
            let reason = reason(recipe, version, rocm, toolchain, &refused);
            Ok(Choice { toolchain, reason, refused })
        }
        None => Err(ResolveError::NoneFits {
            recipe: recipe.name.to_string(),
            version: version.clone(),
            rocm: rocm.clone(),
            refused,
        }),
    }
}

fn insist<'a>(
    recipe: &Recipe,
    version: &Version,
    candidates: &'a [Toolchain],
    wanted: &ToolchainId,
    available: &dyn Fn(&Toolchain) -> Availability,
) -> Result<Choice<'a>, ResolveError> {
    let Some(toolchain) = candidates.iter().find(|toolchain| toolchain.id == *wanted) else {
        let mut known: Vec<String> = candidates.iter().map(|toolchain| toolchain.id.to_string()).collect();
        known.sort();
        let nearest = nearest(wanted.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
        return Err(ResolveError::Unknown { name: wanted.to_string(), nearest, known });
    };
    let objections = objections(&recipe.requirements(version), toolchain, available(toolchain));
    if objections.is_empty() {
        return Ok(Choice { toolchain, reason: "it was asked for".to_owned(), refused: Vec::new() });
    }
    let refusal = Refusal { toolchain: toolchain.id.clone(), objections };
    Err(ResolveError::Unfit { recipe: recipe.name.to_string(), version: version.clone(), refusal })
}

fn objections(
    requires: &BTreeMap<String, VersionRange>,
    toolchain: &Toolchain,
    availability: Availability,
) -> Vec<Objection> {
    let mut objections: Vec<Objection> = requires
        .iter()
        .filter_map(|(capability, required)| match toolchain.provides.get(capability) {
            None => Some(Objection::Missing { capability: capability.clone() }),
            Some(claim) if required.contains(&claim.version) => None,
            Some(claim) => Some(Objection::Unmet {
                capability: capability.clone(),
                provided: claim.version.clone(),
                required: required.clone(),
            }),
        })
        .collect();
    match availability {
        Availability::Ready | Availability::Obtainable => {}
        Availability::Unavailable { why } => objections.push(Objection::Unavailable { why }),
    }
    objections
}

fn reason(
    recipe: &Recipe,
    version: &Version,
    rocm: &Version,
    toolchain: &Toolchain,
    refused: &[Refusal],
) -> String {
    let its = &toolchain.rocm;
    let of = format!("{} {version}", recipe.name);
    let requires = recipe.requirements(version);
    let mut reason = match its.distance(rocm) {
        [0, 0, 0] => return format!("its ROCm {its} is the release of {of}"),
        [0, 0, _] => format!("its ROCm {its} is of the same series as {rocm}, the release of {of}"),
        [_, _, _] if requires.is_empty() => format!("nearest to ROCm {rocm}"),
        [_, _, _] => {
            let requires: Vec<String> =
                requires.iter().map(|(capability, range)| format!("{capability} {range}")).collect();
            format!("nearest to ROCm {rocm} that meets {}", requires.join(", "))
        }
    };
    for refusal in refused {
        reason.push_str(&format!("; {} was refused: {}", refusal.toolchain, refusal.because()));
    }
    reason
}

fn table(refused: &[Refusal]) -> String {
    if refused.is_empty() {
        return what_instead(None, &[]);
    }
    let width = refused.iter().map(|refusal| refusal.toolchain.as_str().len()).max().unwrap_or(0);
    let rows = refused.iter().map(|refusal| format!("{:width$}  {}", refusal.toolchain, refusal.because()));
    let rows: Vec<String> = rows.collect();
    format!("add a toolchain with --toolchains DIR; these were refused:\n{}", rows.join("\n"))
}

impl Refusal {
    /// All objections in one line.
    pub fn because(&self) -> String {
        self.objections.iter().map(Objection::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objection::Missing { capability } => write!(f, "provides no {capability}"),
            Objection::Unmet { capability, provided, required } => {
                write!(f, "{capability} {provided} does not meet {required}")
            }
            Objection::Unavailable { why } => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests;
