//! Tests that need something of this machine; what is missing shows as a named skip.

mod engine_contract;
mod support;
