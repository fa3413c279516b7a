//! Catalogue of toolchains and the choice among them.
