//! All toolchains that can be chosen: those in the binary and those of `--toolchains DIR`.

use include_dir::{Dir, include_dir};

use super::error::ToolchainError;
use super::parse::{FILE, parse};
use crate::document::{Origin, Shelf};
use crate::model::{HostPath, Toolchain, ToolchainId, nearest};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/dockerfiles");

/// Toolchains by id. A toolchain is read when it is asked for.
#[derive(Clone, Debug)]
pub struct Catalog {
    shelf: Shelf<ToolchainId>,
}

impl Catalog {
    /// Lists the embedded toolchains and those in the folders `extra`; the later one of an id counts.
    pub fn load(extra: &[HostPath]) -> Result<Self, ToolchainError> {
        Ok(Self { shelf: Shelf::load(&EMBEDDED, FILE, extra)? })
    }

    pub fn ids(&self) -> impl Iterator<Item = &ToolchainId> {
        self.shelf.names()
    }

    /// Reads the toolchain `id`.
    pub fn get(&self, id: &str) -> Result<Toolchain, ToolchainError> {
        let files = self.shelf.files(id).ok_or_else(|| self.unknown(id))??;
        let shown = self.shelf.shown(id);
        parse(&id.parse().expect("the shelf has it, so it is an id"), &shown, files)
    }

    /// Reads every toolchain: the candidates of a choice.
    pub fn all(&self) -> Result<Vec<Toolchain>, ToolchainError> {
        self.ids().map(|id| self.get(id.as_str())).collect()
    }

    /// Where the toolchain `id` comes from.
    pub fn origin(&self, id: &str) -> Result<&Origin, ToolchainError> {
        self.shelf.origin(id).ok_or_else(|| self.unknown(id))
    }

    fn unknown(&self, name: &str) -> ToolchainError {
        ToolchainError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, self.ids().map(ToolchainId::as_str)).map(str::to_owned),
            known: self.ids().map(ToolchainId::to_string).collect(),
        }
    }
}
