//! Docker's API, which Podman speaks too.
//!
//! One file per concern; this one only says who does what. How the engines differ is asked in `capability`, what
//! their errors mean in `failure`.

mod archive;
mod capability;
mod connect;
mod container;
mod exec;
mod failure;
mod image;
mod leftovers;
mod output;
mod terminal;
mod volume;

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::task::TaskTracker;

pub use connect::{EngineChoice, connect};

use super::bytes_stream::ByteStream;
use super::{
    ContainerId, ContainerSpec, Engine, EngineError, EngineInfo, ExecSpec, ExitStatus, ImageBuild, ImageInfo,
    Leftover, LineSink, VolumeSpec,
};
use crate::model::GuestPath;

/// A connected engine. Cheap to clone; requests run side by side.
#[derive(Clone, Debug)]
pub struct DockerEngine {
    client: bollard::Docker,
    info: EngineInfo,
    creations: Creations,
}

/// Creations that are on their way.
///
/// The engine carries a request out although whoever sent it hangs up, and then nobody knows what it made. So a
/// creation goes on when its caller is interrupted, and whoever lists what is there waits for it first.
#[derive(Clone, Debug, Default)]
struct Creations(TaskTracker);

impl Creations {
    /// How long an engine may take to make a container or a volume before nobody waits for it any more.
    const PATIENCE: Duration = Duration::from_secs(10);

    async fn finish<T: Send + 'static>(&self, creation: impl Future<Output = T> + Send + 'static) -> T {
        match self.0.spawn(creation).await {
            Ok(made) => made,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn settle(&self) {
        self.0.close();
        let _given_up_on = tokio::time::timeout(Self::PATIENCE, self.0.wait()).await;
    }
}

impl DockerEngine {
    /// Where the engine listens, as `unix://…` or `tcp://…`.
    pub fn address(&self) -> &str {
        &self.info.address
    }
}

#[async_trait]
impl Engine for DockerEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        Ok(self.info.clone())
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        image::find(self, reference).await
    }

    async fn pull_image(
        &self,
        reference: &str,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<ImageInfo, EngineError> {
        image::pull(self, reference, progress).await
    }

    async fn import_image(&self, reference: &str, rootfs: ByteStream) -> Result<ImageInfo, EngineError> {
        image::import(self, reference, rootfs).await
    }

    async fn build_image(&self, build: ImageBuild, lines: LineSink<'_>) -> Result<ImageInfo, EngineError> {
        image::build(self, build, lines).await
    }

    async fn commit_container(
        &self,
        container: &ContainerId,
        reference: &str,
    ) -> Result<ImageInfo, EngineError> {
        image::commit(self, container, reference).await
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        image::remove(self, reference).await
    }

    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<bool, EngineError> {
        volume::ensure(self, volume).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        volume::remove(self, name).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        container::create(self, spec).await
    }

    async fn run_container(
        &self,
        container: &ContainerId,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError> {
        container::run(self, container, lines).await
    }

    async fn start_container(&self, container: &ContainerId) -> Result<(), EngineError> {
        container::start(self, container).await
    }

    async fn exec(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError> {
        exec::run(self, container, command, lines).await
    }

    async fn exec_terminal(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
    ) -> Result<ExitStatus, EngineError> {
        exec::run_on_terminal(self, container, command).await
    }

    async fn upload(
        &self,
        container: &ContainerId,
        folder: &GuestPath,
        archive: ByteStream,
    ) -> Result<(), EngineError> {
        archive::upload(self, container, folder, archive).await
    }

    async fn download(
        &self,
        container: &ContainerId,
        path: &GuestPath,
    ) -> Result<Option<ByteStream>, EngineError> {
        archive::download(self, container, path).await
    }

    async fn container_environment(
        &self,
        container: &ContainerId,
    ) -> Result<Option<std::collections::BTreeMap<String, String>>, EngineError> {
        container::environment_of(self, container).await
    }

    async fn remove_container(&self, container: &ContainerId) -> Result<(), EngineError> {
        container::remove(self, container).await
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, EngineError> {
        self.creations.settle().await;
        leftovers::list(self).await
    }
}
