//! What can go wrong with installing.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::venv::VenvError;
use crate::package::PackageError;

#[derive(Debug, Error, Diagnostic)]
pub enum InstallError {
    #[error("{} cannot be installed into: {why}", folder.display())]
    #[diagnostic(code(install::prefix), help("choose another folder with --prefix DIR"))]
    BadBase { folder: PathBuf, why: &'static str },

    #[error("the package calls its {what} `{text}`, which no folder can be named after")]
    #[diagnostic(code(install::title), help("it was not made by rdna-build, or was changed since"))]
    BadTitle { what: &'static str, text: String },

    #[error("the sha256 of {} is {found}, the file beside it says {expected}", archive.display())]
    #[diagnostic(
        code(install::digest),
        help("get the package again; if it is the right one, remove {}", beside.display())
    )]
    WrongDigest { archive: PathBuf, found: String, expected: String, beside: PathBuf },

    #[error("{} is in the way: {why}", path.display())]
    #[diagnostic(code(install::occupied), help("move it away, or choose another folder with --prefix DIR"))]
    Occupied { path: PathBuf, why: &'static str },

    #[error("nothing is installed in {}", base.display())]
    #[diagnostic(
        code(install::nothing),
        help(
            "install a package: rdna-build install PACKAGE; or name the folder it is in: --prefix DIR, --user"
        )
    )]
    NothingInstalled { base: PathBuf },

    #[error("no installed package is meant by `{word}`")]
    #[diagnostic(code(install::unknown))]
    Unknown {
        word: String,
        #[help]
        help: String,
    },

    #[error("`{word}` can mean {}", candidates.join(", "))]
    #[diagnostic(code(install::ambiguous), help("name one of them"))]
    Ambiguous { word: String, candidates: Vec<String> },

    #[error(
        "{} holds what was not installed:{}",
        folder.display(),
        differences.iter().map(|one| format!("\n  {one}")).collect::<String>()
    )]
    #[diagnostic(
        code(install::changed),
        help("move away what you need of it; `--force` removes all the same")
    )]
    Changed { folder: PathBuf, differences: Vec<String> },

    #[error("no version of {link} was current before {}", current.as_deref().unwrap_or("this"))]
    #[diagnostic(
        code(install::no_earlier),
        help("`rdna-build installed` lists what there is; installing a version makes it current")
    )]
    NoEarlier { link: String, current: Option<String> },

    #[error("{} holds no libraries", folder.display())]
    #[diagnostic(code(install::no_libraries), help("name a package that has some"))]
    NoLibraries { folder: PathBuf },

    #[error("no room left while {doing} {}: {free} bytes are free there", path.display())]
    #[diagnostic(code(install::full), help("free some space, or choose another folder with --prefix DIR"))]
    Full { doing: &'static str, path: PathBuf, free: u64 },

    #[error("no right to go on while {doing} {}: {source}", path.display())]
    #[diagnostic(
        code(install::denied),
        help("choose a folder of yours: --user, or --prefix DIR; or do it as the folder's owner")
    )]
    Denied { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("{doing} {} failed: {source}", path.display())]
    #[diagnostic(code(install::io))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("interrupted while waiting for {holder}")]
    #[diagnostic(code(install::interrupted), help("nothing was changed"))]
    InterruptedWaiting { holder: String },

    #[error("interrupted")]
    #[diagnostic(code(install::interrupted), help("nothing was changed"))]
    Interrupted,

    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(PackageError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Venv(#[from] VenvError),
}

/// The same words whoever met the trouble: what is full or denied is the base, not a package's folder.
impl From<PackageError> for InstallError {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Full { doing, path, free } => InstallError::Full { doing, path, free },
            PackageError::Denied { doing, path, source } => InstallError::Denied { doing, path, source },
            PackageError::Io { doing, path, source } => InstallError::Io { doing, path, source },
            PackageError::Cancelled => InstallError::Interrupted,
            other => InstallError::Package(other),
        }
    }
}

impl InstallError {
    /// Says what was being done with which path, for `map_err`.
    pub(super) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    let stat = path.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok());
                    let free = stat.map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
                    Self::Full { doing, path, free }
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::Denied { doing, path, source }
                }
                _ => Self::Io { doing, path, source },
            }
        }
    }
}
