//! Docker's API, which Podman speaks too.
