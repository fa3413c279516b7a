//! Applies a series of patches to a tree, in memory, and writes what they touched when all of them fitted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::base::Base;
use super::error::PatchError;
use super::layered::Layered;
use crate::model::{Digest, Fit};

/// A patch as the recipe gives it.
#[derive(Clone, Copy, Debug)]
pub struct PatchInput<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// What its hunks may give up.
    pub fit: Fit,
}

/// A tree's differences after the series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patched {
    /// Files that are new or changed, by path in the tree.
    pub overlay: BTreeMap<String, PatchedFile>,
    /// Files of the base that are gone.
    pub removed: Vec<String>,
    pub applied: Vec<PatchReport>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchedFile {
    /// Where its new content lies, in the scratch folder.
    pub content: PathBuf,
    pub sha256: Digest,
    pub size: u64,
    pub executable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchReport {
    pub name: String,
    pub hunks: Vec<HunkReport>,
}

/// How a hunk fitted. All zero: exactly where the patch says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HunkReport {
    pub file: String,
    /// From 1, among the hunks of this file.
    pub number: usize,
    /// The file's line, from 1, where it went.
    pub line: usize,
    /// Lines between there and where the patch says; below 0 is further up.
    pub offset: i64,
    /// Lines of context that were given up at an end.
    pub fuzz: u8,
    /// How many other places of the file would have done as well; 0 where all hunks of the file stand exactly.
    pub elsewhere: usize,
    /// The patch's lines end otherwise than the file's, and were made to end alike.
    pub line_ends_adapted: bool,
}

impl HunkReport {
    /// The least that had to be allowed.
    pub fn needs(&self) -> Fit {
        match (self.fuzz, self.offset) {
            (0, 0) => Fit::Exact,
            (0, _) => Fit::Offset,
            (1, _) => Fit::Fuzz1,
            (_, _) => Fit::Fuzz2,
        }
    }
}

/// Applies `patches` in order to what `base` holds and writes the touched files below `scratch`, which must be empty or
/// absent. When one patch does not fit, nothing is written.
pub fn apply_series(
    patches: &[PatchInput<'_>],
    base: &dyn Base,
    scratch: &Path,
) -> Result<Patched, PatchError> {
    let mut tree = Layered::new(base);
    let applied = patches.iter().map(|input| tree.apply(input)).collect::<Result<_, _>>()?;
    let (overlay, removed) = tree.write(scratch)?;
    Ok(Patched { overlay, removed, applied })
}
