//! Fetches one commit, as little of the repository as the server allows.

use std::fs;
use std::path::Path;

use git2::{AutotagOption, FetchOptions, Oid, RemoteCallbacks, Repository};
use tokio_util::sync::CancellationToken;

use super::super::address::redacted;
use super::checkout::{self, Checkout};
use super::error::GitError;
use super::resolve::Advertised;
use super::{Place, commit_id, place, prepare_library, reason};
use crate::model::CommitId;

/// The commit that is wanted and how to find it.
#[derive(Clone, Copy, Debug)]
pub struct GitRequest<'a> {
    pub url: &'a str,
    pub commit: &'a CommitId,
    /// The tag or branch the commit was pinned from. A tag that names another commit by now is an error, unless the server
    /// gives the commit by its id.
    pub reference: Option<&'a str>,
    /// Only this folder of the tree.
    pub subdir: Option<&'a str>,
}

const PIN: &str = "refs/rdna-build/pin";

/// Writes the files of a commit into `into`, which must be empty or absent, without any `.git`.
///
/// Tries, in turn: a reference that is this commit (depth 1), the commit by its id (depth 1, not every server allows
/// it), everything. `progress` counts objects while fetching. Nothing is left in `into` after an error.
pub fn fetch(
    request: &GitRequest<'_>,
    into: &Path,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<Checkout, GitError> {
    prepare_library();
    let oid = Oid::from_str(request.commit.as_str()).expect("a commit id is 40 hexadecimal digits");
    let repository;
    let draft;
    match place(request.url)? {
        Place::Local(path) => {
            repository =
                Repository::open(&path).map_err(|error| GitError::unreachable(request.url, &error))?;
        }
        Place::Remote => {
            // Beside the target, so that a full disk shows in the right place.
            let beside = into.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(beside).map_err(|error| GitError::io(beside, error))?;
            draft = tempfile::Builder::new()
                .prefix(".git-")
                .tempdir_in(beside)
                .map_err(|error| GitError::io(beside, error))?;
            repository = Repository::init_bare(draft.path()).map_err(|error| damaged(request, &error))?;
            fetch_objects(&repository, request, oid, progress, cancel)?;
        }
    }
    if repository.find_commit(oid).is_err() {
        return Err(GitError::NoSuchCommit { url: redacted(request.url), commit: request.commit.clone() });
    }
    checkout::write(&repository, request, oid, into, cancel)
}

fn fetch_objects(
    repository: &Repository,
    request: &GitRequest<'_>,
    oid: Oid,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<(), GitError> {
    let advertised = Advertised::ask(request.url, cancel)?;
    let named = request.reference.and_then(|reference| advertised.find(reference));
    let same = named.as_ref().filter(|found| found.commit == oid).map(|found| found.name.to_owned());
    if let Some(name) = same.or_else(|| advertised.with_commit(oid).map(|found| found.name.to_owned())) {
        let refspec = format!("+{name}:{PIN}");
        return run(repository, request, &[refspec], 1, progress, cancel);
    }
    // By its id: many servers allow it, and libgit2 says so only by failing.
    let by_id = run(repository, request, &[format!("+{oid}:{PIN}")], 1, progress, cancel);
    match by_id {
        Ok(()) if repository.find_commit(oid).is_ok() => return Ok(()),
        Err(GitError::Cancelled { url }) => return Err(GitError::Cancelled { url }),
        Ok(()) | Err(_) => {}
    }
    if let (Some(reference), Some(found)) = (request.reference, named.filter(|found| found.is_tag)) {
        return Err(GitError::MovedTag {
            url: redacted(request.url),
            reference: reference.to_owned(),
            expected: request.commit.clone(),
            found: commit_id(found.commit),
        });
    }
    // A branch that went on since: the commit is somewhere in the history.
    let all = ["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()];
    run(repository, request, &all, 0, progress, cancel)
}

fn run(
    repository: &Repository,
    request: &GitRequest<'_>,
    refspecs: &[String],
    depth: i32,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<(), GitError> {
    let mut remote = repository
        .remote_anonymous(request.url)
        .map_err(|error| GitError::unreachable(request.url, &error))?;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(|stats| {
        progress(stats.received_objects() as u64, stats.total_objects() as u64);
        !cancel.is_cancelled()
    });
    callbacks.sideband_progress(|_| !cancel.is_cancelled());
    let mut options = FetchOptions::new();
    options.remote_callbacks(callbacks).download_tags(AutotagOption::None).update_fetchhead(false);
    if depth > 0 {
        options.depth(depth);
    }
    let outcome = remote.fetch(refspecs, Some(&mut options), None);
    drop(options);
    match outcome {
        Ok(()) => Ok(()),
        Err(_) if cancel.is_cancelled() => Err(GitError::Cancelled { url: redacted(request.url) }),
        Err(error) => Err(GitError::unreachable(request.url, &error)),
    }
}

pub(super) fn damaged(request: &GitRequest<'_>, error: &git2::Error) -> GitError {
    GitError::Damaged { url: redacted(request.url), commit: request.commit.clone(), reason: reason(error) }
}
