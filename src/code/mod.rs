//! AMDGPU code: what a code object is for, and what its instructions are. Reads bytes and a disassembler's text.
//!
//! All input is hostile: sizes are bounded and nothing is executed. Where the bytes and the text come from is for others.

mod disassembly;
mod object;

pub use disassembly::{Facts, read};
pub use object::{CodeObject, CodeObjectError, Xnack, inspect, text_section};
