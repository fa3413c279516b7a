//! Image, script, container: from prepared sources to an installed tree.
