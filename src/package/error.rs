//! What can go wrong with packages.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;

#[derive(Debug, Error, Diagnostic)]
pub enum PackageError {
    #[error("`{name}` is no package format; known: {}", super::FORMATS.map(|format| format.name).join(", "))]
    #[diagnostic(code(package::format), help("use --format {}", super::DEFAULT_FORMAT))]
    UnknownFormat { name: String },

    #[error("a package of the format {format} is not unpacked here")]
    #[diagnostic(
        code(package::not_unpackable),
        help(
            "give it to the distribution's own tool, or take the package that ends in .{}",
            super::DEFAULT_FORMAT
        )
    )]
    NotUnpackable { format: &'static str },

    #[error("nothing is known of {name} that a package manager asks for")]
    #[diagnostic(
        code(package::undescribed),
        help("it was built by an older version: build it again, with --rebuild")
    )]
    Undescribed { name: String },

    #[error("{} cannot be made: {reason}", archive.display())]
    #[diagnostic(
        code(package::refused),
        help("correct what the recipe or the setting says, or take --format {}", super::DEFAULT_FORMAT)
    )]
    Refused { archive: PathBuf, reason: String },

    #[error("`{name}` cannot be part of a package's file names or paths")]
    #[diagnostic(
        code(package::name),
        help("use letters, digits, `.`, `_`, `+` and `-`; a prefix has `/` between such parts and no `..`")
    )]
    BadName { name: String },

    #[error("the build ended well but installed nothing below {prefix}")]
    #[diagnostic(
        code(package::nothing_installed),
        help(
            "check that `prefix` in the recipe is what the project's install rules use, and that its install target installs something"
        )
    )]
    NothingInstalled { prefix: String },

    #[error(
        "the build ended well but did not install what the recipe promises below {prefix}:{}",
        problems.iter().map(|problem| format!("\n  {problem}")).collect::<String>()
    )]
    #[diagnostic(
        code(package::outputs),
        help("look for why in the build's log; if the build is right, correct [[outputs]] in the recipe")
    )]
    Outputs { prefix: String, problems: Vec<OutputProblem> },

    #[error("symlink {path} -> {target} leads {why}")]
    #[diagnostic(
        code(package::symlink),
        help(
            "links in a package are relative, with `..` only at the start, and stay inside it: patch the project's install rules"
        )
    )]
    Symlink { path: String, target: String, why: &'static str },

    #[error("{path} is a {kind}, which no package can hold")]
    #[diagnostic(code(package::special), help("a package holds files, folders and symlinks only"))]
    Special { path: String, kind: &'static str },

    #[error("the name of {} is not UTF-8", path.display())]
    #[diagnostic(code(package::encoding), help("patch the project's install rules to use a readable name"))]
    NotUtf8 { path: PathBuf },

    #[error("{path} changed since it was collected: its sha256 is {found}, the manifest says {expected}")]
    #[diagnostic(code(package::changed), help("run again; if it stays so, check the disk"))]
    Changed { path: String, found: Digest, expected: Digest },

    #[error("{path} changed since it was collected: its size is not {expected} any more")]
    #[diagnostic(code(package::changed), help("run again; if it stays so, check the disk"))]
    Resized { path: String, expected: u64 },

    #[error("the manifest lists `{path}`, which {why}")]
    #[diagnostic(
        code(package::manifest_path),
        help("a package's paths are relative, unique, and its manifest is its own")
    )]
    BadPath { path: String, why: &'static str },

    #[error("{} is not a package of rdna-build: {reason}", archive.display())]
    #[diagnostic(code(package::not_ours), help("check its digest against the .sha256 beside it"))]
    NotOurs { archive: PathBuf, reason: String },

    #[error("no room left while {doing} {}: {free} bytes are free there", path.display())]
    #[diagnostic(code(package::full), help("free some space, or choose another folder with --output"))]
    Full { doing: &'static str, path: PathBuf, free: u64 },

    #[error("no right to go on while {doing} {}: {source}", path.display())]
    #[diagnostic(
        code(package::denied),
        help("choose another folder with --output, or make this one writable")
    )]
    Denied { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("{doing} {} failed: {source}", path.display())]
    #[diagnostic(code(package::io))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("cancelled")]
    #[diagnostic(code(package::cancelled))]
    Cancelled,
}

/// What is wrong with one promised output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputProblem {
    Missing { path: String },
    WrongKind { path: String, expected: String, found: String },
}

impl fmt::Display for OutputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutputProblem::Missing { path } => write!(f, "{path} is missing"),
            OutputProblem::WrongKind { path, expected, found } => {
                write!(f, "{path} is {found}, expected {expected}")
            }
        }
    }
}

impl PackageError {
    /// Says why an archive is none of ours.
    pub(super) fn not_ours(archive: &Path, reason: impl ToString) -> Self {
        Self::NotOurs { archive: archive.to_owned(), reason: reason.to_string() }
    }

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
