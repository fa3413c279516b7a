//! Sources: git, http, local, archives, patches, Debian.
pub mod debian;
