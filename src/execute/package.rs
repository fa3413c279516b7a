//! The package stage: the archive and its manifest in the store, then in the person's output folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::build::Built;
use super::progress::Steps;
use super::toolchain::Image;
use super::unit::Account;
use super::workshop::blocking;
use super::{ExecuteError, Workshop};
use crate::model::{
    BuildFacts, Digest, Event, Key, Manifest, Outcome, PatchRecord, PinnedSource, PlannedUnit, SourceRecord,
    Stage, ToolchainRecord, Unit,
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
            pins: image.pins.clone(),
            image: None,
            provides: image.provides.clone(),
            packages: image.packages.clone(),
        },
        source: SourceRecord { pinned: pinned.clone() },
        patches: unit
            .patches
            .iter()
            .map(|patch| PatchRecord {
                name: patch.name.clone(),
                unproven: patch.unproven,
                file: patch.file.clone(),
                sha256: patch.sha256,
                why: patch.why.clone(),
            })
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
        verification: None,
    };
    let draft = workshop.draft(Stage::Package, &keyed.key)?;
    let format = package::format(&unit.format)?;
    let (tree, into, cancel) = (built.tree.clone(), draft.content().to_owned(), workshop.cancel.clone());
    let (events, stem) = (workshop.events.clone(), account.unit.clone());
    let mut progress = Steps::new(move |done, total| {
        let item = "packing".to_owned();
        events.emit(Event::Progress {
            unit: stem.clone(),
            stage: Stage::Package,
            item,
            done,
            total,
            of: Unit::Bytes,
        });
    });
    let mut beside = manifest.clone();
    beside.toolchain.image = Some(image.id.clone());
    let packed = blocking(move || {
        package::pack(format, &manifest, &tree, &into, &cancel, &mut |done, total| {
            progress.report(done, total)
        })
    })
    .await??;
    write_manifest(&packed.beside[0], &beside)?;
    let names =
        packed.files().iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    let detail = Detail { size: packed.size, sha256: packed.sha256, files: names };
    let made = Made {
        ingredients: keyed.ingredients.clone(),
        seconds: started.elapsed().as_secs_f64(),
        detail: serde_json::to_value(&detail).expect("a detail has only text keys"),
    };
    let entry = blocking(move || draft.commit(made)).await??;
    let seconds = account.finished(Stage::Package, keyed.key, started);
    workshop.store.remember(&unit.id, Stage::Package, keyed.key, &keyed.ingredients, Some(seconds))?;
    Ok(entry)
}

/// Writes the manifest beside the package once more: here it may name the image of this machine's engine.
fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), ExecuteError> {
    let mut text = serde_json::to_vec_pretty(manifest).expect("a manifest has only text keys");
    text.push(b'\n');
    fs::write(path, text).map_err(ExecuteError::file("writing", path))
}

/// What a package entry's record says of it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Detail {
    size: u64,
    sha256: Digest,
    /// The archive first.
    files: Vec<String>,
}

/// Puts the files of a package into the output folder.
pub(super) fn publish(workshop: &Workshop, entry: &Entry) -> Result<Outcome, ExecuteError> {
    let unreadable = |reason: String| ExecuteError::File {
        doing: "reading the record of",
        path: entry.content().display().to_string(),
        reason,
    };
    let detail: Detail = serde_json::from_value(entry.record().detail.clone())
        .map_err(|error| unreadable(error.to_string()))?;
    let files: Vec<_> = detail.files.iter().map(|file| entry.content().join(file)).collect();
    let published = package::publish(&files, workshop.limits.output.as_path())?;
    let archive = published.first().ok_or_else(|| unreadable("it names no file".to_owned()))?;
    Ok(Outcome::Passed {
        package: archive.path.display().to_string(),
        size: detail.size,
        sha256: detail.sha256,
    })
}
