//! What can go wrong with the lock file.

use std::io;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use crate::model::{CommitId, Digest};

#[derive(Debug, Error, Diagnostic)]
pub enum LockFileError {
    #[error("{} is not a lock file that can be used", path.display())]
    #[diagnostic(
        code(lockfile::invalid),
        help("mend the lines named below, or delete the file: all pins are then resolved anew")
    )]
    Invalid {
        path: PathBuf,
        #[source_code]
        text: NamedSource<String>,
        #[related]
        mistakes: Vec<Mistake>,
    },

    #[error("{} has version {version}, this rdna-build knows version 1", path.display())]
    #[diagnostic(code(lockfile::version), help("use the rdna-build that wrote it, or delete the file"))]
    Version { path: PathBuf, version: i64 },

    #[error("`{reference}` of {url} is commit {found} now, rdna-build.lock pins it to {pinned}")]
    #[diagnostic(
        code(lockfile::moved),
        help(
            "if the new commit is right, delete the [[source]] with this url and reference from rdna-build.lock and run again"
        )
    )]
    CommitMoved { url: String, reference: String, pinned: CommitId, found: CommitId },

    #[error("image `{reference}` is sha256:{found} now, rdna-build.lock pins it to sha256:{pinned}")]
    #[diagnostic(
        code(lockfile::moved),
        help(
            "if the new image is right, delete the [[image]] with this reference from rdna-build.lock and run again"
        )
    )]
    ImageMoved { reference: String, pinned: Digest, found: Digest },

    #[error("{doing} {} failed", path.display())]
    #[diagnostic(
        code(lockfile::io),
        help("check the folder's rights, or name another file: RDNA_BUILD_LOCK_FILE=PATH")
    )]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

/// One mistake of a lock file, at its line.
#[derive(Clone, Debug, Error, Diagnostic)]
#[error("line {line}: {message}")]
pub struct Mistake {
    pub line: usize,
    pub message: String,
    #[label]
    pub(super) at: SourceSpan,
}

impl LockFileError {
    pub(super) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
