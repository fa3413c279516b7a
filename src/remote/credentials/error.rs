//! What can go wrong with passwords. None of it repeats one.

use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

#[derive(Debug, Error, Diagnostic)]
pub enum CredentialsError {
    #[error("{} cannot be read: {reason}", path.display())]
    #[diagnostic(
        code(credentials::unreadable),
        help("Docker's configuration is JSON: mend it, or move it away")
    )]
    Unreadable { path: PathBuf, reason: String },

    #[error("{} cannot be written: {source}", path.display())]
    #[diagnostic(code(credentials::unwritable), help("see whose it is: `ls -l`"))]
    Unwritable { path: PathBuf, source: io::Error },

    #[error("the password helper {program} failed: {reason}")]
    #[diagnostic(
        code(credentials::helper),
        help(
            "Docker's configuration names it in `credsStore` or `credHelpers`: install it, or remove its name there"
        )
    )]
    Helper { program: String, reason: String },

    #[error("no file is known that a password could be kept in: neither DOCKER_CONFIG nor HOME is set")]
    #[diagnostic(code(credentials::no_file), help("name the folder: DOCKER_CONFIG=/path/to/folder"))]
    NoFile,
}
