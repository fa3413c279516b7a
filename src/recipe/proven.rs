//! `patches/proven.toml`: on which versions which bytes of a patch were proven. Written by `rdna-build patch prove
//! --record`; a patch or a proof that was changed since is unproven again, without anybody having to think of it.

use super::keys::{PROVEN, PROVEN_FILE as KEYS, SCHEMA};
use super::proof;
use crate::document::{Field, Mistakes, read};
use crate::model::{Digest, FileSet, PatchName, PatchSpec, Proof, Recipe, ToolchainId, Version};

pub const PROVEN_FILE: &str = "patches/proven.toml";

/// One patch, proven on one version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proven {
    pub patch: PatchName,
    pub version: Version,
    /// Where it was proven last.
    pub toolchain: ToolchainId,
    /// Of the patch's form for the version.
    pub sha256: Digest,
    /// Of its proofs and all that they run besides the source.
    pub proofs: Digest,
}

pub(super) fn parse(mistakes: &Mistakes, files: &FileSet) -> Option<Vec<Proven>> {
    let Some(bytes) = files.get(PROVEN_FILE) else { return Some(Vec::new()) };
    read(bytes, mistakes, SCHEMA, KEYS, |section| {
        let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
        let proven = section.or("proven", Vec::new(), |field| field.each(|field| record(&field)));
        schema?;
        proven
    })
}

fn record(field: &Field<'_>) -> Option<Proven> {
    let section = field.section(PROVEN)?;
    let patch = section.required("patch", |field| field.parse());
    let version = section.required("version", |field| field.parse());
    let toolchain = section.required("toolchain", |field| field.parse());
    let sha256 = section.required("sha256", |field| field.parse());
    let proofs = section.required("proofs", |field| field.parse());
    Some(Proven { patch: patch?, version: version?, toolchain: toolchain?, sha256: sha256?, proofs: proofs? })
}

/// Marks the versions on which a patch was proven as it is now; those of other bytes are worth a warning.
pub(super) fn mark(
    patches: &mut [PatchSpec],
    proven: &[Proven],
    proofs: &[Proof],
    files: &FileSet,
    mistakes: &Mistakes,
) {
    for record in proven {
        let Some(patch) = patches.iter_mut().find(|patch| patch.name == record.patch) else {
            mistakes.warn(0..0, format!("no patch of the series is named `{}`", record.patch), None);
            continue;
        };
        let is_for = |variant: &&mut crate::model::PatchVariant| variant.versions.contains(&record.version);
        let Some(variant) = patch.variants.iter_mut().find(is_for) else { continue };
        let is_same = variant_digest(&variant.file, files) == Some(record.sha256)
            && proofs_digest(&variant.proofs, proofs, files) == record.proofs;
        if is_same {
            variant.proven.push(record.version.clone());
        } else {
            let message = format!(
                "{} or its proofs were changed since it was proven on {}",
                record.patch, record.version
            );
            let help = "prove it again: rdna-build patch prove RECIPE --record".to_owned();
            mistakes.warn(0..0, message, Some(help));
        }
    }
}

impl Proven {
    /// The record of a patch as it is now, with what proves it.
    pub fn now(
        recipe: &Recipe,
        patch: &PatchSpec,
        version: &Version,
        toolchain: &ToolchainId,
    ) -> Option<Self> {
        let variant = patch.variant(version)?;
        Some(Self {
            patch: patch.name.clone(),
            version: version.clone(),
            toolchain: toolchain.clone(),
            sha256: variant_digest(&variant.file, &recipe.files)?,
            proofs: proofs_digest(&variant.proofs, &recipe.proofs, &recipe.files),
        })
    }

    /// What stands in a recipe's file.
    ///
    /// # Panics
    /// Never for a recipe that was read: its file was, too.
    pub fn all(recipe: &Recipe) -> Vec<Self> {
        let bytes = recipe.files.get(PROVEN_FILE).unwrap_or_default();
        parse(&Mistakes::new(PROVEN_FILE, bytes), &recipe.files).expect("it was read with the recipe")
    }
}

fn variant_digest(file: &str, files: &FileSet) -> Option<Digest> {
    files.get(file).map(Digest::of)
}

/// One digest over several proofs, in the order they are named.
fn proofs_digest(ids: &[String], proofs: &[Proof], files: &FileSet) -> Digest {
    let digests = ids
        .iter()
        .filter_map(|id| proofs.iter().find(|proof| proof.id == *id))
        .map(|proof| format!("{} {}\n", proof.id, proof::digest(proof, files)));
    Digest::of(digests.collect::<String>())
}

/// The file's text.
pub fn write(proven: &[Proven]) -> String {
    let mut text = "\
# Written by `rdna-build patch prove --record`. A patch is proven on a version as long as its bytes, and those of its
# proofs, are the ones that stand here.
schema = 1
"
    .to_owned();
    for Proven { patch, version, toolchain, sha256, proofs } in proven {
        text += &format!(
            "\n[[proven]]\npatch = \"{patch}\"\nversion = \"{version}\"\ntoolchain = \"{toolchain}\"\n\
             sha256 = \"{sha256}\"\nproofs = \"{proofs}\"\n"
        );
    }
    text
}
