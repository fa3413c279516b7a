//! Tests across modules, offline, in one program so that it links once.

// Clippy allows both in tests, but does not know that all of this program is one.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

// The made-up manifest of the unit tests reaches the model through the crate it is in.
use rdna_build::model;

mod architecture;
mod chance;
mod cli_commands;
mod cli_explain;
mod cli_install;
mod cli_machine;
mod cli_mistakes;
mod cli_patch;
mod cli_publish;
mod cli_sign;
mod cli_usage;
mod cli_venv;
mod cli_verify;
mod conflict_logs;
mod docs;
mod doctor;
mod git_server;
mod git_sources;
mod home;
mod http_sources;
mod install_kills;
mod machines;
#[path = "../../src/model/testing.rs"]
mod made_up_manifest;
mod made_up_registry;
mod packages;
mod patch_mutations;
mod patch_tools;
mod reader_mutations;
mod recipe_patches;
mod remote;
mod remote_faults;
mod remote_passwords;
mod server;
mod signing_keys;
mod store_damage;
mod store_disk;
mod store_kills;
mod strace;
