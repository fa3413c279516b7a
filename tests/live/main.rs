//! Tests that need something of this machine; what is missing shows as a named skip.

// Clippy allows both in tests, but does not know that all of this program is one.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

// The made-up Debian archive of the unit tests reaches the model through the crate it is in.
use rdna_build::model;

mod chain;
#[path = "../suite/chance.rs"]
#[allow(dead_code, reason = "the offline suite uses all of it")]
mod chance;
mod closure;
mod computing;
mod conflicts;
#[path = "../../src/source/debian/testing.rs"]
#[allow(dead_code, reason = "the unit tests use all of it")]
mod debian_archive;
mod desk;
mod engine_contract;
mod faults;
#[path = "../suite/git_server.rs"]
#[allow(dead_code, reason = "the offline suite uses all of it")]
mod git_server;
#[path = "../../src/openpgp/testing.rs"]
#[allow(dead_code, reason = "the unit tests use all of it")]
mod openpgp_testing;
/// Where the archive's file looks for it.
mod openpgp {
    pub(crate) use crate::openpgp_testing as testing;
}
#[path = "../suite/home.rs"]
#[allow(dead_code, reason = "the offline suite uses all of it")]
mod home;
mod made_up;
mod made_up_card;
mod packages;
mod pipelines;
mod prove;
mod proxy;
mod registry;
mod remote;
#[path = "../suite/server.rs"]
#[allow(dead_code, reason = "the offline suite uses all of it")]
mod server;
#[path = "../suite/signing_keys.rs"]
#[allow(dead_code, reason = "the offline suite uses all of it")]
mod signing_keys;
mod sources;
mod store_faults;
mod support;
mod tiny;
mod tool;
mod toolchain_image;
mod verify;
