//! What will be done: pure.
