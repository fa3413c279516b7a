//! A tree seen through the patches that were applied to it so far. Nothing is written until somebody asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::base::{Base, Found};
use super::error::PatchError;
use super::series::{PatchInput, PatchReport, PatchedFile};
use super::step;
use crate::model::{Digest, Node, Tree};

/// What a base holds after some patches.
pub struct Layered<'a> {
    base: &'a dyn Base,
    files: BTreeMap<String, State>,
}

/// A file after some patches.
#[derive(Clone)]
pub(super) struct State {
    /// Nothing once it is deleted.
    pub now: Option<Content>,
    pub in_base: bool,
}

#[derive(Clone, PartialEq)]
pub(super) struct Content {
    pub bytes: Vec<u8>,
    pub executable: bool,
}

impl<'a> Layered<'a> {
    pub fn new(base: &'a dyn Base) -> Self {
        Self { base, files: BTreeMap::new() }
    }

    /// Adds a patch, if all of it fits with no more than it may give up; else changes nothing.
    pub fn apply(&mut self, input: &PatchInput<'_>) -> Result<PatchReport, PatchError> {
        let applied = step::apply(input, self)?;
        Ok(self.take(applied, input.name))
    }

    pub(super) fn take(&mut self, applied: step::Applied, name: &str) -> PatchReport {
        self.files.extend(applied.changed);
        PatchReport { name: name.to_owned(), hunks: applied.hunks }
    }

    /// The base's tree with what the patches did to it.
    pub fn tree(&self, mut base: Tree) -> Tree {
        for (path, state) in &self.files {
            match &state.now {
                Some(content) => base.nodes.insert(path.clone(), content.node()),
                None => base.nodes.remove(path),
            };
        }
        base
    }

    /// What patches made of `path`, if one touched it.
    pub(super) fn touched(&self, path: &str) -> Option<&State> {
        self.files.get(path)
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        is_folder(&self.files, path)
    }

    /// Writes every file that is new or changed below `scratch`; says which files of the base are gone.
    pub(super) fn write(
        self,
        scratch: &Path,
    ) -> Result<(BTreeMap<String, PatchedFile>, Vec<String>), PatchError> {
        let mut overlay = BTreeMap::new();
        let mut removed = Vec::new();
        for (path, state) in self.files {
            match state.now {
                Some(content) => {
                    let full = scratch.join(&path);
                    write_file(&full, &content)
                        .map_err(|error| PatchError::Io { path: full.clone(), error })?;
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
}

impl Base for Layered<'_> {
    fn read(&self, path: &str) -> io::Result<Found> {
        let below = match self.files.get(path) {
            Some(State { now: Some(Content { bytes, executable }), .. }) => {
                return Ok(Found::File { bytes: bytes.clone(), executable: *executable });
            }
            Some(State { now: None, .. }) => Found::Absent,
            None => self.base.read(path)?,
        };
        match below {
            Found::Absent if self.is_folder(path) => Ok(Found::Folder),
            found => Ok(found),
        }
    }
}

impl fmt::Debug for Layered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.files.keys()).finish()
    }
}

impl Content {
    fn node(&self) -> Node {
        let size = self.bytes.len() as u64;
        Node::File { sha256: Digest::of(&self.bytes), size, executable: self.executable }
    }
}

/// Whether a file lies below `path`.
pub(super) fn is_folder(files: &BTreeMap<String, State>, path: &str) -> bool {
    let below = format!("{path}/");
    files
        .range(below.clone()..)
        .take_while(|(other, _)| other.starts_with(&below))
        .any(|(_, state)| state.now.is_some())
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
