//! Composes the stages.
