//! What makes going on pointless. A failed build is not among them: it is data in the report.

use std::path::Path;

use miette::Diagnostic;
use thiserror::Error;

#[derive(Debug, Error, Diagnostic)]
pub enum ExecuteError {
    #[error("interrupted")]
    #[diagnostic(code(run::interrupted), help("run the same command again: it goes on where it stopped"))]
    Interrupted,

    #[error("--offline, and {missing}")]
    #[diagnostic(code(run::offline), help("run once without --offline; the next run needs no network"))]
    Offline { missing: String },

    #[error("a worker thread stopped: {reason}")]
    #[diagnostic(
        code(run::stopped),
        help("this is a defect of rdna-build: please report it with the log (`rdna-build logs`)")
    )]
    Stopped { reason: String },

    #[error("toolchain `{toolchain}` cannot be had: {pull}")]
    #[diagnostic(
        code(run::toolchain),
        help(
            "check the engine's way to the registry, or choose another: `rdna-build toolchains`, --toolchain ID"
        )
    )]
    Unobtainable { toolchain: String, pull: String },

    #[error("toolchain `{toolchain}` asks for other packages than when it was locked")]
    #[diagnostic(
        code(run::outdated_lock),
        help(
            "lock it again: `rdna-build toolchains lock {toolchain}`, or delete its [[toolchain]] from rdna-build.lock"
        )
    )]
    OutdatedLock { toolchain: String },

    #[error(
        "toolchain `{toolchain}` is made from an image of a registry, not from packages that could be locked"
    )]
    #[diagnostic(
        code(run::not_lockable),
        help("the digest of its base goes into the lock file when it is first pulled")
    )]
    NotLockable { toolchain: String },

    #[error("the image of toolchain `{toolchain}` could not be configured: exit code {code}\n{lines}")]
    #[diagnostic(code(run::configure), help("the whole log: `rdna-build logs`"))]
    Configure { toolchain: String, code: i64, lines: String },

    #[error("the image of toolchain `{toolchain}` holds no package database")]
    #[diagnostic(code(run::no_packages), help("only Debian-based images can be used as toolchains today"))]
    NoPackages { toolchain: String },

    #[error("the list of packages in the image of toolchain `{toolchain}` cannot be read: {reason}")]
    #[diagnostic(code(run::packages), help("the image is not one of Debian's kind, or its base is broken"))]
    DamagedPackages { toolchain: String, reason: String },

    #[error("the toolchain `{toolchain}` cannot build anything: parts of it clash")]
    #[diagnostic(
        code(run::conflict),
        help("`rdna-build toolchains inspect {toolchain}` shows what it holds")
    )]
    Conflicts {
        toolchain: String,
        #[related]
        conflicts: Vec<super::toolchain::ConflictFault>,
    },

    #[error("{doing} `{path}`: {reason}")]
    #[diagnostic(code(run::file))]
    File { doing: &'static str, path: String, reason: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] crate::engine::EngineError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Inspect(#[from] crate::inspect::InspectError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] crate::store::StoreError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] crate::lockfile::LockFileError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Git(#[from] crate::source::git::GitError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Http(#[from] crate::source::http::HttpError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Archive(#[from] crate::source::ArchiveError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Tree(#[from] crate::source::TreeError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Bundled(#[from] crate::source::BundledError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Patch(#[from] crate::source::patch::PatchError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Debian(#[from] crate::source::debian::DebianError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Toolchain(#[from] crate::toolchain::ToolchainError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(#[from] crate::build::BuildError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Verify(#[from] super::verify::VerifyError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Package(#[from] crate::package::PackageError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Attest(#[from] crate::attest::AttestError),
}

impl ExecuteError {
    /// Says what was being done with which path, for `map_err`.
    pub(super) fn file<E: std::fmt::Display>(doing: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |error| Self::File { doing, path: path.display().to_string(), reason: error.to_string() }
    }
}
