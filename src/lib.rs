//! Builds, packages and proves ROCm libraries for the GPUs that ROCm left out.

pub mod build;
pub mod cli;
pub mod document;
pub mod engine;
pub mod execute;
pub mod facts;
pub mod lockfile;
pub mod model;
pub mod package;
pub mod plan;
pub mod recipe;
pub mod source;
pub mod store;
pub mod toolchain;
