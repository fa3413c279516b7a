//! All recipes that can be asked for: those in the binary and those of `--recipes DIR`.

use include_dir::{Dir, include_dir};

use super::error::RecipeError;
use super::parse::{FILE, parse};
use crate::document::{Origin, Shelf};
use crate::model::{HostPath, Recipe, RecipeName, nearest};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/recipes");

/// Recipes by name. A recipe is read when it is asked for, so a mistake in one does not stop the others.
#[derive(Clone, Debug)]
pub struct RecipeBook {
    shelf: Shelf<RecipeName>,
}

impl RecipeBook {
    /// Lists the embedded recipes and those in the folders `extra`; the later one of a name counts.
    pub fn load(extra: &[HostPath]) -> Result<Self, RecipeError> {
        Ok(Self { shelf: Shelf::load(&EMBEDDED, FILE, extra)? })
    }

    pub fn names(&self) -> impl Iterator<Item = &RecipeName> {
        self.shelf.names()
    }

    /// Reads the recipe `name`.
    pub fn get(&self, name: &str) -> Result<Recipe, RecipeError> {
        let files = self.shelf.files(name).ok_or_else(|| self.unknown(name))??;
        parse(name, &self.shelf.shown(name), files).map(|(recipe, _)| recipe)
    }

    /// Where the recipe `name` comes from.
    pub fn origin(&self, name: &str) -> Result<&Origin, RecipeError> {
        self.shelf.origin(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> RecipeError {
        RecipeError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, self.names().map(RecipeName::as_str)).map(str::to_owned),
            known: self.names().map(RecipeName::to_string).collect(),
        }
    }
}
