//! Sources: git, http, local folders, archives, what recipes bundle, and the patches on top.
//!
//! The only part of the program, besides the making of an image, that reaches outside. Everything that comes in is
//! hostile until proven: paths and symlinks stay in their folder ([`confine`]), downloads match their digest, sizes
//! have limits. Functions block; async callers use `spawn_blocking`. Where things lie in the store, and when something is
//! fetched at all, is decided elsewhere.

pub mod address;
pub mod archive;
pub mod bundled;
pub mod confine;
pub mod http;

pub use archive::{ArchiveError, unpack};
pub use bundled::{BundledError, write_bundled};
