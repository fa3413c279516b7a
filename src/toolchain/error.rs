//! What can be wrong with a toolchain, and with an image that should be one.

use miette::Diagnostic;
use thiserror::Error;

use crate::document::{FolderError, Mistake};
use crate::model::{GuestPath, LlvmVersion, ToolchainId};

#[derive(Debug, Error, Diagnostic)]
pub enum ToolchainError {
    #[error("no toolchain is named `{name}`")]
    #[diagnostic(code(toolchain::unknown), help("{}", what_instead(nearest.as_deref(), known)))]
    Unknown { name: String, nearest: Option<String>, known: Vec<String> },

    #[error("the toolchain `{name}` has {}", if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) })]
    #[diagnostic(
        code(toolchain::invalid),
        help("correct the folder's files; docs/toolchain.schema.json has every key")
    )]
    Invalid {
        name: String,
        #[related]
        mistakes: Vec<Mistake>,
    },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),

    #[error("the image of the toolchain `{id}` is not what toolchain.toml promises")]
    #[diagnostic(
        code(toolchain::claims),
        help(
            "correct the claims, or name the packages that hold them where they are installed; then the image is made anew"
        )
    )]
    Claims {
        id: ToolchainId,
        #[related]
        faults: Vec<ClaimFault>,
    },

    #[error("the image's list of installed packages is damaged in line {line}: {reason}")]
    #[diagnostic(
        code(toolchain::status),
        help("the image is not one of Debian's kind, or its base is broken")
    )]
    Status { line: usize, reason: &'static str },
}

/// A promise that an image does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum ClaimFault {
    #[error("{claim} is claimed, but its package {package} is not installed")]
    NotInstalled { claim: String, package: String },

    #[error("{claim} is claimed, but {package} is installed in version {found}")]
    OtherVersion { claim: String, package: String, found: String },

    #[error("{claim} is claimed, but there is no {file}")]
    NoFile { claim: String, file: GuestPath },

    #[error("{claim} is claimed, but {compiler} is of LLVM {found}, as {proof} says")]
    OtherLlvm { claim: String, compiler: GuestPath, found: LlvmVersion, proof: GuestPath },

    #[error("an image without the promised {language} compiler: there is no {file}")]
    NoCompiler { language: &'static str, file: GuestPath },
}

pub(super) fn what_instead(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => {
            "no toolchain is known; name a folder of toolchains with --toolchains DIR".to_owned()
        }
        None => format!("known are {}; more come with --toolchains DIR", known.join(", ")),
    }
}
