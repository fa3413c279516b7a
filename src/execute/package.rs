//! The package stage: the archive and its manifest in the store, then in the person's output folder.

use std::collections::BTreeMap;

use serde_json::json;

use super::build::Built;
use super::toolchain::Image;
use super::unit::Account;
use super::workshop::blocking;
use super::{ExecuteError, Workshop};
use crate::model::{
    BuildFacts, Digest, Key, Manifest, Outcome, PatchRecord, PinnedSource, PlannedUnit, SourceRecord, Stage,
    ToolchainRecord,
};
use crate::package;
use crate::plan::{TOOL, key, key::Keyed};
use crate::store::{Entry, Made};

/// The package of a key, if the store holds it.
pub(super) fn find(workshop: &Workshop, key: &Key) -> Result<Option<Entry>, ExecuteError> {
    workshop.find(Stage::Package, key)
}

/// Packs an installed tree and commits the archive.
pub(super) async fn make(
    unit: &PlannedUnit,
    keyed: Keyed,
    pinned: &PinnedSource,
    image: &Image,
    built: &Built,
    account: &mut Account<'_>,
) -> Result<Entry, ExecuteError> {
    let workshop = account.workshop;
    let started = account.started(Stage::Package, unit.format.clone());
    let prepared = key::prepared(pinned, &unit.patches);
    let manifest = Manifest {
        schema: 1,
        name: unit.id.recipe.to_string(),
        version: unit.id.version.to_string(),
        target: unit.id.target.to_string(),
        toolchain: ToolchainRecord {
            id: unit.id.toolchain.to_string(),
            definition: image.definition,
            identity: image.identity,
            image: None,
            provides: image.provides.clone(),
            packages: image.packages.clone(),
        },
        source: SourceRecord { pinned: pinned.clone() },
        patches: unit
            .patches
            .iter()
            .map(|patch| PatchRecord { file: patch.file.clone(), sha256: patch.sha256, why: patch.why.clone() })
            .collect(),
        build: BuildFacts {
            prefix: unit.prefix.clone(),
            options: unit.options.clone(),
            environment: unit.script.environment.clone(),
            source_date_epoch: unit.source_date_epoch,
        },
        tool: TOOL.to_owned(),
        keys: BTreeMap::from([
            ("source".to_owned(), key::source(pinned).key),
            ("prepare".to_owned(), prepared.key),
            ("package".to_owned(), keyed.key),
        ]),
        files: built.files.clone(),
    };
    let draft = workshop.draft(Stage::Package, &keyed.key)?;
    let (format, stem) = (unit.format.clone(), account.unit.clone());
    let (tree, into) = (built.tree.clone(), draft.content().to_owned());
    let (epoch, cancel) = (unit.source_date_epoch, workshop.cancel.clone());
    let image_id = image.id.clone();
    let packed = blocking(move || {
        package::pack(&format, &stem, &manifest, &image_id, &tree, epoch, &into, &cancel)
    })
    .await??;
    let made = Made {
        ingredients: keyed.ingredients.clone(),
        seconds: started.elapsed().as_secs_f64(),
        detail: json!({ "archive": packed.archive, "size": packed.size, "sha256": packed.sha256, "files": packed.files }),
    };
    let entry = blocking(move || draft.commit(made)).await??;
    let seconds = account.finished(Stage::Package, keyed.key, started);
    workshop.store.remember(&unit.id, Stage::Package, keyed.key, &keyed.ingredients, Some(seconds))?;
    Ok(entry)
}

/// Puts the files of a package into the output folder.
pub(super) fn publish(workshop: &Workshop, entry: &Entry) -> Result<Outcome, ExecuteError> {
    #[derive(serde::Deserialize)]
    struct Detail {
        archive: String,
        size: u64,
        sha256: Digest,
        files: Vec<String>,
    }
    let detail: Detail = serde_json::from_value(entry.record().detail.clone()).map_err(|error| ExecuteError::File {
        doing: "reading the record of",
        path: entry.content().display().to_string(),
        reason: error.to_string(),
    })?;
    let output = workshop.limits.output.as_path();
    for file in &detail.files {
        package::publish(&entry.content().join(file), output)?;
    }
    Ok(Outcome::Passed {
        package: output.join(&detail.archive).display().to_string(),
        size: detail.size,
        sha256: detail.sha256,
    })
}
