//! Packs what was built.
