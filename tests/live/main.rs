//! Tests that need something of this machine; what is missing shows as a named skip.

mod chain;
mod desk;
mod engine_contract;
mod faults;
mod proxy;
mod support;
mod tiny;
mod tool;
