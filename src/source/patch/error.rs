//! What can go wrong with a patch, told to the person who has to port it.

use std::io;
use std::path::PathBuf;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use super::super::confine::Escape;

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

    #[error("cannot use `{}`", path.display())]
    #[diagnostic(code(patch::io))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// A hunk that fits nowhere.
#[derive(Debug, Error, Diagnostic)]
#[error(
    "{patch} does not apply: hunk {number} of {file} ({header}, line {header_line} of the patch) fits nowhere"
)]
#[diagnostic(code(patch::conflict), help("{}", self.advice()))]
pub struct Conflict {
    pub patch: String,
    pub file: String,
    /// From 1, among the hunks of this file.
    pub number: usize,
    /// The `@@` line.
    pub header: String,
    /// Where it stands in the patch, from 1.
    pub header_line: usize,
    /// The line of the file, from 1, where the hunk comes nearest to fitting, and how many of its lines do.
    pub nearest: Option<Nearest>,
    /// What the patch expects at the first line that differs there.
    pub expected: String,
    /// What the file holds instead; nothing at its end.
    pub found: Option<String>,
    /// The line of the file, from 1, that differs.
    pub found_line: usize,
    #[source_code]
    pub(super) text: NamedSource<String>,
    #[label("{}", self.difference())]
    pub(super) span: SourceSpan,
}

/// Where a hunk comes nearest to fitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    pub line: usize,
    pub fitting: usize,
    pub of: usize,
}

impl Conflict {
    fn difference(&self) -> String {
        match &self.found {
            Some(found) => format!("line {} of {} is `{found}`", self.found_line, self.file),
            None => format!("{} ends before line {}", self.file, self.found_line),
        }
    }

    fn advice(&self) -> String {
        match self.nearest {
            Some(Nearest { line, fitting, of }) => format!(
                "at line {line} of {} {fitting} of {of} lines fit; port the patch to this version, or limit it with `versions`",
                self.file
            ),
            None => {
                "no line of it is in the file; port the patch to this version, or limit it with `versions`"
                    .to_owned()
            }
        }
    }
}
