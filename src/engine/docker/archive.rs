//! Tar streams into and out of containers, in constant memory.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bollard::body_try_stream;
use bollard::errors::Error;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures_util::{StreamExt as _, stream};

use super::DockerEngine;
use super::failure::{explain, is_missing, server_text};
use crate::engine::bytes_stream::ByteStream;
use crate::engine::{ContainerId, EngineError};
use crate::model::GuestPath;

/// Watches what we send: when reading it fails, the client reports only that the request was cut short, which looks
/// like a lost engine.
#[derive(Clone, Debug, Default)]
pub(super) struct InputWatch(Arc<Mutex<Option<String>>>);

impl InputWatch {
    pub(super) fn over(&self, input: ByteStream) -> ByteStream {
        let watch = self.clone();
        Box::pin(input.inspect(move |item| {
            if let Err(error) = item {
                *watch.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
        }))
    }

    pub(super) fn explain(&self, doing: &str, error: Error) -> EngineError {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(reason) => EngineError::Input { doing: doing.to_owned(), reason },
            None => explain(doing, error),
        }
    }
}

pub(super) async fn upload(
    engine: &DockerEngine,
    container: &ContainerId,
    folder: &GuestPath,
    archive: ByteStream,
) -> Result<(), EngineError> {
    let watch = InputWatch::default();
    // No copyUIDGID: it would give every file to the container's user instead of the owner in the archive.
    let options = UploadToContainerOptionsBuilder::default().path(folder.as_str()).build();
    engine
        .client
        .upload_to_container(&container.0, Some(options), body_try_stream(watch.over(archive)))
        .await
        .map_err(|error| watch.explain(&format!("copying files to {folder} of a container"), error))
}

pub(super) async fn download(
    engine: &DockerEngine,
    container: &ContainerId,
    path: &GuestPath,
) -> Result<Option<ByteStream>, EngineError> {
    let options = DownloadFromContainerOptionsBuilder::default().path(path.as_str()).build();
    let mut chunks = Box::pin(engine.client.download_from_container(&container.0, Some(options)));
    // The answer's status comes with its first bytes.
    match chunks.next().await {
        Some(Err(error)) if is_missing(&error) && !names_container(&error) => Ok(None),
        Some(Err(error)) => Err(explain(&format!("copying {path} from a container"), error)),
        first @ (Some(Ok(_)) | None) => {
            let all = stream::iter(first).chain(chunks);
            Ok(Some(Box::pin(all.map(|chunk| chunk.map_err(|error| io::Error::other(server_text(&error)))))))
        }
    }
}

/// Both a missing path and a missing container are answered with 404.
fn names_container(error: &Error) -> bool {
    server_text(error).to_ascii_lowercase().contains("no such container")
}
