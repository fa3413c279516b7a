//! Why nothing could be verified at all.

use miette::Diagnostic;
use thiserror::Error;

#[derive(Debug, Error, Diagnostic)]
pub enum VerifyError {
    #[error("{name} holds no shared library that could be verified")]
    #[diagnostic(
        code(verify::no_library),
        help("the recipe's [[outputs]] of kind \"shared-library\" say which one it is")
    )]
    NoLibrary { name: String },

    #[error("{path} is no library that could be verified: {reason}")]
    #[diagnostic(
        code(verify::not_a_library),
        help("name a shared library, e.g. --library /usr/lib/x86_64-linux-gnu/libMIOpen.so.1")
    )]
    NotALibrary { path: String, reason: String },

    #[error("{prefix} holds no package of rdna-build: {reason}")]
    #[diagnostic(
        code(verify::not_installed),
        help(
            "name the folder that the package was unpacked to; `--library FILE` verifies a library of others"
        )
    )]
    NotInstalled { prefix: String, reason: String },

    #[error("the engine has no image `{image}`")]
    #[diagnostic(
        code(verify::no_image),
        help("pull or build it first; only images that are there are looked into")
    )]
    NoImage { image: String },

    #[error("the image `{image}` has no file {path}")]
    #[diagnostic(
        code(verify::not_in_image),
        help("see what it holds: `rdna-build toolchains inspect {image}`")
    )]
    NotInImage { image: String, path: String },

    #[error("{prefix} is no emulator that can be used: {reason}")]
    #[diagnostic(
        code(verify::no_emulator),
        help("--emulator takes the folder that ROCm's rocjitsu was installed to, with bin/rocjitsu in it")
    )]
    NoEmulator { prefix: String, reason: String },

    #[error("the image `{image}` holds {count} MIOpen libraries")]
    #[diagnostic(code(verify::which_library), help("say which one with --library PATH{}", paths))]
    WhichLibrary { image: String, count: usize, paths: String },
}
