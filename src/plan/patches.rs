//! Which patches of a series a build applies, and why the others stay out: pure.

use std::collections::BTreeSet;

use miette::Diagnostic;
use thiserror::Error;

use crate::model::{
    Digest, LeftOutReason, OwnPatch, PatchLeftOut, PatchName, PatchSpec, PatchVariant, PlannedPatch, Recipe,
    Toolchain, Version, nearest,
};

/// What a person wants otherwise than the series has it.
#[derive(Clone, Debug, Default)]
pub struct PatchChoice {
    /// Opt-in or unproven patches to apply; what they need comes along.
    pub with: BTreeSet<PatchName>,
    /// Patches to leave out.
    pub without: BTreeSet<PatchName>,
    /// Apply also what was never proven on the version.
    pub unproven: bool,
    /// Patches of the person's own, applied last.
    pub own: Vec<OwnPatch>,
}

/// What becomes of a patch, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Applied,
    /// It has no form for the version.
    OtherVersion,
    /// The toolchain does not ask for it: this capability is not in the patch's range.
    OtherToolchain {
        capability: String,
    },
    LeftOut(LeftOutReason),
}

/// A patch of the series, its form for the version, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Weighed<'r> {
    pub patch: &'r PatchSpec,
    pub variant: Option<&'r PatchVariant>,
    pub standing: Standing,
}

/// What is applied, and what could have been.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// In order.
    pub patches: Vec<PlannedPatch>,
    pub left_out: Vec<PatchLeftOut>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum ChoiceError {
    #[error("{recipe} has no patch `{name}`")]
    #[diagnostic(
        code(patches::unknown),
        help("{}", match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("`rdna-build recipes show {recipe}` lists them"),
        })
    )]
    Unknown { recipe: String, name: PatchName, nearest: Option<String> },

    #[error("`{name}` cannot be applied to {recipe} {version}: {reason}")]
    #[diagnostic(code(patches::not_applicable), help("leave out --with-patch {name}"))]
    NotApplicable { recipe: String, version: Version, name: PatchName, reason: String },

    #[error("`{name}` is both asked for and left out")]
    #[diagnostic(code(patches::contradiction), help("give it with --with-patch or --without-patch"))]
    Contradiction { name: PatchName },
}

/// Weighs every patch of the series for a version with a toolchain, in order.
pub fn standings<'r>(
    recipe: &'r Recipe,
    version: &Version,
    toolchain: &Toolchain,
    choice: &PatchChoice,
) -> Result<Vec<Weighed<'r>>, ChoiceError> {
    check_names(recipe, choice)?;
    let asked = with_needs(recipe, &choice.with);
    let mut applied = BTreeSet::new();
    let mut standings = Vec::with_capacity(recipe.patches.len());
    for patch in &recipe.patches {
        let variant = patch.variant(version);
        let standing = standing(patch, variant, version, toolchain, choice, &asked, &applied);
        if standing == Standing::Applied {
            applied.insert(&patch.name);
        } else if choice.with.contains(&patch.name) {
            return Err(ChoiceError::NotApplicable {
                recipe: recipe.name.to_string(),
                version: version.clone(),
                name: patch.name.clone(),
                reason: standing.reason(),
            });
        }
        standings.push(Weighed { patch, variant, standing });
    }
    Ok(standings)
}

/// Chooses what is applied to a version with a toolchain.
pub fn choose(
    recipe: &Recipe,
    version: &Version,
    toolchain: &Toolchain,
    choice: &PatchChoice,
) -> Result<Chosen, ChoiceError> {
    let mut chosen = Chosen::default();
    for Weighed { patch, variant, standing } in standings(recipe, version, toolchain, choice)? {
        match (standing, variant) {
            (Standing::Applied, Some(variant)) => {
                chosen.patches.push(planned(recipe, version, patch, variant));
            }
            (Standing::LeftOut(reason), _) => {
                chosen.left_out.push(PatchLeftOut { name: patch.name.clone(), reason });
            }
            (Standing::Applied | Standing::OtherVersion | Standing::OtherToolchain { .. }, _) => {}
        }
    }
    chosen.patches.extend(choice.own.iter().map(|own| PlannedPatch {
        name: own.name.clone(),
        file: own.file.clone(),
        sha256: Digest::of(&own.bytes),
        why: "brought by the person who builds".to_owned(),
        fit: own.fit,
        unproven: true,
    }));
    Ok(chosen)
}

/// A patch of the series as a plan applies it to a version.
pub fn planned(
    recipe: &Recipe,
    version: &Version,
    patch: &PatchSpec,
    variant: &PatchVariant,
) -> PlannedPatch {
    PlannedPatch {
        name: patch.name.clone(),
        file: variant.file.clone(),
        sha256: Digest::of(recipe.files.get(&variant.file).expect("a valid recipe holds its patches")),
        why: patch.why.clone(),
        fit: variant.fit,
        unproven: !variant.proven.contains(version),
    }
}

fn standing(
    patch: &PatchSpec,
    variant: Option<&PatchVariant>,
    version: &Version,
    toolchain: &Toolchain,
    choice: &PatchChoice,
    asked: &BTreeSet<&PatchName>,
    applied: &BTreeSet<&PatchName>,
) -> Standing {
    let Some(variant) = variant else { return Standing::OtherVersion };
    let provides = |capability: &String| toolchain.provides.get(capability).map(|claim| &claim.version);
    let other = patch
        .when
        .iter()
        .find(|(capability, range)| !provides(capability).is_some_and(|version| range.contains(version)));
    if let Some((capability, _)) = other {
        return Standing::OtherToolchain { capability: capability.clone() };
    }
    if choice.without.contains(&patch.name) {
        return Standing::LeftOut(LeftOutReason::Asked);
    }
    let is_asked = asked.contains(&patch.name);
    if patch.opt_in && !is_asked {
        return Standing::LeftOut(LeftOutReason::OptIn);
    }
    if !variant.proven.contains(version) && !choice.unproven && !is_asked {
        return Standing::LeftOut(LeftOutReason::Unproven);
    }
    match patch.needs.iter().find(|need| !applied.contains(need)) {
        Some(need) => Standing::LeftOut(LeftOutReason::Without { need: need.clone() }),
        None => Standing::Applied,
    }
}

/// What was asked for, and what that needs, and so on.
fn with_needs<'r>(recipe: &'r Recipe, with: &BTreeSet<PatchName>) -> BTreeSet<&'r PatchName> {
    let mut asked: BTreeSet<&PatchName> = BTreeSet::new();
    // Needs come earlier in the series, so that one pass from its end finds them all.
    for patch in recipe.patches.iter().rev() {
        if with.contains(&patch.name) || asked.contains(&patch.name) {
            asked.insert(&patch.name);
            asked.extend(&patch.needs);
        }
    }
    asked
}

fn check_names(recipe: &Recipe, choice: &PatchChoice) -> Result<(), ChoiceError> {
    if let Some(name) = choice.with.intersection(&choice.without).next() {
        return Err(ChoiceError::Contradiction { name: name.clone() });
    }
    check_known(recipe, choice.with.union(&choice.without))
}

/// Whether the series has patches of all these names.
pub fn check_known<'n>(
    recipe: &Recipe,
    names: impl IntoIterator<Item = &'n PatchName>,
) -> Result<(), ChoiceError> {
    let known = || recipe.patches.iter().map(|patch| patch.name.as_str());
    match names.into_iter().find(|name| !known().any(|known| known == name.as_str())) {
        Some(name) => Err(ChoiceError::Unknown {
            recipe: recipe.name.to_string(),
            name: name.clone(),
            nearest: nearest(name.as_str(), known()).map(str::to_owned),
        }),
        None => Ok(()),
    }
}

impl Standing {
    /// Why a patch is not applied, in words.
    pub fn reason(&self) -> String {
        match self {
            Standing::Applied => "applied".to_owned(),
            Standing::OtherVersion => "not for this version".to_owned(),
            Standing::OtherToolchain { capability } => {
                format!("not for this toolchain's {capability}")
            }
            Standing::LeftOut(reason) => reason.to_string(),
        }
    }
}
