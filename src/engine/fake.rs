//! An engine for unit tests: it runs nothing, answers as told and remembers what was asked.
#![allow(dead_code, reason = "a test takes what it needs")]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use super::bytes_stream::ByteStream;
use super::{
    ContainerId, ContainerSpec, Engine, EngineError, EngineInfo, EngineKind, ExecSpec, ExitStatus,
    ImageBuild, ImageInfo, Leftover, LeftoverKind, LineSink, Network, Output, RUN_LABEL, VolumeSpec,
};
use crate::model::GuestPath;

/// A tar that was uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) folder: GuestPath,
    pub(crate) archive: Vec<u8>,
}

#[derive(Debug)]
struct Reply {
    needle: String,
    code: i64,
    out_of_memory: bool,
    lines: Vec<(Output, String)>,
}

#[derive(Debug, Default)]
struct State {
    made: usize,
    containers: BTreeMap<ContainerId, ContainerSpec>,
    volumes: BTreeMap<String, BTreeMap<String, String>>,
    images: BTreeMap<String, ImageInfo>,
    replies: Vec<Reply>,
    downloads: BTreeMap<String, Vec<u8>>,
    broken: Vec<&'static str>,
    commands: Vec<String>,
    specs: Vec<ContainerSpec>,
    uploads: Vec<Upload>,
}

/// Commands succeed silently, images exist once made or added, unless told otherwise.
#[derive(Debug, Default)]
pub(crate) struct FakeEngine(Mutex<State>);

impl FakeEngine {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Commands whose words, joined by spaces, contain `needle` write `lines` to standard output and exit with `code`.
    /// The last reply given that fits counts.
    pub(crate) fn reply(&self, needle: &str, code: i64, lines: &[&str]) -> &Self {
        let lines = lines.iter().map(|line| (Output::Stdout, (*line).to_owned())).collect();
        self.state().replies.push(Reply { needle: needle.to_owned(), code, out_of_memory: false, lines });
        self
    }

    /// Commands that contain `needle` are killed for want of memory.
    pub(crate) fn run_out_of_memory(&self, needle: &str) -> &Self {
        let reply = Reply { needle: needle.to_owned(), code: 137, out_of_memory: true, lines: Vec::new() };
        self.state().replies.push(reply);
        self
    }

    /// `download` of `path` gives this tar.
    pub(crate) fn hold(&self, path: &str, archive: Vec<u8>) -> &Self {
        self.state().downloads.insert(path.to_owned(), archive);
        self
    }

    /// Adds an image, as if it had been there before.
    pub(crate) fn add_image(&self, reference: &str) -> ImageInfo {
        self.state().image(reference, BTreeMap::new())
    }

    /// From now on the trait's method of this name loses the engine.
    pub(crate) fn break_at(&self, method: &'static str) -> &Self {
        self.state().broken.push(method);
        self
    }

    /// The containers that exist now.
    pub(crate) fn containers(&self) -> Vec<ContainerId> {
        self.state().containers.keys().cloned().collect()
    }

    /// The volumes that exist now.
    pub(crate) fn volumes(&self) -> Vec<String> {
        self.state().volumes.keys().cloned().collect()
    }

    /// The references of the images that exist now.
    pub(crate) fn images(&self) -> Vec<String> {
        self.state().images.keys().cloned().collect()
    }

    /// Every command run so far, in order, its words joined by spaces.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.state().commands.clone()
    }

    /// The spec of every container made so far, the removed ones too.
    pub(crate) fn specs(&self) -> Vec<ContainerSpec> {
        self.state().specs.clone()
    }

    /// Everything uploaded so far.
    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.state().uploads.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the fake engine")
    }

    /// The state, unless this method was broken.
    fn at(&self, method: &'static str) -> Result<MutexGuard<'_, State>, EngineError> {
        let state = self.state();
        if state.broken.contains(&method) {
            return Err(EngineError::Lost {
                doing: method.to_owned(),
                reason: "the test broke it".to_owned(),
            });
        }
        Ok(state)
    }
}

impl State {
    fn image(&mut self, reference: &str, labels: BTreeMap<String, String>) -> ImageInfo {
        self.made += 1;
        let info = ImageInfo {
            id: format!("sha256:{:064x}", self.made),
            digests: Vec::new(),
            labels,
            environment: BTreeMap::new(),
            size: 1024,
        };
        self.images.insert(reference.to_owned(), info.clone());
        info
    }

    fn check(&self, container: &ContainerId) -> Result<(), EngineError> {
        match self.containers.contains_key(container) {
            true => Ok(()),
            false => Err(EngineError::Refused {
                doing: "using a container".to_owned(),
                reason: format!("no such container: {}", container.0),
            }),
        }
    }

    fn run(&mut self, command: &[String], lines: LineSink<'_>) -> ExitStatus {
        let command = command.join(" ");
        let reply = self.replies.iter().rev().find(|reply| command.contains(&reply.needle));
        for (output, line) in reply.iter().flat_map(|reply| &reply.lines) {
            lines(*output, line);
        }
        let status = reply.map_or(ExitStatus { code: 0, out_of_memory: false }, |reply| ExitStatus {
            code: reply.code,
            out_of_memory: reply.out_of_memory,
        });
        self.commands.push(command);
        status
    }
}

async fn collect(mut stream: ByteStream, doing: &str) -> Result<Vec<u8>, EngineError> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes
            .map_err(|error| EngineError::Input { doing: doing.to_owned(), reason: error.to_string() })?;
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// A Docker of this machine.
pub(crate) fn info() -> EngineInfo {
    EngineInfo {
        kind: EngineKind::Docker,
        address: "unix:///var/run/docker.sock".to_owned(),
        version: "1.0".to_owned(),
        cpus: 4,
        memory: 8 << 30,
        rootless: false,
        has_init: true,
        selinux: false,
        cdi_folders: vec![],
    }
}

/// A container spec for tests that care about nothing in it but its labels.
pub(crate) fn container_spec(labels: BTreeMap<String, String>) -> ContainerSpec {
    ContainerSpec {
        image: "localhost/rdna-build/test:1".to_owned(),
        command: vec!["true".to_owned()],
        user: "1000:1000".to_owned(),
        environment: BTreeMap::new(),
        working_folder: GuestPath::new("/"),
        mounts: Vec::new(),
        binds: Vec::new(),
        network: Network::Denied,
        cpus: None,
        memory: None,
        pids: None,
        capabilities: Vec::new(),
        gpu: None,
        labels,
    }
}

#[async_trait]
impl Engine for FakeEngine {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        drop(self.at("info")?);
        Ok(info())
    }

    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        let state = self.at("image")?;
        let named = state.images.get(reference);
        Ok(named.or_else(|| state.images.values().find(|image| image.id == reference)).cloned())
    }

    async fn pull_image(
        &self,
        reference: &str,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<ImageInfo, EngineError> {
        let info = self.at("pull_image")?.image(reference, BTreeMap::new());
        progress(info.size, info.size);
        Ok(info)
    }

    async fn import_image(&self, reference: &str, rootfs: ByteStream) -> Result<ImageInfo, EngineError> {
        collect(rootfs, "import_image").await?;
        Ok(self.at("import_image")?.image(reference, BTreeMap::new()))
    }

    async fn build_image(&self, build: ImageBuild, lines: LineSink<'_>) -> Result<ImageInfo, EngineError> {
        let mut state = self.at("build_image")?;
        let status = state.run(&["build".to_owned(), build.reference.clone()], lines);
        if !status.success() {
            return Err(EngineError::ImageBuild { reason: format!("exit code {}", status.code) });
        }
        Ok(state.image(&build.reference, build.labels))
    }

    async fn commit_container(
        &self,
        container: &ContainerId,
        reference: &str,
    ) -> Result<ImageInfo, EngineError> {
        let mut state = self.at("commit_container")?;
        state.check(container)?;
        Ok(state.image(reference, BTreeMap::new()))
    }

    async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        self.at("remove_image")?.images.retain(|name, image| name != reference && image.id != reference);
        Ok(())
    }

    async fn ensure_volume(&self, volume: &VolumeSpec) -> Result<bool, EngineError> {
        let mut state = self.at("ensure_volume")?;
        let new = !state.volumes.contains_key(&volume.name);
        if new {
            state.volumes.insert(volume.name.clone(), volume.labels.clone());
        }
        Ok(new)
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.at("remove_volume")?.volumes.remove(name);
        Ok(())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        let mut state = self.at("create_container")?;
        state.made += 1;
        let id = ContainerId(format!("container-{}", state.made));
        state.specs.push(spec.clone());
        state.containers.insert(id.clone(), spec.clone());
        Ok(id)
    }

    async fn run_container(
        &self,
        container: &ContainerId,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError> {
        let mut state = self.at("run_container")?;
        state.check(container)?;
        let command = state.containers[container].command.clone();
        Ok(state.run(&command, lines))
    }

    async fn start_container(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.at("start_container")?.check(container)
    }

    async fn exec(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
        lines: LineSink<'_>,
    ) -> Result<ExitStatus, EngineError> {
        let mut state = self.at("exec")?;
        state.check(container)?;
        Ok(state.run(&command.command, lines))
    }

    async fn exec_terminal(
        &self,
        container: &ContainerId,
        command: &ExecSpec,
    ) -> Result<ExitStatus, EngineError> {
        let mut state = self.at("exec_terminal")?;
        state.check(container)?;
        Ok(state.run(&command.command, &mut |_, _| {}))
    }

    async fn upload(
        &self,
        container: &ContainerId,
        folder: &GuestPath,
        archive: ByteStream,
    ) -> Result<(), EngineError> {
        let archive = collect(archive, "upload").await?;
        let mut state = self.at("upload")?;
        state.check(container)?;
        state.uploads.push(Upload { folder: folder.clone(), archive });
        Ok(())
    }

    async fn container_environment(
        &self,
        container: &ContainerId,
    ) -> Result<Option<BTreeMap<String, String>>, EngineError> {
        let state = self.at("container_environment")?;
        Ok(state.check(container).is_ok().then(BTreeMap::new))
    }

    async fn download(
        &self,
        container: &ContainerId,
        path: &GuestPath,
    ) -> Result<Option<ByteStream>, EngineError> {
        let state = self.at("download")?;
        state.check(container)?;
        Ok(state
            .downloads
            .get(path.as_str())
            .map(|archive| -> ByteStream { Box::pin(stream::iter([Ok(archive.clone().into())])) }))
    }

    async fn remove_container(&self, container: &ContainerId) -> Result<(), EngineError> {
        self.at("remove_container")?.containers.remove(container);
        Ok(())
    }

    async fn leftovers(&self) -> Result<Vec<Leftover>, EngineError> {
        let state = self.at("leftovers")?;
        let leftover = |kind, id: &str, labels: &BTreeMap<String, String>| Leftover {
            kind,
            id: id.to_owned(),
            labels: labels.clone(),
            running: false,
            size: None,
        };
        let mut all: Vec<_> = state
            .containers
            .iter()
            .map(|(id, spec)| leftover(LeftoverKind::Container, &id.0, &spec.labels))
            .collect();
        all.extend(state.volumes.iter().map(|(name, labels)| leftover(LeftoverKind::Volume, name, labels)));
        all.retain(|leftover| leftover.labels.contains_key(RUN_LABEL));
        all.extend(
            state.images.iter().map(|(name, image)| leftover(LeftoverKind::Image, name, &image.labels)),
        );
        Ok(all)
    }
}
