//! What can go wrong with a patch, told to the person who has to port it.

use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::super::confine::Escape;
use super::conflict::{Conflict, Looser};

#[derive(Debug, Error, Diagnostic)]
pub enum PatchError {
    #[error("{patch} holds no change")]
    #[diagnostic(
        code(patch::empty),
        help("is it a patch at all? `git diff` and `git format-patch` make one")
    )]
    Empty { patch: String },

    #[error("{patch} is larger than {limit} bytes")]
    #[diagnostic(code(patch::too_large), help("split it, or fork the source"))]
    TooLarge { patch: String, limit: usize },

    #[error("{patch} ends in the middle of the hunk that begins at line {line}")]
    #[diagnostic(code(patch::truncated), help("get the whole patch again"))]
    Truncated { patch: String, line: usize },

    #[error("line {line} of {patch} cannot be read: {reason}")]
    #[diagnostic(
        code(patch::malformed),
        help("was it edited by hand? `recountdiff`, or making the patch anew, puts the numbers right")
    )]
    Malformed { patch: String, line: usize, reason: &'static str },

    #[error("{patch} changes `{file}` as binary data, which is not supported")]
    #[diagnostic(code(patch::binary), help("put the file into the source, not into a patch"))]
    Binary { patch: String, file: String },

    #[error("{patch} touches `{path}`: {why}")]
    #[diagnostic(
        code(patch::outside),
        help("paths in a patch are below the source folder, with a/ and b/ before them")
    )]
    Outside { patch: String, path: String, why: Escape },

    #[error("{patch} touches `{path}`, which is a {what}")]
    #[diagnostic(code(patch::special), help("patches change regular files only"))]
    Special { patch: String, path: String, what: &'static str },

    #[error("{patch} changes `{path}`, which does not exist")]
    #[diagnostic(
        code(patch::missing_file),
        help("was it moved in this version? limit the patch with `versions`, or port it")
    )]
    MissingFile { patch: String, path: String },

    #[error("{patch} creates `{path}`, which exists already")]
    #[diagnostic(
        code(patch::file_exists),
        help("limit the patch to the versions that need it, with `versions`")
    )]
    FileExists { patch: String, path: String },

    #[error("{patch} deletes `{path}`, but more is in that file than the patch knows")]
    #[diagnostic(code(patch::not_all_deleted), help("make the patch anew for this version"))]
    NotAllDeleted { patch: String, path: String },

    #[error("{patch} is already applied")]
    #[diagnostic(
        code(patch::already_applied),
        help("this version has the change: limit the patch with `versions`, or remove it from the recipe")
    )]
    AlreadyApplied { patch: String },

    #[error("{patch} is already applied to `{file}`, but not to the other files it changes")]
    #[diagnostic(
        code(patch::partly_applied),
        help("make a patch for this version with what is still missing")
    )]
    PartlyApplied { patch: String, file: String },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Conflict(Box<Conflict>),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Looser(Box<Looser>),

    #[error("cannot use `{}`", path.display())]
    #[diagnostic(code(patch::io))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}
