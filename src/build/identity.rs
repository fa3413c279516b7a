//! What an image really holds, read from a container that is never started: nothing found in it runs.

use std::io::Read;

use crate::engine::{ContainerId, Engine, EngineError};
use crate::model::GuestPath;

use crate::engine::read_stream;

/// Largest package database read; Debian's with every package installed is far below it.
const STATUS_LIMIT: u64 = 64 << 20;

/// The text of an image's `dpkg` status file; `None` when there is none.
pub async fn package_status(
    engine: &dyn Engine,
    container: &ContainerId,
) -> Result<Option<String>, EngineError> {
    let Some(stream) = engine.download(container, &GuestPath::new("/var/lib/dpkg/status")).await? else {
        return Ok(None);
    };
    let read = read_stream(stream, |reader| {
        let mut archive = tar::Archive::new(reader);
        let mut text = Vec::new();
        if let Some(entry) = archive.entries()?.next() {
            entry?.take(STATUS_LIMIT).read_to_end(&mut text)?;
        }
        Ok(text)
    })
    .await
    .map_err(|error| EngineError::Lost {
        doing: "reading the image's packages".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Some(String::from_utf8_lossy(&read).into_owned()))
}

/// Whether a path is there; a symbolic link counts.
pub async fn exists(
    engine: &dyn Engine,
    container: &ContainerId,
    path: &GuestPath,
) -> Result<bool, EngineError> {
    Ok(engine.download(container, path).await?.is_some())
}
