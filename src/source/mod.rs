//! Sources: git, http, local folders, archives, what recipes bundle, and the patches on top.
//!
//! The only part of the program, besides the making of an image, that reaches outside. Everything that comes in is
//! hostile until proven: paths and symlinks stay in their folder ([`confine`]), downloads match their digest, sizes
//! have limits. Functions block; async callers use `spawn_blocking`. Where things lie in the store, and when something is
//! fetched at all, is decided elsewhere.

pub mod address;
pub mod archive;
pub mod argument;
pub mod bundled;
pub mod confine;
pub mod debian;
pub mod git;
pub mod http;
pub mod local;
pub mod patch;
mod reach;
pub mod stat_cache;
pub mod tree;

pub use archive::{ArchiveError, unpack};
pub use argument::{ArgumentError, parse_source_argument};
pub use bundled::{BundledError, write_bundled};
pub use local::{LocalTree, read_local};
pub use reach::{Reached, reach};
pub use stat_cache::StatCache;
pub use tree::{TreeError, read_tree};
