//! What must hold for any bytes that come from outside.

pub mod patches;
pub mod readers;
