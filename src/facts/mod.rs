//! Read-only look at machine and engine.
