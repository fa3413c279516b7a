//! Toolchains: the catalogue of their folders, the choice of one for a recipe, and whether an image is what it claims.
//!
//! Makes no image and asks no engine; what an image holds comes in as text and answers.

mod catalog;
pub mod clang;
mod error;
mod identity;
mod keys;
pub mod loader;
pub mod log;
mod packages;
mod parse;
mod path_filters;
pub mod pin;
mod resolve;
pub mod rules;
pub mod weigh;

#[cfg(test)]
mod tests;

pub use catalog::Catalog;
pub use error::{ClaimFault, ToolchainError};
pub use identity::{ActualProvides, check_claims, identity, parse_dpkg_status};
pub use resolve::{Availability, Choice, Objection, Refusal, ResolveError, choose};
