//! What must be true of the library that a recipe builds, whoever built it.

use super::target::GfxTarget;

/// From `checks/library.toml` of a recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibraryFacts {
    pub api: Option<LibraryApi>,
    /// Files below the prefix that hold what was compiled or tuned for a target before; `{target}` and `*` stand for
    /// the target and for any text without `/`.
    pub databases: Vec<String>,
    pub gaps: Vec<Gap>,
}

/// Which functions the library exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryApi {
    /// Below the prefix.
    pub headers: Vec<String>,
    /// The word in front of each exported declaration, e.g. `MIOPEN_EXPORT`.
    pub marker: String,
}

/// A text that a library must hold for what else it holds to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub id: String,
    /// What fails without it.
    pub why: String,
    /// Empty: all.
    pub targets: Vec<GfxTarget>,
    /// The library that holds this …
    pub holds: String,
    /// … must hold this.
    pub needs: String,
    pub remedy: Option<String>,
}

impl Gap {
    pub fn concerns(&self, target: GfxTarget) -> bool {
        self.targets.is_empty() || self.targets.contains(&target)
    }
}
