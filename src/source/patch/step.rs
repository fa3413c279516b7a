//! One patch of a series: applied whole to the tree that the patches before it left, or not at all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::base::{Base as _, Found};
use super::error::PatchError;
use super::exact;
use super::explain;
use super::layered::{Content, Layered, State, is_folder};
use super::parse::{Change, FilePatch, Hunk, LineKind};
use super::place::{Direction, Place, Placed, place, search_all};
use super::series::{HunkReport, PatchInput};
use crate::model::Fit;

/// What a patch makes of the files it touches.
pub(super) struct Applied {
    pub changed: BTreeMap<String, State>,
    pub hunks: Vec<HunkReport>,
}

/// Why not, and at which of the patch's files.
pub(super) struct Failed {
    pub error: PatchError,
    pub file: usize,
}

/// Hears when a patch is through with one of its files: its number, and what the patch made so far.
pub(super) type Through<'t> = &'t mut dyn FnMut(usize, &BTreeMap<String, State>);

/// Applies a patch with what it may give up; tells what is the matter if it does not fit.
pub(super) fn apply(
    input: &PatchInput<'_>,
    before: &Layered<'_>,
    files: &[FilePatch<'_>],
    through: Through<'_>,
) -> Result<Applied, PatchError> {
    try_telling(input, before, files, input.fit, through)
        .map_err(|failed| explain::explained(input, before, files, failed))
}

/// Applies a patch with what it may give up or more.
pub(super) fn try_with(
    input: &PatchInput<'_>,
    before: &Layered<'_>,
    files: &[FilePatch<'_>],
    fit: Fit,
) -> Result<Applied, Failed> {
    try_telling(input, before, files, fit, &mut |_, _| {})
}

fn try_telling(
    input: &PatchInput<'_>,
    before: &Layered<'_>,
    files: &[FilePatch<'_>],
    fit: Fit,
    through: Through<'_>,
) -> Result<Applied, Failed> {
    let mut step = Step::new(input, before, fit);
    for (index, file) in files.iter().enumerate() {
        step.apply(file).map_err(|error| Failed { error, file: index })?;
        through(index, &step.changed);
    }
    Ok(Applied { changed: step.changed, hunks: step.hunks })
}

/// A patch in the making.
pub(super) struct Step<'v> {
    input: &'v PatchInput<'v>,
    before: &'v Layered<'v>,
    fit: Fit,
    changed: BTreeMap<String, State>,
    hunks: Vec<HunkReport>,
}

impl<'v> Step<'v> {
    pub(super) fn new(input: &'v PatchInput<'v>, before: &'v Layered<'v>, fit: Fit) -> Self {
        Self { input, before, fit, changed: BTreeMap::new(), hunks: Vec::new() }
    }

    fn patch(&self) -> String {
        self.input.name.to_owned()
    }

    fn state(&self, path: &str) -> Result<State, PatchError> {
        if let Some(state) = self.changed.get(path).or_else(|| self.before.touched(path)) {
            return Ok(state.clone());
        }
        let special = |what| PatchError::Special { patch: self.patch(), path: path.to_owned(), what };
        match self.before.read(path) {
            Ok(Found::Absent) => Ok(State { now: None, in_base: false }),
            Ok(Found::File { bytes, executable }) => {
                Ok(State { now: Some(Arc::new(Content { bytes, executable })), in_base: true })
            }
            Ok(Found::Folder) => Err(special("folder")),
            Ok(Found::Symlink) => Err(special("symlink")),
            Err(error) => Err(PatchError::Io { path: PathBuf::from(path), error }),
        }
    }

    /// What a file holds, and whether the base has it.
    fn existing(&self, path: &str) -> Result<(Content, bool), PatchError> {
        match self.state(path)? {
            State { now: Some(content), in_base } => Ok((Arc::unwrap_or_clone(content), in_base)),
            State { now: None, .. } => {
                Err(PatchError::MissingFile { patch: self.patch(), path: path.to_owned() })
            }
        }
    }

    /// Checks that a file may be made at a path: nothing is there, and nothing but folders above. Says whether the base has
    /// a file there.
    fn vacant(&self, path: &str) -> Result<bool, PatchError> {
        let exists = |path: &str| PatchError::FileExists { patch: self.patch(), path: path.to_owned() };
        for (slash, _) in path.match_indices('/') {
            match self.state(&path[..slash]) {
                Ok(state) if state.now.is_some() => return Err(exists(&path[..slash])),
                Ok(_) | Err(PatchError::Special { what: "folder", .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if is_folder(&self.changed, path) || self.before.is_folder(path) {
            return Err(exists(path));
        }
        match self.state(path)? {
            State { now: Some(_), .. } => Err(exists(path)),
            State { now: None, in_base } => Ok(in_base),
        }
    }

    fn set(&mut self, path: &str, now: Option<Content>, in_base: bool) {
        self.changed.insert(path.to_owned(), State { now: now.map(Arc::new), in_base });
    }

    fn apply(&mut self, file: &FilePatch<'_>) -> Result<(), PatchError> {
        match &file.change {
            Change::Modify { path } => {
                let (content, in_base) = self.existing(path)?;
                let content = self.hunks(file, content)?;
                self.set(path, Some(content), in_base);
            }
            Change::Create { path } => {
                let in_base = self.vacant(path)?;
                let content = self.hunks(file, Content { bytes: Vec::new(), executable: false })?;
                self.set(path, Some(content), in_base);
            }
            Change::Delete { path } => {
                let (content, in_base) = self.existing(path)?;
                if !self.hunks(file, content)?.bytes.is_empty() {
                    return Err(PatchError::NotAllDeleted { patch: self.patch(), path: path.clone() });
                }
                self.set(path, None, in_base);
            }
            Change::Rename { from, to } => {
                let (content, in_base) = self.existing(from)?;
                self.set(from, None, in_base);
                let in_base = self.vacant(to)?;
                let content = self.hunks(file, content)?;
                self.set(to, Some(content), in_base);
            }
            Change::Copy { from, to } => {
                let (content, _) = self.existing(from)?;
                let in_base = self.vacant(to)?;
                let content = self.hunks(file, content)?;
                self.set(to, Some(content), in_base);
            }
        }
        Ok(())
    }

    fn hunks(&mut self, file: &FilePatch<'_>, content: Content) -> Result<Content, PatchError> {
        let executable = file.executable.unwrap_or(content.executable);
        let path = file.change.path();
        let placed = match exact::find(&content.bytes, &file.hunks, Direction::Forward) {
            Some(exact) => exact.rewrite(content.bytes),
            None => self.search(file, &content.bytes)?,
        };
        let reports = placed.hunks.iter().enumerate().map(|(index, place)| report(path, index, place));
        self.hunks.extend(reports);
        Ok(Content { bytes: placed.bytes, executable })
    }

    fn search(&self, file: &FilePatch<'_>, bytes: &[u8]) -> Result<Placed, PatchError> {
        let placed = search_all(bytes, &file.hunks, Direction::Forward, self.fit)
            .map_err(|misfit| explain::conflict(self.input, file, bytes, &misfit))?;
        if !is_exact(&placed.hunks) && is_applied_exactly(bytes, file) {
            // It would fit a second time, somewhere else.
            return Err(PatchError::AlreadyApplied { patch: self.patch() });
        }
        Ok(placed)
    }

    /// Whether the tree before this patch has what it does to `file`.
    pub(super) fn is_applied(&self, file: &FilePatch<'_>) -> bool {
        let content = |path: &str| self.state(path).ok().and_then(|state| state.now);
        let is_gone = |path: &str| self.state(path).is_ok_and(|state| state.now.is_none());
        let holds = |path: &str| {
            content(path).is_some_and(|content| {
                let mode_fits = file.executable.is_none_or(|executable| executable == content.executable);
                mode_fits && (file.hunks.is_empty() || is_applied(&content.bytes, file))
            })
        };
        match &file.change {
            Change::Modify { path } | Change::Copy { to: path, .. } => holds(path),
            Change::Create { path } => content(path).is_some_and(|content| {
                place(b"", &file.hunks, Direction::Forward, Fit::Exact)
                    .is_ok_and(|created| created.bytes == content.bytes)
            }),
            Change::Delete { path } => is_gone(path),
            Change::Rename { from, to } => is_gone(from) && holds(to),
        }
    }
}

fn is_exact(places: &[Place]) -> bool {
    places.iter().all(|place| place.offset == 0 && place.fuzz == 0)
}

fn is_applied_exactly(bytes: &[u8], file: &FilePatch<'_>) -> bool {
    place(bytes, &file.hunks, Direction::Reverse, Fit::Exact).is_ok()
}

/// Whether the file holds what the hunks make, and not what they replace.
fn is_applied(bytes: &[u8], file: &FilePatch<'_>) -> bool {
    if !file.hunks.iter().all(leaves_trace) {
        return false;
    }
    match place(bytes, &file.hunks, Direction::Reverse, Fit::Offset) {
        Ok(reverse) => {
            is_exact(&reverse.hunks) || place(bytes, &file.hunks, Direction::Forward, Fit::Offset).is_err()
        }
        Err(_) => false,
    }
}

/// Whether a hunk can be seen once it is applied: not if it leaves no line behind.
fn leaves_trace(hunk: &Hunk<'_>) -> bool {
    hunk.lines.iter().any(|line| line.kind != LineKind::Delete)
}

fn report(file: &str, index: usize, place: &Place) -> HunkReport {
    HunkReport {
        file: file.to_owned(),
        number: index + 1,
        line: place.at + 1,
        offset: place.offset,
        fuzz: place.fuzz,
        elsewhere: place.elsewhere,
        line_ends_adapted: place.ends_adapted,
    }
}
