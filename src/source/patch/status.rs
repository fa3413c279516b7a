//! What becomes of a recipe's series on one version's source: every patch tried, going on after one that does not fit.

use serde::Serialize;

use super::base::Base;
use super::error::PatchError;
use super::layered::Layered;
use super::series::PatchInput;
use super::trial::{Trial, trial};
use crate::model::{Fit, PatchName, PatchSpec, PatchVariant, Recipe, Version};

/// One patch on one version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PatchStatus {
    pub name: PatchName,
    /// The form that is for the version; nothing where there is none.
    pub file: Option<String>,
    pub opt_in: bool,
    /// Its proofs were never run on this version.
    pub unproven: bool,
    /// What becomes of that form.
    pub trial: Option<Trial>,
    /// Where it does not apply: the file of another form that would, exactly.
    pub other_form: Option<String>,
}

/// Tries every patch of the series that has a form for the version, also those that are applied only when asked for.
///
/// # Errors
/// Only when the base cannot be read.
pub fn status(recipe: &Recipe, version: &Version, base: &dyn Base) -> Result<Vec<PatchStatus>, PatchError> {
    let mut tree = Layered::new(base);
    recipe.patches.iter().map(|patch| one(recipe, patch, version, &mut tree)).collect()
}

fn one(
    recipe: &Recipe,
    patch: &PatchSpec,
    version: &Version,
    tree: &mut Layered<'_>,
) -> Result<PatchStatus, PatchError> {
    let input = |variant: &PatchVariant, fit| {
        let bytes = recipe.files.get(&variant.file).expect("a valid recipe holds its patches").to_owned();
        (variant.file.clone(), bytes, fit)
    };
    let status = |variant: Option<&PatchVariant>, trial, other_form| PatchStatus {
        name: patch.name.clone(),
        file: variant.map(|variant| variant.file.clone()),
        opt_in: patch.opt_in,
        unproven: variant.is_some_and(|variant| !variant.proven.contains(version)),
        trial,
        other_form,
    };
    let Some(variant) = patch.variant(version) else { return Ok(status(None, None, None)) };
    // The others are tried on the tree as this one finds it.
    let mut other = None;
    for form in patch.variants.iter().filter(|form| form.file != variant.file) {
        let (name, bytes, fit) = input(form, Fit::Exact);
        if matches!(trial(&PatchInput { name: &name, bytes: &bytes, fit }, tree)?, Trial::Applies { .. }) {
            other = Some(name);
            break;
        }
    }
    let (name, bytes, fit) = input(variant, variant.fit);
    let found = tree.try_next(&PatchInput { name: &name, bytes: &bytes, fit })?;
    let other_form = match found {
        Trial::Applies { .. } | Trial::AlreadyUpstream => None,
        Trial::PartlyUpstream { .. }
        | Trial::Looser(_)
        | Trial::Conflict(_)
        | Trial::Missing { .. }
        | Trial::Occupied { .. }
        | Trial::Invalid { .. } => other,
    };
    Ok(status(Some(variant), Some(found), other_form))
}

impl Trial {
    /// Whether the patch does not do on this tree what it is for.
    pub fn is_broken(&self) -> bool {
        match self {
            Trial::Applies { .. } | Trial::AlreadyUpstream => false,
            Trial::PartlyUpstream { .. }
            | Trial::Looser(_)
            | Trial::Conflict(_)
            | Trial::Missing { .. }
            | Trial::Occupied { .. }
            | Trial::Invalid { .. } => true,
        }
    }
}
