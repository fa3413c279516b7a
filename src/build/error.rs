//! What can go wrong in a build.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::failure::FirstError;
use crate::engine::EngineError;
use crate::model::Step;

#[derive(Debug, Error, Diagnostic)]
pub enum BuildError {
    #[error("{} failed with exit code {code}{}", step.as_str(), shown(first))]
    #[diagnostic(
        code(build::failed),
        help("the whole log: `rdna-build logs`; a shell as the build sees it: `rdna-build shell <recipe>`")
    )]
    Step { step: Step, code: i64, first: Option<FirstError> },

    #[error("{} was killed for want of memory at {jobs} jobs{}", step.as_str(), shown(first))]
    #[diagnostic(code(build::out_of_memory), help("give it fewer jobs (`--jobs {}`) or more memory (`--memory`)", (jobs / 2).max(1)))]
    OutOfMemory { step: Step, jobs: u32, first: Option<FirstError> },

    #[error("no room left in the build container: {} failed{}", step.as_str(), shown(first))]
    #[diagnostic(
        code(build::disk_full),
        help(
            "free space where the engine keeps its volumes (`docker system df`), then run again: the build goes on where it stopped"
        )
    )]
    DiskFull { step: Step, first: Option<FirstError> },

    #[error("the build container was stopped from outside during {}", step.as_str())]
    #[diagnostic(
        code(build::stopped),
        help("somebody or something killed it; run again: the build goes on where it stopped")
    )]
    Stopped { step: Step },

    #[error("the build succeeded but installed nothing")]
    #[diagnostic(
        code(build::nothing_installed),
        help("check the recipe's install rules and prefix: `rdna-build logs` shows the install step")
    )]
    NothingInstalled,

    #[error("the build installed `{path}`, which {reason}")]
    #[diagnostic(
        code(build::hostile_output),
        help("the build's install step must stay below the prefix; see `rdna-build logs`")
    )]
    Output { path: String, reason: &'static str },

    #[error("`{path}` changed while it was being read")]
    #[diagnostic(code(build::source_changed), help("run again when nothing writes to the source folder"))]
    SourceChanged { path: String },

    #[error("cannot read `{path}`: {reason}")]
    #[diagnostic(code(build::read))]
    Read { path: String, reason: String },

    #[error("cannot write `{path}`: {reason}")]
    #[diagnostic(code(build::write))]
    Write { path: String, reason: String },

    #[error("no room left while writing {}", path.display())]
    #[diagnostic(
        code(build::store_full),
        help("free some space (`rdna-build cache gc --older-than 7d`), or move the store: --store DIR")
    )]
    StoreFull { path: PathBuf },

    #[error("the container {container} cannot be removed: something in it waits for a driver")]
    #[diagnostic(
        code(build::unkillable),
        help("look at `dmesg`; a restart of the machine ends it, and the next run removes what is left")
    )]
    Unkillable { container: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),
}

fn shown(first: &Option<FirstError>) -> String {
    match first {
        Some(first) => format!("\n{}", first.to_string().trim_end()),
        None => String::new(),
    }
}
