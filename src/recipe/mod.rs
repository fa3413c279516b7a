//! Text to recipe: finds recipes, reads them, and tells every mistake of one at once, each at its line.
//!
//! Reads only the recipe's own folder. Fetching sources, applying patches and choosing a toolchain are for others.

mod book;
mod calls;
mod checks;
mod error;
mod kernels;
mod keys;
mod lint;
mod mark;
mod outputs;
mod packaging;
mod parse;
mod proof;
mod proven;
mod series;
mod suites;
mod versions;

#[cfg(test)]
mod tests;

pub use book::RecipeBook;
pub use error::RecipeError;
pub use lint::{Linted, lint};
pub use proven::{PROVEN_FILE, Proven, write as write_proven};
