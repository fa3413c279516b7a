//! Whether an image holds a file, asked of a container that is never started: nothing found in it runs.

use crate::engine::{ContainerId, Engine, EngineError};
use crate::model::GuestPath;

/// Whether a path is there; a symbolic link counts.
pub async fn exists(
    engine: &dyn Engine,
    container: &ContainerId,
    path: &GuestPath,
) -> Result<bool, EngineError> {
    Ok(engine.download(container, path).await?.is_some())
}
