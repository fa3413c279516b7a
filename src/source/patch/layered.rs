//! A tree seen through the patches that were applied to it so far. Nothing is written until somebody asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::base::{Base, Found};
use super::error::PatchError;
use super::parse::{FilePatch, parse};
use super::series::{PatchInput, PatchReport};
use super::step::{self, Through};
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
    pub now: Option<Arc<Content>>,
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
        self.apply_telling(input, &parse(input.name, input.bytes)?, &mut |_, _| {})
    }

    /// The same with what was read of the patch before, and somebody who hears how far it is.
    pub(super) fn apply_telling(
        &mut self,
        input: &PatchInput<'_>,
        files: &[FilePatch<'_>],
        through: Through<'_>,
    ) -> Result<PatchReport, PatchError> {
        let applied = step::apply(input, self, files, through)?;
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

    /// Files of the base that are gone.
    pub(super) fn removed(self) -> Vec<String> {
        let is_removed = |(_, state): &(String, State)| state.now.is_none() && state.in_base;
        self.files.into_iter().filter(is_removed).map(|(path, _)| path).collect()
    }
}

impl Base for Layered<'_> {
    fn read(&self, path: &str) -> io::Result<Found> {
        let below = match self.files.get(path) {
            Some(State { now: Some(content), .. }) => {
                return Ok(Found::File { bytes: content.bytes.clone(), executable: content.executable });
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
