//! Applies a series of patches to a tree, in memory, and writes what they touched when all of them fitted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::thread;

use serde::Serialize;

use super::base::Base;
use super::error::PatchError;
use super::layered::{Layered, State};
use super::overlay::Overlay;
use super::parse::{FilePatch, parse};
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
/// absent. When one patch does not fit, nothing is left there.
pub fn apply_series(
    patches: &[PatchInput<'_>],
    base: &dyn Base,
    scratch: &Path,
) -> Result<Patched, PatchError> {
    let parsed: Vec<_> =
        patches.iter().map(|input| parse(input.name, input.bytes)).collect::<Result<_, _>>()?;
    let last = last_changes(&parsed);
    let overlay = Overlay::new(scratch);
    let (finish, finished) = mpsc::channel();
    let finished = Mutex::new(finished);
    let outcome = thread::scope(|scope| {
        // Gone when this is left, however it is: the helper's sign to stop.
        let finish = finish;
        let helper = scope.spawn(|| overlay.write(&finished));
        let mut tree = Layered::new(base);
        let mut applied = Vec::new();
        for ((input, files), last) in patches.iter().zip(&parsed).zip(&last) {
            let mut through = |file: usize, changed: &BTreeMap<String, State>| {
                for path in &last[file] {
                    if let Some(content) = changed.get(path).and_then(|state| state.now.clone()) {
                        finish.send((path.clone(), content)).expect("the receiver outlives the sender");
                    }
                }
            };
            applied.push(tree.apply_telling(input, files, &mut through)?);
        }
        drop(finish);
        let own = overlay.write(&finished);
        helper.join().expect("writing does not panic").and(own)?;
        Ok((tree.removed(), applied))
    });
    match outcome {
        Ok((removed, applied)) => Ok(Patched { overlay: overlay.finish(), removed, applied }),
        Err(error) => {
            overlay.undo();
            Err(error)
        }
    }
}

/// For each file of each patch the paths that nothing behind it changes.
fn last_changes(patches: &[Vec<FilePatch<'_>>]) -> Vec<Vec<Vec<String>>> {
    let mut seen = BTreeSet::new();
    let mut last: Vec<Vec<Vec<String>>> = Vec::new();
    for patch in patches.iter().rev() {
        let mut of_patch: Vec<_> = patch
            .iter()
            .rev()
            .map(|file| {
                let changes = file.change.changes().into_iter().map(str::to_owned);
                changes.filter(|path| seen.insert(path.clone())).collect()
            })
            .collect();
        of_patch.reverse();
        last.push(of_patch);
    }
    last.reverse();
    last
}
