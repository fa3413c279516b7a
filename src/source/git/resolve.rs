//! Which commit a tag or branch means now.

use git2::{Direction, Oid, Remote};
use tokio_util::sync::CancellationToken;

use super::super::address::redacted;
use super::super::argument::{is_abbreviated, is_reference};
use super::error::GitError;
use super::{Place, commit_id, place, prepare_library};
use crate::model::CommitId;

/// Asks the repository at `url` which commit `reference` is: a tag, a branch, a full reference name or, without
/// one, what is checked out there by default. A full commit id is taken at its word.
pub fn resolve(url: &str, reference: Option<&str>, cancel: &CancellationToken) -> Result<CommitId, GitError> {
    if let Some(commit) = reference.and_then(|reference| reference.parse().ok()) {
        return Ok(commit);
    }
    let advertised = Advertised::ask(url, cancel)?;
    let Some(reference) = reference else {
        return advertised.head().ok_or_else(|| advertised.unknown("HEAD"));
    };
    match advertised.find(reference) {
        Some(found) => Ok(commit_id(found.commit)),
        None if is_abbreviated(reference) => {
            Err(GitError::Abbreviated { url: redacted(url), reference: reference.to_owned() })
        }
        None => Err(advertised.unknown(reference)),
    }
}

/// The references a repository offers.
pub(super) struct Advertised<'a> {
    url: &'a str,
    heads: Vec<(String, Oid)>,
}

/// A reference a repository offers, with the commit behind it.
pub(super) struct Found<'a> {
    pub name: &'a str,
    pub commit: Oid,
    pub is_tag: bool,
}

impl<'a> Advertised<'a> {
    pub(super) fn ask(url: &'a str, cancel: &CancellationToken) -> Result<Self, GitError> {
        prepare_library();
        if cancel.is_cancelled() {
            return Err(GitError::Cancelled { url: redacted(url) });
        }
        let address = match place(url)? {
            Place::Remote => url.to_owned(),
            Place::Local(path) => path.to_string_lossy().into_owned(),
        };
        let failed = |error| GitError::unreachable(url, &error);
        let mut remote = Remote::create_detached(address).map_err(failed)?;
        let connection = remote.connect_auth(Direction::Fetch, None, None).map_err(failed)?;
        let heads = connection.list().map_err(failed)?;
        let heads = heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect();
        Ok(Self { url, heads })
    }

    fn oid(&self, name: &str) -> Option<(&str, Oid)> {
        self.heads.iter().find(|(known, _)| known == name).map(|(known, oid)| (known.as_str(), *oid))
    }

    fn head(&self) -> Option<CommitId> {
        self.oid("HEAD").map(|(_, oid)| commit_id(oid))
    }

    /// Looks the way git does: a tag before a branch. The commit of an annotated tag stands under `name^{}`.
    pub(super) fn find(&self, reference: &str) -> Option<Found<'_>> {
        if !is_reference(reference) {
            return None;
        }
        let tag = format!("refs/tags/{reference}");
        let branch = format!("refs/heads/{reference}");
        [tag.as_str(), branch.as_str(), reference].into_iter().find_map(|name| {
            let (name, oid) = self.oid(name)?;
            Some(self.peeled(name, oid))
        })
    }

    /// A reference whose commit is `commit`: it can be fetched from every server.
    pub(super) fn with_commit(&self, commit: Oid) -> Option<Found<'_>> {
        self.heads
            .iter()
            .filter(|(name, _)| name.starts_with("refs/tags/") || name.starts_with("refs/heads/"))
            .filter(|(name, _)| !name.ends_with("^{}"))
            .map(|(name, oid)| self.peeled(name, *oid))
            .find(|found| found.commit == commit)
    }

    fn peeled<'b>(&'b self, name: &'b str, oid: Oid) -> Found<'b> {
        let commit = self.oid(&format!("{name}^{{}}")).map_or(oid, |(_, peeled)| peeled);
        Found { name, commit, is_tag: name.starts_with("refs/tags/") }
    }

    fn unknown(&self, reference: &str) -> GitError {
        let names = self.heads.iter().filter_map(|(name, _)| {
            name.strip_prefix("refs/tags/").or_else(|| name.strip_prefix("refs/heads/"))
        });
        GitError::UnknownReference {
            url: redacted(self.url),
            reference: reference.to_owned(),
            near: nearest(reference, names.filter(|name| !name.ends_with("^{}"))),
        }
    }
}

/// The three names nearest to `reference`, if they are near at all.
fn nearest<'a>(reference: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = names
        .filter(|name| name.len() <= 256 && reference.len() <= 256)
        .map(|name| (strsim::damerau_levenshtein(reference, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(reference.len()) / 4)
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name.to_owned()).collect()
}
