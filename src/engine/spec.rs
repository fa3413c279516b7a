//! Plain descriptions of what the engine is asked to make.

use std::collections::BTreeMap;

use super::device::Passthrough;
use crate::model::{GuestPath, HostPath};

/// The label on everything made in the engine; its value is the run's id, or `cache` on what is kept between runs.
pub const RUN_LABEL: &str = "rdna-build";

/// How the reference of every image made here begins. `localhost/`: no engine looks for it in a registry.
pub const IMAGE_PREFIX: &str = "localhost/rdna-build/";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Docker,
    Podman,
}

#[derive(Clone, Debug)]
pub struct EngineInfo {
    pub kind: EngineKind,
    /// Where it listens, as `unix://…` or `tcp://…`.
    pub address: String,
    pub version: String,
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    pub rootless: bool,
    /// Whether a container may have an init process (Podman needs `catatonit` for it).
    pub has_init: bool,
    /// Whether it labels containers for SELinux.
    pub selinux: bool,
    /// Folders of its host whose CDI specifications it reads; none where it does not inject such devices.
    pub cdi_folders: Vec<String>,
}

impl EngineInfo {
    /// Whether it runs on this machine, as far as its address tells: a socket may be forwarded.
    pub fn is_local(&self) -> bool {
        self.address.starts_with("unix://")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageInfo {
    /// `sha256:…` of the image's configuration.
    pub id: String,
    /// `name@sha256:…` as pulled; none for images made here.
    pub digests: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// What its containers get unless they are told otherwise.
    pub environment: BTreeMap<String, String>,
    /// Bytes.
    pub size: u64,
}

/// A classic `docker build`.
#[derive(Clone, Debug)]
pub struct ImageBuild {
    pub reference: String,
    /// Uncompressed tar with the Dockerfile in its root.
    pub context: Vec<u8>,
    pub arguments: BTreeMap<String, String>,
    /// The making of an image may reach the network; a build container may not.
    pub network: Network,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Denied,
    Allowed,
}

#[derive(Clone, Debug)]
pub struct VolumeSpec {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct VolumeMount {
    pub volume: String,
    pub at: GuestPath,
}

/// A container: no more rights than it needs. All capabilities are dropped and no new privileges are gained, always,
/// unless `privileges` names what is needed.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// Image id or reference.
    pub image: String,
    pub command: Vec<String>,
    /// Numeric `uid:gid`.
    pub user: String,
    pub environment: BTreeMap<String, String>,
    pub working_folder: GuestPath,
    pub mounts: Vec<VolumeMount>,
    /// Folders of the engine's host, writable. Only what a person named: a workspace reaches a container through volumes.
    pub binds: Vec<(HostPath, GuestPath)>,
    pub network: Network,
    pub cpus: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    pub pids: Option<u32>,
    /// Capabilities kept, e.g. `CHOWN` for configuring packages. Empty in build containers.
    pub capabilities: Vec<String>,
    /// A card of the host. None in build containers.
    pub gpu: Option<Passthrough>,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct ExecSpec {
    pub command: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub working_folder: GuestPath,
    pub user: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus {
    pub code: i64,
    /// The kernel killed something in the container for want of memory.
    pub out_of_memory: bool,
}

impl ExitStatus {
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftoverKind {
    Container,
    Volume,
    Image,
}

/// Something labelled that is in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub kind: LeftoverKind,
    pub id: String,
    /// All labels, [`RUN_LABEL`] among them.
    pub labels: BTreeMap<String, String>,
    pub running: bool,
    /// Bytes, where the engine tells.
    pub size: Option<u64>,
}
