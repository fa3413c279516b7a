//! The package stage: archives and their manifests in the store, then in the person's output folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

use super::build::Built;
use super::progress::Steps;
use super::toolchain::{self, Image};
use super::unit::Account;
use super::workshop::blocking;
use super::{ExecuteError, Workshop, needs};
use crate::attest;
use crate::model::{
    BuildFacts, Digest, Event, Key, Manifest, Need, Outcome, PackageFile, PatchRecord, PinnedSource,
    PlannedUnit, SourceRecord, Stage, ToolchainRecord, Unit,
};
use crate::package;
use crate::plan::{self, TOOL, key, key::Keyed};
use crate::store::{Entry, Made, Record};

/// A format and the key of a unit's packages in it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub format: String,
    pub keyed: Keyed,
}

/// What is wanted of a unit, in the order in which it was asked for.
pub(super) fn wanted(
    unit: &PlannedUnit,
    source: &PinnedSource,
    definition: Digest,
    identity: Digest,
) -> Vec<Wanted> {
    let wanted = |format: &String| Wanted {
        keyed: plan::package_key(unit, format, source, definition, identity),
        format: format.clone(),
    };
    unit.formats.iter().map(wanted).collect()
}

/// The packages of all keys, if the store holds all of them.
pub(super) async fn find_all(
    wanted: &[Wanted],
    account: &mut Account<'_>,
) -> Result<Option<Vec<Entry>>, ExecuteError> {
    let mut found = Vec::new();
    for one in wanted {
        match find(account.workshop, &one.keyed.key).await? {
            Some(entry) => found.push(entry),
            None => return Ok(None),
        }
    }
    wanted.iter().for_each(|one| account.cached(Stage::Package, one.keyed.key));
    Ok(Some(found))
}

/// The packages of a key. They are read again only if they have yet to be copied from there.
async fn find(workshop: &Workshop, key: &Key) -> Result<Option<Entry>, ExecuteError> {
    let Some(entry) = workshop.find(Stage::Package, key).await? else { return Ok(None) };
    if is_published(&entry, workshop.limits.output.as_path()) {
        return Ok(Some(entry));
    }
    // Not held meanwhile: what is damaged could not be removed.
    drop(entry);
    workshop.find_whole(Stage::Package, key).await
}

/// Whether the output folder has all files of an entry already, as far as size and time of the archives tell.
fn is_published(entry: &Entry, out: &Path) -> bool {
    let Ok(details) = details(entry.record()) else { return false };
    let is_same = |name: &String| package::is_published(&entry.content().join(name), out);
    details.iter().all(|detail| {
        detail.files.first().is_some_and(is_same) && detail.files.iter().all(|name| out.join(name).exists())
    })
}

/// The packages of all keys: those that the store holds, and the others packed from the installed tree.
pub(super) async fn ensure_all(
    unit: &PlannedUnit,
    wanted: Vec<Wanted>,
    pinned: &PinnedSource,
    image: &Image,
    built: &Built,
    account: &mut Account<'_>,
) -> Result<Vec<Entry>, ExecuteError> {
    // The same whatever the format: read once, if anything has to be packed.
    let needs = OnceCell::new();
    let mut entries = Vec::new();
    for one in wanted {
        let entry = match find(account.workshop, &one.keyed.key).await? {
            Some(entry) => {
                account.cached(Stage::Package, one.keyed.key);
                entry
            }
            None => {
                let needs = needs.get_or_try_init(|| what_is_needed(image, built, account.workshop)).await?;
                make(unit, one, needs, pinned, image, built, account).await?
            }
        };
        entries.push(entry);
    }
    Ok(entries)
}

/// The libraries that an installed tree needs, and what provides them in its image.
async fn what_is_needed(
    image: &Image,
    built: &Built,
    workshop: &Workshop,
) -> Result<Vec<Need>, ExecuteError> {
    let inventory = toolchain::inventory(workshop, image).await?;
    let (tree, files) = (built.tree.clone(), built.files.clone());
    blocking(move || needs::of_tree(&tree, &files, &inventory)).await?
}

/// Packs an installed tree in one format and commits the packages.
async fn make(
    unit: &PlannedUnit,
    wanted: Wanted,
    needs: &[Need],
    pinned: &PinnedSource,
    image: &Image,
    built: &Built,
    account: &mut Account<'_>,
) -> Result<Entry, ExecuteError> {
    let workshop = account.workshop;
    let Wanted { format, keyed } = wanted;
    let started = account.started(Stage::Package, format.clone());
    if format == "deb" {
        tell_of_unprovided(needs, workshop);
    }
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
        about: Some(unit.about.clone()),
        needs: needs.to_vec(),
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
    let format = package::format(&format)?;
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
    let image = image.id.clone();
    let detail = blocking(move || {
        let packed = package::pack(format, &manifest, &tree, &into, &cancel, &mut |done, total| {
            progress.report(done, total)
        })?;
        packed.into_iter().map(|packed| finished(packed, &image)).collect::<Result<Vec<_>, ExecuteError>>()
    })
    .await??;
    let made = Made {
        ingredients: keyed.ingredients.clone(),
        seconds: started.elapsed().as_secs_f64(),
        detail: serde_json::to_value(&detail).expect("a detail has only text keys"),
    };
    let entry = workshop.commit(draft, made).await?;
    let seconds = account.finished(Stage::Package, keyed.key, started);
    workshop.store.remember(&unit.id, Stage::Package, keyed.key, &keyed.ingredients, Some(seconds))?;
    Ok(entry)
}

/// What the record says of a package. The manifest beside it is written once more: there it may name the image of this
/// machine's engine.
fn finished(packed: package::Packed, image: &str) -> Result<Detail, ExecuteError> {
    let mut manifest = packed.manifest.clone();
    manifest.toolchain.image = Some(image.to_owned());
    let path = &packed.beside[0];
    fs::write(path, manifest.text()).map_err(ExecuteError::file("writing", path))?;
    let attested = attest::attest(&packed.archive, packed.sha256, None)?;
    let files = packed.files().into_iter().chain(attested.files);
    let names = files.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    Ok(Detail { size: packed.size, sha256: packed.sha256, files: names })
}

/// dpkg would install a package that lacks such a library without a word.
fn tell_of_unprovided(needs: &[Need], workshop: &Workshop) {
    let unprovided: Vec<&str> =
        needs.iter().filter(|need| need.debian.is_none()).map(|need| need.soname.as_str()).collect();
    if !unprovided.is_empty() {
        workshop.events.emit(Event::Warning {
            message: format!(
                "no package of the toolchain brings {}: the .deb does not depend on it",
                unprovided.join(", ")
            ),
            help: Some("name the package under [package.debian] depends in the recipe".to_owned()),
        });
    }
}

/// What a package entry's record says of each package in it.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Detail {
    size: u64,
    sha256: Digest,
    /// The archive first.
    files: Vec<String>,
}

/// Puts the files of packages into the output folder.
pub(super) fn publish(workshop: &Workshop, entries: &[Entry]) -> Result<Outcome, ExecuteError> {
    let mut packages = Vec::new();
    for entry in entries {
        for detail in details(entry.record())? {
            let files: Vec<_> = detail.files.iter().map(|file| entry.content().join(file)).collect();
            let (archive, beside) = files.split_first().expect("a detail names a file");
            let archive = publish_archive(archive, beside, workshop)?;
            packages.push(PackageFile {
                path: archive.display().to_string(),
                size: detail.size,
                sha256: detail.sha256,
            });
        }
    }
    Ok(Outcome::Passed { packages })
}

/// Puts an archive and what lies beside it into the output folder. Reports and signatures come to the files beside it later,
/// and are good as long as the archive is the same: then what is there stays.
fn publish_archive(
    archive: &PathBuf,
    beside: &[PathBuf],
    workshop: &Workshop,
) -> Result<PathBuf, ExecuteError> {
    let out = workshop.limits.output.as_path();
    let archive = package::publish(std::slice::from_ref(archive), out)?.remove(0);
    if archive.copied {
        attest::withdraw(&archive.path)?;
    }
    let is_there = |file: &PathBuf| file.file_name().is_some_and(|name| out.join(name).exists());
    let wanted: Vec<_> = beside.iter().filter(|file| archive.copied || !is_there(file)).cloned().collect();
    package::publish(&wanted, out)?;
    Ok(archive.path)
}

/// What a record says of its packages: of each at least one file, and each a name in the entry's own folder.
pub(super) fn details(record: &Record) -> Result<Vec<Detail>, ExecuteError> {
    let unreadable = |reason: String| ExecuteError::File {
        doing: "reading the record of the package",
        path: record.key.short(),
        reason,
    };
    let details: Vec<Detail> =
        serde_json::from_value(record.detail.clone()).map_err(|error| unreadable(error.to_string()))?;
    if details.is_empty() || details.iter().any(|detail| detail.files.is_empty()) {
        return Err(unreadable("it names no file".to_owned()));
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains('/') && !matches!(name, "." | "..");
    match details.iter().flat_map(|detail| &detail.files).find(|name| !is_name(name)) {
        Some(name) => Err(unreadable(format!("it names the file {name:?}"))),
        None => Ok(details),
    }
}
