//! Unpacks tar archives (plain, gzip, xz, zstd) into a folder and nowhere else.
//!
//! The archive is hostile: every member's path and link target is judged before it is written, symlinks are made last,
//! so that nothing is written through one, a name that comes twice is refused, and sizes and counts have limits.

mod error;
mod header;
#[cfg(test)]
mod tests;
mod unpack;

pub use error::ArchiveError;
pub use unpack::{Limits, Unpacked, unpack};
