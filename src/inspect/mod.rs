//! Looks into a root file system, a folder or a container that is never started, and tells what it holds of LLVM and ROCm.
//!
//! Everything found is hostile: it is read within limits, links are followed inside the root only, and nothing of it runs.
//! Which parts clash is for the conflict rules.

mod container;
mod error;
mod folder;
mod found;
mod gathered;
mod interest;
mod links;
mod provided;

pub use container::container;
pub use error::InspectError;
pub use folder::{folder, likely_places};
pub use found::VARIABLES;

#[cfg(test)]
mod tests;
