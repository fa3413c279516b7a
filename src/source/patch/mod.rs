//! Patches: reads unified diffs (plain, git, mail), applies a series of them, all or nothing, and makes them.
//!
//! Why not a library's apply: none says where it put a hunk, and a person who ports a patch needs just that. A hunk fits
//! exactly, at its line; only when the recipe asks for it elsewhere (an offset) or without its outermost lines of context
//! (fuzz), which is always reported. Nothing is guessed by similarity.
//!
//! [`Base`] says what a file holds before the series; [`Layered`] is a base seen through patches. Only files that patches
//! touch are read, and only they are written, into a scratch folder. What becomes of them is the caller's part.

mod base;
mod conflict;
pub mod desk;
mod error;
mod exact;
mod explain;
mod hunks;
mod layered;
mod make;
mod names;
mod overlay;
mod parse;
mod place;
mod series;
mod show;
mod sides;
mod stat;
mod status;
mod step;
#[cfg(test)]
mod tests;
mod trial;

pub use base::{Base, FolderBase, Found};
pub use conflict::{Conflict, LooseHunk, Looser, Nearest};
pub use error::PatchError;
pub use layered::Layered;
pub use make::{MakeError, Side, header, make};
pub use parse::{Change, FilePatch, Hunk, HunkLine, LineEnd, LineKind, parse};
pub use series::{HunkReport, PatchInput, PatchReport, Patched, PatchedFile, apply_series};
pub use sides::{Numbered, Row};
pub use status::{PatchStatus, status};
pub use trial::{Trial, trial};
