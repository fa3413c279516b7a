//! The source stage: pins what a source means, and has its tree on this machine.

use std::path::Path;

use serde_json::json;

use super::progress::Steps;
use super::unit::Account;
use super::workshop::blocking;
use super::{ExecuteError, Materials, Workshop, json};
use crate::model::{
    CommitId, Digest, Event, Events, HostPath, PinnedSource, RecipeName, SourceSpec, Stage, Tree, Unit,
};
use crate::plan::key;
use crate::source::{archive, bundled, git, http, tree};
use crate::store::{Condition, Made};

pub(super) const FILES: &str = "files";
pub(super) const TREE: &str = "tree.json";

/// Bytes of the largest source archive; rocm-libraries as a whole is a tenth of it.
const LARGEST_ARCHIVE: u64 = 8 << 30;

/// A source tree on this machine.
#[derive(Debug)]
pub(super) struct Fetched {
    pub root: HostPath,
    pub tree: Tree,
}

/// Pins a source as far as that needs no network: what the recipe or the lock file says.
///
/// A folder is pinned by reading it, which is the caller's to do.
pub fn pin(spec: &SourceSpec, lock: &crate::lockfile::LockFile) -> Option<PinnedSource> {
    match spec {
        SourceSpec::Git { url, reference, commit, subdir } => {
            let locked = || lock.commit_for(url, reference.as_deref().unwrap_or("HEAD")).cloned();
            let commit = commit.clone().or_else(locked)?;
            let (url, reference, subdir) = (url.clone(), reference.clone(), subdir.clone());
            Some(PinnedSource::Git { url, reference, commit, subdir })
        }
        SourceSpec::Tarball { urls, sha256 } => {
            Some(PinnedSource::Tarball { urls: urls.clone(), sha256: *sha256 })
        }
        SourceSpec::Bundled { folder, digest } => {
            Some(PinnedSource::Bundled { folder: folder.clone(), digest: *digest })
        }
        SourceSpec::Folder { .. } => None,
    }
}

/// The pinned source that a plan means; one that only a look at the repository can pin is looked up and written to the
/// lock.
pub(super) async fn pin_planned(
    source: &Result<PinnedSource, SourceSpec>,
    workshop: &Workshop,
) -> Result<PinnedSource, ExecuteError> {
    let spec = match source {
        Ok(pinned) => return Ok(pinned.clone()),
        Err(spec) => spec.clone(),
    };
    if let Some(pinned) = pin(&spec, &workshop.locked()) {
        return Ok(pinned);
    }
    let (url, reference, subdir) = match spec {
        SourceSpec::Git { url, reference, commit: _, subdir } => (url, reference, subdir),
        SourceSpec::Tarball { .. } | SourceSpec::Bundled { .. } | SourceSpec::Folder { .. } => {
            unreachable!("archives and bundles are pinned by their recipe, folders before planning")
        }
    };
    let shown = reference.clone().unwrap_or_else(|| "HEAD".to_owned());
    workshop.online(|| format!("the commit of {shown} of {url} is not in the lock file"))?;
    workshop.events.emit(Event::Note { message: format!("looking up {shown} of {url}") });
    let commit = {
        let (url, reference, cancel) = (url.clone(), reference.clone(), workshop.cancel.clone());
        blocking(move || {
            git::install_transport(http::client()?);
            Ok::<_, ExecuteError>(git::resolve(&url, reference.as_deref(), &cancel)?)
        })
        .await??
    };
    workshop.pin_commit(&url, &shown, &commit)?;
    Ok(PinnedSource::Git { url, reference, commit, subdir })
}

/// The tree of a pinned source: a folder as it lies, anything else from the store, where it is fetched to first.
pub(super) async fn ensure(
    pinned: &PinnedSource,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<Fetched, ExecuteError> {
    let workshop = account.workshop;
    if let PinnedSource::Folder { .. } = pinned {
        let local = materials.local.as_ref().expect("a folder was read before planning");
        return Ok(Fetched { root: local.folder.clone(), tree: local.tree.tree.clone() });
    }
    let keyed = key::source(pinned);
    let found = |entry: crate::store::Entry| {
        Ok(Fetched {
            root: HostPath::new(entry.content().join(FILES)),
            tree: json::read(&entry.content().join(TREE))?,
        })
    };
    let _lock = workshop.lock(&keyed.key, &account.unit, Stage::Source).await?;
    if let Some(entry) = workshop.find_whole(Stage::Source, &keyed.key).await? {
        account.cached(Stage::Source, keyed.key);
        return found(entry);
    }
    let started = account.started(Stage::Source, shown(pinned));
    let draft = workshop.draft(Stage::Source, &keyed.key)?;
    let into = draft.content().join(FILES);
    fetch(pinned, materials, account, &into).await?;
    let listed = {
        let (into, cancel) = (into, workshop.cancel.clone());
        blocking(move || tree::read_tree(&into, &cancel)).await??
    };
    json::write(&draft.content().join(TREE), &listed)?;
    let detail = json!({ "tree": listed.digest(), "bytes": listed.size(), "from": shown(pinned) });
    let made = Made { ingredients: keyed.ingredients, seconds: started.elapsed().as_secs_f64(), detail };
    let entry = workshop.commit(draft, made).await?;
    account.finished(Stage::Source, keyed.key, started);
    found(entry)
}

async fn fetch(
    pinned: &PinnedSource,
    materials: &Materials<'_>,
    account: &Account<'_>,
    into: &Path,
) -> Result<(), ExecuteError> {
    let workshop = account.workshop;
    match pinned {
        PinnedSource::Folder { .. } => unreachable!("a folder is used as it lies"),
        PinnedSource::Bundled { folder, .. } => {
            bundled::write_bundled(&materials.recipe.files, folder, into)?;
        }
        PinnedSource::Git { url, reference, commit, subdir } => {
            workshop.online(|| format!("commit {commit} of {url} is not in the store"))?;
            let (url, reference, commit, subdir) =
                (url.clone(), reference.clone(), commit.clone(), subdir.clone());
            let (into, cancel) = (into.to_owned(), workshop.cancel.clone());
            let mut progress = progress(account, url.clone(), Unit::Objects);
            let checkout = blocking(move || {
                git::install_transport(http::client()?);
                let request = git::GitRequest {
                    url: &url,
                    commit: &commit,
                    reference: reference.as_deref(),
                    subdir: subdir.as_deref(),
                };
                let mut told = |done, total| progress.report(done, total);
                Ok::<_, ExecuteError>(git::fetch(&request, &into, &mut told, &cancel)?)
            })
            .await??;
            warn_about(&checkout, &materials.recipe.name, &workshop.events);
        }
        PinnedSource::Tarball { urls, sha256 } => {
            let archive = workshop.store.download(sha256);
            if !is_whole(&archive, sha256, workshop).await? {
                workshop.online(|| format!("the archive {} is not in the store", urls.join(" or ")))?;
                let mut progress = progress(account, urls.first().cloned().unwrap_or_default(), Unit::Bytes);
                let (urls, sha256) = (urls.clone(), *sha256);
                let (archive, cancel) = (archive.clone(), workshop.cancel.clone());
                blocking(move || {
                    let request = http::Download {
                        urls: &urls,
                        sha256: &sha256,
                        limit: LARGEST_ARCHIVE,
                        retries: http::Retries::default(),
                    };
                    let mut told = |done, total| progress.report(done, total);
                    http::download(&http::client()?, &request, &archive, &mut told, &cancel)
                })
                .await??;
            }
            let (into, cancel) = (into.to_owned(), workshop.cancel.clone());
            blocking(move || archive::unpack(&archive, &into, true, archive::Limits::default(), &cancel))
                .await??;
        }
    }
    Ok(())
}

/// Whether a download is there and what its name says. One that is damaged is named and removed.
async fn is_whole(archive: &Path, sha256: &Digest, workshop: &Workshop) -> Result<bool, ExecuteError> {
    let (store, name) = (workshop.store.clone(), *sha256);
    let checked = blocking(move || store.check_download(&name)).await??;
    let Some((_, condition)) = checked else { return Ok(false) };
    let Condition::Damaged(how) = condition else { return Ok(true) };
    workshop.events.emit(Event::Warning {
        message: format!("the store's {} is damaged: {how}", archive.display()),
        help: Some("it is fetched again".to_owned()),
    });
    std::fs::remove_file(archive).map_err(ExecuteError::file("removing", archive))?;
    Ok(false)
}

/// A callback that sends progress on.
fn progress(account: &Account<'_>, item: String, of: Unit) -> Steps<impl FnMut(u64, u64) + use<>> {
    let (events, unit) = (account.workshop.events.clone(), account.unit.clone());
    Steps::new(move |done, total| {
        let (unit, item) = (unit.clone(), item.clone());
        events.emit(Event::Progress { unit, stage: Stage::Source, item, done, total, of });
    })
}

fn warn_about(checkout: &git::Checkout, recipe: &RecipeName, events: &Events) {
    if !checkout.large_file_pointers.is_empty() {
        events.emit(Event::Warning {
            message: format!(
                "{} files of {} are kept in Git LFS and are not there, {} among them",
                checkout.large_file_pointers.len(),
                recipe,
                checkout.large_file_pointers[0]
            ),
            help: None,
        });
    }
    if !checkout.submodules.is_empty() {
        events.emit(Event::Warning {
            message: format!("submodules are not fetched: {}", checkout.submodules.join(", ")),
            help: None,
        });
    }
}

fn shown(pinned: &PinnedSource) -> String {
    let commit = |commit: &CommitId| commit.short().to_owned();
    match pinned {
        PinnedSource::Git { url, reference: Some(reference), commit: id, .. } => {
            format!("{url} at {reference} ({})", commit(id))
        }
        PinnedSource::Git { url, reference: None, commit: id, .. } => format!("{url} at {}", commit(id)),
        PinnedSource::Tarball { urls, .. } => urls.first().cloned().unwrap_or_default(),
        PinnedSource::Bundled { folder, .. } => format!("`{folder}` of the recipe"),
        PinnedSource::Folder { .. } => "a folder of this machine".to_owned(),
    }
}
