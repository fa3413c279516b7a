//! Folders with one TOML file that people write by hand: read from the binary or the disk, bounded, with every mistake
//! collected and placed at its line.
//!
//! Knows TOML, places in text and safe file reading. What the keys mean is left to `recipe` and `toolchain`.

mod folder;
mod mistake;
mod reader;
mod shelf;
mod value;

#[cfg(test)]
pub(crate) mod testing;

pub use folder::{FolderError, read_folder};
pub use mistake::{Mistake, Mistakes, Place};
pub use reader::{Field, Keys, Section, read};
pub use shelf::{Origin, Shelf};
pub use value::{capability, variable};
