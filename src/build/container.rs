//! The container that builds and proofs run in: no network, no rights, volumes only.

use std::collections::BTreeMap;

use crate::engine::{ContainerSpec, Engine, ExecSpec, Network, RUN_LABEL, VolumeMount, VolumeSpec};
use crate::model::{CCACHE, GuestPath, HostPath, USER};

use super::BuildError;

/// Name of the compiler cache's volume, shared by all units.
pub const CCACHE_VOLUME: &str = "rdna-build-ccache";

/// A container that only waits for commands.
pub(super) fn powerless(image: &str, labels: &BTreeMap<String, String>) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        command: ["sleep", "infinity"].map(str::to_owned).into(),
        user: USER.to_owned(),
        environment: BTreeMap::new(),
        working_folder: GuestPath::new("/work"),
        mounts: vec![],
        binds: vec![],
        network: Network::Denied,
        cpus: None,
        memory: None,
        pids: Some(4096),
        capabilities: vec![],
        gpu: None,
        labels: labels.clone(),
    }
}

/// A command of the build's user.
pub(super) fn exec(command: Vec<String>, environment: BTreeMap<String, String>) -> ExecSpec {
    ExecSpec { command, environment, working_folder: GuestPath::new("/work"), user: USER.to_owned() }
}

pub(super) fn mount(volume: &str, at: &str) -> VolumeMount {
    VolumeMount { volume: volume.to_owned(), at: GuestPath::new(at) }
}

/// Makes a volume that outlives the run.
pub(super) async fn ensure_volume(
    engine: &dyn Engine,
    name: &str,
    role: &str,
    unit: &str,
) -> Result<(), BuildError> {
    let labels = [(RUN_LABEL, "cache"), ("rdna-build.role", role), ("rdna-build.unit", unit)];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    engine.ensure_volume(&VolumeSpec { name: name.to_owned(), labels }).await?;
    Ok(())
}

/// How the compiler cache reaches a container.
pub(super) struct Cache {
    pub mounts: Vec<VolumeMount>,
    pub binds: Vec<(HostPath, GuestPath)>,
}

impl Cache {
    /// The person's own folder, or else the volume, which is made.
    pub async fn ready(
        engine: &dyn Engine,
        folder: Option<&HostPath>,
        unit: &str,
    ) -> Result<Self, BuildError> {
        match folder {
            Some(folder) => {
                Ok(Self { mounts: vec![], binds: vec![(folder.clone(), GuestPath::new(CCACHE))] })
            }
            None => {
                ensure_volume(engine, CCACHE_VOLUME, "ccache", unit).await?;
                Ok(Self { mounts: vec![mount(CCACHE_VOLUME, CCACHE)], binds: vec![] })
            }
        }
    }
}
