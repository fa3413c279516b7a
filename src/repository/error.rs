//! What can go wrong with a repository.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::package::PackageError;

#[derive(Debug, Error, Diagnostic)]
pub enum RepositoryError {
    #[error("{} is no package for apt or dnf", path.display())]
    #[diagnostic(
        code(repository::not_a_package),
        help("give files that end in .deb or .rpm: `rdna-build build … --format deb,rpm` makes them")
    )]
    NotAPackage { path: PathBuf },

    #[error("{} cannot be published: {reason}", path.display())]
    #[diagnostic(
        code(repository::unreadable),
        help("check its digest against the .sha256 beside it, or make it again")
    )]
    Unreadable { path: PathBuf, reason: String },

    #[error("{} is in the repository already, with other bytes", path.display())]
    #[diagnostic(
        code(repository::other_bytes),
        help(
            "whoever installed it would never get the new one: build with a higher --revision. To replace it nevertheless, delete it there first"
        )
    )]
    OtherBytes { path: PathBuf },

    #[error("someone else is publishing into {}", folder.display())]
    #[diagnostic(code(repository::busy), help("wait until that has ended, and try again"))]
    Busy { folder: PathBuf },

    #[error("the key cannot sign {what}: {reason}")]
    #[diagnostic(code(repository::sign), help("`rdna-build sign --help` tells which keys can sign"))]
    Sign { what: &'static str, reason: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] PackageError),

    #[error("{doing} {} failed: {source}", path.display())]
    #[diagnostic(code(repository::io), help("see that the folder can be written to and has room"))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl RepositoryError {
    /// Says what was being done with which path, for `map_err`.
    pub(super) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
