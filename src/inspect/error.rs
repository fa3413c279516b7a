//! Why nothing could be looked into.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::engine::EngineError;

#[derive(Debug, Error, Diagnostic)]
pub enum InspectError {
    #[error("{} cannot be looked into: {error}", path.display())]
    #[diagnostic(
        code(inspect::root),
        help("name the folder that is the root of a system, e.g. an unpacked root file system")
    )]
    Root { path: PathBuf, error: std::io::Error },

    #[error("what {what} holds cannot be read: {reason}")]
    #[diagnostic(code(inspect::stream), help("try again; the engine ended its answer early"))]
    Stream { what: String, reason: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),
}
