//! The container engine as a seam: what a stage may ask of it, in plain specs.
//!
//! `docker` is the one implementation, over Docker's API, which Podman speaks too. Tests have a recording one. A
//! command that exits 1 is an [`ExitStatus`], not an error. Everything made here carries the label [`RUN_LABEL`].

pub mod device;
pub mod docker;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod lines;
mod pipe;
mod spec;
mod sweep;

use async_trait::async_trait;
use bytes_stream::ByteStream;

pub use error::EngineError;
pub use pipe::{PipeWriter, pipe};
pub use spec::{
    ContainerId, ContainerSpec, EngineInfo, EngineKind, ExecSpec, ExitStatus, IMAGE_PREFIX, ImageBuild,
    ImageInfo, Leftover, LeftoverKind, Network, Output, RUN_LABEL, VolumeMount, VolumeSpec,
};
pub use sweep::{RunLabels, Swept, kept_labels, run_is_alive, sweep};

/// A stream of bytes towards or from the engine.
pub mod bytes_stream {
    use std::pin::Pin;

    /// Boxed, so that files, archives and network bodies all fit.
    pub type ByteStream =
        Pin<Box<dyn futures_util::Stream<Item = std::io::Result<tokio_util::bytes::Bytes>> + Send>>;
}

/// Reads an engine's stream with blocking code on a thread of its own.
pub async fn read_stream<T: Send + 'static>(
    stream: ByteStream,
    read: impl FnOnce(&mut dyn std::io::Read) -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let reader = tokio_util::io::StreamReader::new(stream);
    tokio::task::spawn_blocking(move || read(&mut tokio_util::io::SyncIoBridge::new(Box::pin(reader))))
        .await
        .map_err(|error| std::io::Error::other(format!("the reader stopped: {error}")))?
}

/// Receives a container's output line by line. Lines are cut at 64 KiB and never hold a line end.
pub type LineSink<'a> = &'a mut (dyn FnMut(Output, &str) + Send);

/// What stages ask of a container engine.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Name, version and size of the machine it runs on.
    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// The image with this reference, if the engine has it.
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError>;

    /// Pulls an image; `progress` gets (bytes done, bytes in all).
    async fn pull_image(
        &self,
        reference: &str,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<ImageInfo, EngineError>;

    /// Imports a root file system (an uncompressed tar) as an image.
    async fn import_image(&self, reference: &str, rootfs: ByteStream) -> Result<ImageInfo, EngineError>;

    /// Builds a Dockerfile (the classic builder, which every engine has).
    async fn build_image(&self, build: ImageBuild, lines: LineSink<'_>) -> Result<ImageInfo, EngineError>;

    /// Makes an image of a stopped container.
    async fn commit_container(
        &self,
        container: &ContainerId,
        reference: &str,
    ) -> Result<ImageInfo, EngineError>;

    /// Removes an image; one that is not there is fine.
    async fn remove_image(&self, reference: &str) -> Result<(), EngineError>;

    /// Makes a volume unless it is there. `true` when it was made now.
    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<bool, EngineError>;

    /// Removes a volume; one that is not there is fine.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;

    /// Makes a container without starting it.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, EngineError>;

    /// Starts a container, hands its output to `lines` and waits for its end.
    async fn run_container(
        &self,
        container: &ContainerId,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError>;

    /// Starts a container and returns at once; for `exec`.
    async fn start_container(&self, container: &ContainerId) -> Result<(), EngineError>;

    /// Runs a command in a running container.
    async fn exec(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError>;

    /// Runs a command on this process's terminal, both ways, until it ends.
    async fn exec_terminal(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
    ) -> Result<ExitStatus, EngineError>;

    /// Unpacks a tar stream below `folder` of a container (running or not). Owners and modes are the archive's.
    async fn upload(
        &self,
        container: &ContainerId,
        folder: &crate::model::GuestPath,
        archive: ByteStream,
    ) -> Result<(), EngineError>;

    /// Streams a path of a container as tar; `None` when the path is not there.
    async fn download(
        &self,
        container: &ContainerId,
        path: &crate::model::GuestPath,
    ) -> Result<Option<ByteStream>, EngineError>;

    /// The variables that a container's programs get; `None` when there is no such container.
    async fn container_environment(
        &self,
        container: &ContainerId,
    ) -> Result<Option<std::collections::BTreeMap<String, String>>, EngineError>;

    /// Kills and removes a container with its anonymous volumes; one that is not there is fine.
    async fn remove_container(&self, container: &ContainerId) -> Result<(), EngineError>;

    /// Everything in the engine that carries [`RUN_LABEL`], and the images whose reference begins with
    /// [`IMAGE_PREFIX`]. What was still being made when its maker was interrupted is waited for.
    async fn leftovers(&self) -> Result<Vec<Leftover>, EngineError>;
}
