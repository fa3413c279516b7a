//! Applies a series of patches to a tree, in memory, and writes what they touched when all of them fitted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use miette::NamedSource;

use super::base::{Base, Found};
use super::error::{Conflict, Nearest, PatchError};
use super::parse::{Change, FilePatch, Hunk, LineKind, lines, parse};
use super::place::{Direction, Misfit, Place, place};
use super::show::{excerpt, shown};
use crate::model::Digest;

/// A patch as the recipe gives it.
#[derive(Clone, Copy, Debug)]
pub struct PatchInput<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// Lines of context at each end of a hunk that need not fit.
    pub fuzz: u8,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HunkReport {
    pub file: String,
    /// From 1, among the hunks of this file.
    pub number: usize,
    /// The file's line, from 1, where it went.
    pub line: usize,
    pub offset: i64,
    pub fuzz: u8,
    /// How many other places of the file would have done as well.
    pub elsewhere: usize,
    /// The patch's lines end otherwise than the file's, and were made to end alike.
    pub line_ends_adapted: bool,
}

/// Applies `patches` in order to what `base` holds and writes the touched files below `scratch`, which must be empty or
/// absent. When one patch does not fit, nothing is written.
pub fn apply_series(
    patches: &[PatchInput<'_>],
    base: &dyn Base,
    scratch: &Path,
) -> Result<Patched, PatchError> {
    let mut view = View { base, files: BTreeMap::new() };
    let mut applied = Vec::with_capacity(patches.len());
    for input in patches {
        let files = parse(input.name, input.bytes)?;
        let mut step = Step { input, before: &view, changed: BTreeMap::new(), hunks: Vec::new() };
        for file in &files {
            if let Err(error) = step.apply(file) {
                return Err(step.explained(error, file, &files));
            }
        }
        let Step { changed, hunks, .. } = step;
        view.files.extend(changed);
        applied.push(PatchReport { name: input.name.to_owned(), hunks });
    }
    let (overlay, removed) = write(view.files, scratch)?;
    Ok(Patched { overlay, removed, applied })
}

/// A file after some patches.
#[derive(Clone)]
struct State {
    /// Nothing once it is deleted.
    now: Option<Content>,
    in_base: bool,
}

#[derive(Clone, PartialEq)]
struct Content {
    bytes: Vec<u8>,
    executable: bool,
}

/// The tree after the patches before.
struct View<'a> {
    base: &'a dyn Base,
    files: BTreeMap<String, State>,
}

/// One patch in the making.
struct Step<'v> {
    input: &'v PatchInput<'v>,
    before: &'v View<'v>,
    changed: BTreeMap<String, State>,
    hunks: Vec<HunkReport>,
}

impl Step<'_> {
    fn patch(&self) -> String {
        self.input.name.to_owned()
    }

    fn state(&self, path: &str) -> Result<State, PatchError> {
        if let Some(state) = self.changed.get(path).or_else(|| self.before.files.get(path)) {
            return Ok(state.clone());
        }
        let special = |what| PatchError::Special { patch: self.patch(), path: path.to_owned(), what };
        match self.before.base.read(path) {
            Ok(Found::Absent) => Ok(State { now: None, in_base: false }),
            Ok(Found::File { bytes, executable }) => {
                Ok(State { now: Some(Content { bytes, executable }), in_base: true })
            }
            Ok(Found::Folder) => Err(special("folder")),
            Ok(Found::Symlink) => Err(special("symlink")),
            Err(error) => Err(PatchError::Io { path: PathBuf::from(path), error }),
        }
    }

    fn existing(&self, path: &str) -> Result<(State, Content), PatchError> {
        let state = self.state(path)?;
        match state.now.clone() {
            Some(content) => Ok((state, content)),
            None => Err(PatchError::MissingFile { patch: self.patch(), path: path.to_owned() }),
        }
    }

    /// The state of a path where a file is to be made: nothing there, and nothing but folders above.
    fn vacant(&self, path: &str) -> Result<State, PatchError> {
        let exists = |path: &str| PatchError::FileExists { patch: self.patch(), path: path.to_owned() };
        for (slash, _) in path.match_indices('/') {
            match self.state(&path[..slash]) {
                Ok(state) if state.now.is_some() => return Err(exists(&path[..slash])),
                Ok(_) | Err(PatchError::Special { what: "folder", .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let below = format!("{path}/");
        let is_folder = |files: &BTreeMap<String, State>| {
            files
                .range(below.clone()..)
                .take_while(|(other, _)| other.starts_with(&below))
                .any(|(_, state)| state.now.is_some())
        };
        if is_folder(&self.changed) || is_folder(&self.before.files) {
            return Err(exists(path));
        }
        let state = self.state(path)?;
        match state.now {
            Some(_) => Err(exists(path)),
            None => Ok(state),
        }
    }

    fn set(&mut self, path: &str, now: Option<Content>, in_base: bool) {
        self.changed.insert(path.to_owned(), State { now, in_base });
    }

    fn apply(&mut self, file: &FilePatch<'_>) -> Result<(), PatchError> {
        match &file.change {
            Change::Modify { path } => {
                let (state, content) = self.existing(path)?;
                let content = self.hunks(file, content)?;
                self.set(path, Some(content), state.in_base);
            }
            Change::Create { path } => {
                let state = self.vacant(path)?;
                let content = self.hunks(file, Content { bytes: Vec::new(), executable: false })?;
                self.set(path, Some(content), state.in_base);
            }
            Change::Delete { path } => {
                let (state, content) = self.existing(path)?;
                if !self.hunks(file, content)?.bytes.is_empty() {
                    return Err(PatchError::NotAllDeleted { patch: self.patch(), path: path.clone() });
                }
                self.set(path, None, state.in_base);
            }
            Change::Rename { from, to } => {
                let (state, content) = self.existing(from)?;
                self.set(from, None, state.in_base);
                let target = self.vacant(to)?;
                let content = self.hunks(file, content)?;
                self.set(to, Some(content), target.in_base);
            }
            Change::Copy { from, to } => {
                let (_, content) = self.existing(from)?;
                let target = self.vacant(to)?;
                let content = self.hunks(file, content)?;
                self.set(to, Some(content), target.in_base);
            }
        }
        Ok(())
    }

    fn hunks(&mut self, file: &FilePatch<'_>, content: Content) -> Result<Content, PatchError> {
        let executable = file.executable.unwrap_or(content.executable);
        let path = file.change.path();
        let placed = place(&content.bytes, &file.hunks, Direction::Forward, self.input.fuzz)
            .map_err(|misfit| self.conflict(file, &content.bytes, &misfit))?;
        let reports = placed.hunks.iter().enumerate().map(|(index, place)| report(path, index, place));
        self.hunks.extend(reports);
        if !is_exact(&placed.hunks) && is_applied_exactly(&content.bytes, file) {
            // It would fit a second time, somewhere else.
            return Err(PatchError::AlreadyApplied { patch: self.patch() });
        }
        Ok(Content { bytes: placed.bytes, executable })
    }

    fn conflict(&self, file: &FilePatch<'_>, bytes: &[u8], misfit: &Misfit) -> PatchError {
        let hunk = &file.hunks[misfit.hunk];
        let line = &hunk.lines[misfit.line];
        let found = lines(bytes).nth(misfit.against).map(|(text, _)| shown(text));
        let (text, span) = excerpt(self.input.bytes, line.line);
        PatchError::Conflict(Box::new(Conflict {
            patch: self.patch(),
            file: file.change.path().to_owned(),
            number: misfit.hunk + 1,
            header: shown(hunk.header),
            header_line: hunk.line,
            nearest: misfit.nearest.map(|(at, fitting)| Nearest { line: at + 1, fitting, of: misfit.wanted }),
            expected: shown(line.text),
            found,
            found_line: misfit.against + 1,
            text: NamedSource::new(self.input.name, text),
            span: span.into(),
        }))
    }

    /// Tells a patch that the tree already has from one that does not fit.
    fn explained(&self, error: PatchError, failed: &FilePatch<'_>, files: &[FilePatch<'_>]) -> PatchError {
        let mut fresh =
            Step { input: self.input, before: self.before, changed: BTreeMap::new(), hunks: Vec::new() };
        if files.iter().all(|file| fresh.is_applied(file)) {
            return PatchError::AlreadyApplied { patch: self.patch() };
        }
        match fresh.is_applied(failed) {
            true => PatchError::PartlyApplied { patch: self.patch(), file: failed.change.path().to_owned() },
            false => error,
        }
    }

    fn is_applied(&mut self, file: &FilePatch<'_>) -> bool {
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
                place(b"", &file.hunks, Direction::Forward, 0)
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
    place(bytes, &file.hunks, Direction::Reverse, 0).is_ok_and(|placed| is_exact(&placed.hunks))
}

/// Whether the file holds what the hunks make, and not what they replace.
fn is_applied(bytes: &[u8], file: &FilePatch<'_>) -> bool {
    // A hunk that leaves no line behind leaves no trace either.
    let leaves_trace = |hunk: &Hunk<'_>| hunk.lines.iter().any(|line| line.kind != LineKind::Delete);
    if !file.hunks.iter().all(leaves_trace) {
        return false;
    }
    let forward = place(bytes, &file.hunks, Direction::Forward, 0);
    match place(bytes, &file.hunks, Direction::Reverse, 0) {
        Ok(reverse) => forward.is_err() || is_exact(&reverse.hunks),
        Err(_) => false,
    }
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

type Written = (BTreeMap<String, PatchedFile>, Vec<String>);

fn write(files: BTreeMap<String, State>, scratch: &Path) -> Result<Written, PatchError> {
    let mut overlay = BTreeMap::new();
    let mut removed = Vec::new();
    for (path, state) in files {
        match state.now {
            Some(content) => {
                let full = scratch.join(&path);
                write_file(&full, &content).map_err(|error| PatchError::Io { path: full.clone(), error })?;
                let file = PatchedFile {
                    content: full,
                    sha256: Digest::of(&content.bytes),
                    size: content.bytes.len() as u64,
                    executable: content.executable,
                };
                overlay.insert(path, file);
            }
            None if state.in_base => removed.push(path),
            None => {}
        }
    }
    Ok((overlay, removed))
}

fn write_file(full: &Path, content: &Content) -> io::Result<()> {
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options()
        .write(true)
        .create_new(true)
        .mode(if content.executable { 0o755 } else { 0o644 })
        .open(full)?
        .write_all(&content.bytes)
}
