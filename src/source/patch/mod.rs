//! Patches: reads unified diffs (plain, git, mail) and applies a series of them, all or nothing.
//!
//! Why not a library's apply: none says where it put a hunk, and a person who ports a patch needs just that. Every hunk
//! fits exactly: at its line, or elsewhere (an offset, which is reported), or, only when the recipe asks for it, without its
//! outermost lines of context (fuzz, reported too). Nothing is guessed by similarity.
//!
//! [`Base`] says what a file holds before the series; only files that patches touch are read, and only they are written, into
//! a scratch folder. What becomes of them is the caller's part.

mod base;
mod error;
mod hunks;
mod names;
mod parse;
mod place;
mod series;
mod show;
#[cfg(test)]
mod tests;

pub use base::{Base, FolderBase, Found};
pub use error::{Conflict, PatchError};
pub use parse::{Change, FilePatch, Hunk, HunkLine, LineEnd, LineKind, parse};
pub use series::{HunkReport, PatchInput, PatchReport, Patched, PatchedFile, apply_series};
