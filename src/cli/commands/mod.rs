//! One file per command: it gets its arguments and the settings, and says how it ended.

pub mod build;
pub mod cache;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod explain;
pub mod install;
pub mod logs;
pub mod man;
pub mod matrix;
pub mod patch;
pub mod plan;
pub mod publish;
pub mod recipes;
pub mod shell;
pub mod sign;
pub mod toolchains;
pub mod verify;
pub mod verify_package;
