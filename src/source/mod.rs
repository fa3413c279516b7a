//! Sources: git, http, local, archives, patches, Debian.
