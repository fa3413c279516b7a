//! Code: what an AMDGPU object is for and what its kernels take, where a library holds such objects, what its instructions
//! are, which LLVM made bitcode, what a library of the host needs, defines and passes on. Reads bytes and a disassembler's
//! text.
//!
//! All input is hostile: sizes are bounded and nothing is executed. Where the bytes and the text come from is for others.

mod bitcode;
mod bundle;
mod calls;
mod disassembly;
mod exports;
mod library;
mod literal;
mod note;
mod object;
mod tables;

pub use bitcode::{BitcodeError, HEAD as BITCODE_HEAD, Identification, identification};
pub use bundle::{
    Bundle, BundleError, Compression, Content, Entry, EntryTarget, Method, bundles, bundles_with,
};
pub use calls::{Argument, Call, CallsError, constants_passed};
pub use disassembly::{Facts, read};
pub use exports::{exports, imports};
pub use library::{Library, LibraryError, library};
pub use literal::{llvm_version, opened_libraries};
pub use note::{Kernel, Metadata, NoteError, metadata};
pub use object::{CodeObject, CodeObjectError, Xnack, inspect, text_section};
pub use tables::{TablesError, tables};
