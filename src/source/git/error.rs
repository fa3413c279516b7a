//! What can go wrong with a git source.

use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::super::address::scrubbed;
use super::super::confine::Escape;
use super::reason;
use crate::model::CommitId;

#[derive(Debug, Error, Diagnostic)]
pub enum GitError {
    #[error("{url} is not an address git sources can come from")]
    #[diagnostic(code(git::scheme), help("use https://, http://, git://, file:// or a folder"))]
    Scheme { url: String },

    #[error("{url} is not on this machine")]
    #[diagnostic(code(git::not_local), help("clone it, then give the clone's folder"))]
    NotLocal { url: String },

    #[error("cannot reach {url}: {reason}")]
    #[diagnostic(
        code(git::unreachable),
        help("check the address and the network, or give a local clone: --source FOLDER")
    )]
    Unreachable { url: String, reason: String },

    #[error("{url} has no tag or branch `{reference}`{}", shown_near(near))]
    #[diagnostic(code(git::unknown_reference), help("`git ls-remote {url}` lists what there is"))]
    UnknownReference { url: String, reference: String, near: Vec<String> },

    #[error("`{reference}` is an abbreviated commit, which names no commit of {url} for sure")]
    #[diagnostic(code(git::abbreviated), help("give all 40 digits"))]
    Abbreviated { url: String, reference: String },

    #[error("tag `{reference}` of {url} is now {found}, it was {expected}")]
    #[diagnostic(
        code(git::moved_tag),
        help(
            "somebody moved the tag; if the new commit is the one you want, put it into the recipe, or remove the source's entry from rdna-build.lock"
        )
    )]
    MovedTag { url: String, reference: String, expected: CommitId, found: CommitId },

    #[error("{url} has no commit {commit}")]
    #[diagnostic(
        code(git::no_such_commit),
        help("check the commit in the recipe and in rdna-build.lock; it may have been rewritten upstream")
    )]
    NoSuchCommit { url: String, commit: CommitId },

    #[error("commit {commit} of {url} cannot be read: {reason}")]
    #[diagnostic(
        code(git::damaged),
        help("run again to fetch it anew; a local repository is checked by `git fsck`")
    )]
    Damaged { url: String, commit: CommitId, reason: String },

    #[error("commit {commit} has no folder `{subdir}`")]
    #[diagnostic(
        code(git::no_such_folder),
        help("set `subdir` of the recipe to a folder of this version's tree")
    )]
    NoSuchFolder { commit: CommitId, subdir: String },

    #[error("commit {commit} holds `{path}`, which may not be written: {why}")]
    #[diagnostic(code(git::hostile_path), help("do not build this source: no honest repository holds it"))]
    HostilePath { commit: CommitId, path: String, why: Escape },

    #[error("commit {commit} holds symlink `{path}` to `{target}`: {why}")]
    #[diagnostic(
        code(git::hostile_symlink),
        help("set `subdir` to the folder that is needed, if the symlink lies elsewhere")
    )]
    HostileSymlink { commit: CommitId, path: String, target: String, why: Escape },

    #[error("`{path}` in commit {commit} is twice there, or once as a file and once as a folder")]
    #[diagnostic(code(git::twice), help("do not build this source: no honest repository holds it"))]
    Twice { commit: CommitId, path: String },

    #[error("`{path}` in commit {commit} makes the source larger than {limit} bytes")]
    #[diagnostic(code(git::too_large), help("set `subdir` of the recipe to the folder that is needed"))]
    TooLarge { commit: CommitId, path: String, limit: u64 },

    #[error("{} is not empty", folder.display())]
    #[diagnostic(code(git::not_empty), help("remove it: sources are written into a folder of their own"))]
    NotEmpty { folder: PathBuf },

    #[error("no room left for {}", path.display())]
    #[diagnostic(code(git::disk_full), help("free space on this file system, then run again"))]
    DiskFull { path: PathBuf },

    #[error("cannot write {}", path.display())]
    #[diagnostic(code(git::unwritable))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },

    #[error("fetching {url} was cancelled")]
    #[diagnostic(code(git::cancelled))]
    Cancelled { url: String },
}

impl GitError {
    pub(super) fn unreachable(url: &str, error: &git2::Error) -> Self {
        GitError::Unreachable { url: super::redacted(url), reason: scrubbed(&reason(error), url) }
    }

    pub(super) fn io(path: &std::path::Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                GitError::DiskFull { path: path.to_owned() }
            }
            _ => GitError::Io { path: path.to_owned(), error },
        }
    }
}

fn shown_near(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; near are {}", near.join(", ")),
    }
}
