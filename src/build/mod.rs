//! From prepared sources to an installed tree, inside a container: where it runs (`session`, `workspace`), what its
//! output says (`ninja`, `failure`), and what comes out (`collect`); and the container of a proof (`lab`).
//!
//! Knows the engine only through its trait. Fetching, patching, keys and packing are left to others.

pub mod collect;
mod container;
mod error;
pub mod failure;
pub mod identity;
pub mod lab;
pub mod ninja;
pub mod session;
pub mod workspace;

pub use error::BuildError;
