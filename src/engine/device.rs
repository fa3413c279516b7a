//! What a container needs to compute on one card, and no more: pure.
//!
//! The compute driver's device and the card's own render node go in, never the whole of `/dev/dri`. Devices are the host's files, so
//! their groups are given by number: a group that has a name on the host may have another inside, or none.

use super::{EngineInfo, EngineKind};
use crate::model::HostPath;

/// POSIX shared memory of the container, in bytes. ROCr and PyTorch's data loaders take more than the 64 MiB that engines give.
const SHARED_MEMORY: u64 = 1 << 30;

/// A device node of the host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceFile {
    pub path: HostPath,
    /// Of its group.
    pub gid: u32,
    /// The nine bits of rights.
    pub mode: u32,
}

/// One card of the host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct GpuRequest {
    /// `/dev/kfd`.
    pub kfd: DeviceFile,
    /// `/dev/dri/renderD…`.
    pub render: DeviceFile,
    /// The card's qualified name in a CDI specification of the host, with the folder where that lies.
    pub cdi: Option<CdiDevice>,
}

/// A device of the Container Device Interface.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CdiDevice {
    /// e.g. `amd.com/gpu=0`.
    pub name: String,
    /// The folder with its specification, e.g. `/etc/cdi`.
    pub folder: String,
}

/// What is given to a container besides what every container gets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Passthrough {
    pub devices: Devices,
    pub groups: Groups,
    /// Bytes of `/dev/shm`.
    pub shared_memory: u64,
    /// In the engine's own words, e.g. `label=disable`.
    pub security: Vec<String>,
    /// Folders of the host, to be read only, under the same paths. Only what a person named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<HostPath>,
}

/// How devices are named to the engine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Devices {
    /// These files, to be read and written, under the same paths.
    Files(Vec<HostPath>),
    /// The engine reads a specification of the host.
    Cdi(String),
}

/// How the container's user gets the right to open them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Groups {
    /// These groups of the host, by number.
    Numbers(Vec<u32>),
    /// Those of the person who runs a rootless Podman: no other group of the host exists inside.
    Keep,
}

/// Why a card cannot be given to a container of this engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "a rootless Docker gives a container no group of the host, and {path} is open to its group only; run Docker as a \
         service of the machine, or Podman, which can keep your groups"
    )]
    NoGroups { path: HostPath },
    #[error(
        "the engine runs on another machine ({address}), whose cards are not seen from here; run rdna-build there"
    )]
    Elsewhere { address: String },
}

/// Decides what a container of this engine gets to compute on the card.
///
/// # Errors
/// Where this engine cannot give it, whatever it is asked.
pub fn passthrough(gpu: &GpuRequest, engine: &EngineInfo) -> Result<Passthrough, DeviceError> {
    if !engine.is_local() {
        return Err(DeviceError::Elsewhere { address: engine.address.clone() });
    }
    let files = [&gpu.kfd, &gpu.render];
    let closed: Vec<&DeviceFile> = files.into_iter().filter(|file| file.mode & 0o6 != 0o6).collect();
    let groups = match (engine.kind, engine.rootless) {
        (EngineKind::Podman, true) => Groups::Keep,
        (EngineKind::Docker, true) => match closed.first() {
            Some(file) => return Err(DeviceError::NoGroups { path: file.path.clone() }),
            None => Groups::Numbers(vec![]),
        },
        (_, false) => {
            let mut numbers: Vec<u32> = closed.iter().map(|file| file.gid).collect();
            numbers.sort_unstable();
            numbers.dedup();
            Groups::Numbers(numbers)
        }
    };
    let devices = match &gpu.cdi {
        Some(device) if engine.cdi_folders.contains(&device.folder) => Devices::Cdi(device.name.clone()),
        Some(_) | None => Devices::Files(vec![gpu.kfd.path.clone(), gpu.render.path.clone()]),
    };
    // SELinux lets no container use devices of the host; Docker, where it is told of SELinux at all, does the same.
    let security = if engine.selinux { vec!["label=disable".to_owned()] } else { vec![] };
    Ok(Passthrough { devices, groups, shared_memory: SHARED_MEMORY, security, folders: vec![] })
}

#[cfg(test)]
mod tests {
    use snapbox::IntoData as _;

    use super::*;

    fn engine(kind: EngineKind, rootless: bool) -> EngineInfo {
        EngineInfo { kind, rootless, ..crate::engine::fake::info() }
    }

    fn gpu() -> GpuRequest {
        let file = |path: &str, gid| DeviceFile { path: HostPath::new(path), gid, mode: 0o660 };
        GpuRequest { kfd: file("/dev/kfd", 109), render: file("/dev/dri/renderD129", 44), cdi: None }
    }

    fn said(gpu: &GpuRequest, engine: &EngineInfo) -> String {
        match passthrough(gpu, engine) {
            Ok(given) => serde_json::to_string_pretty(&given).expect("plain data"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn docker_gets_two_devices_and_the_numbers_of_their_groups() {
        snapbox::assert_data_eq!(
            said(&gpu(), &engine(EngineKind::Docker, false)),
            snapbox::str![[r#"
{
  "devices": {
    "files": [
      "/dev/kfd",
      "/dev/dri/renderD129"
    ]
  },
  "groups": {
    "numbers": [
      44,
      109
    ]
  },
  "shared-memory": 1073741824,
  "security": []
}
"#]]
            .raw()
        );
    }

    #[test]
    fn a_rootless_podman_under_selinux_keeps_the_persons_groups() {
        let podman = EngineInfo { selinux: true, ..engine(EngineKind::Podman, true) };
        snapbox::assert_data_eq!(
            said(&gpu(), &podman),
            snapbox::str![[r#"
{
  "devices": {
    "files": [
      "/dev/kfd",
      "/dev/dri/renderD129"
    ]
  },
  "groups": "keep",
  "shared-memory": 1073741824,
  "security": [
    "label=disable"
  ]
}
"#]]
            .raw()
        );
    }

    #[test]
    fn a_specification_is_named_only_to_an_engine_that_reads_its_folder() {
        let cdi = CdiDevice { name: "amd.com/gpu=1".to_owned(), folder: "/etc/cdi".to_owned() };
        let gpu = GpuRequest { cdi: Some(cdi), ..gpu() };
        let docker = engine(EngineKind::Docker, false);
        let devices = |engine: &EngineInfo| passthrough(&gpu, engine).expect("it can").devices;
        assert!(matches!(devices(&docker), Devices::Files(_)));
        let reading = EngineInfo { cdi_folders: vec!["/etc/cdi".to_owned()], ..docker };
        assert_eq!(devices(&reading), Devices::Cdi("amd.com/gpu=1".to_owned()));
    }

    #[test]
    fn a_rootless_docker_gives_only_what_everybody_may_open() {
        let docker = engine(EngineKind::Docker, true);
        assert!(said(&gpu(), &docker).starts_with("a rootless Docker gives a container no group"));
        let mut open = gpu();
        (open.kfd.mode, open.render.mode) = (0o666, 0o666);
        assert_eq!(passthrough(&open, &docker).expect("it can").groups, Groups::Numbers(vec![]));
    }

    #[test]
    fn cards_of_another_machine_are_not_given() {
        let address = "tcp://build:2375".to_owned();
        let away = EngineInfo { address, ..engine(EngineKind::Docker, false) };
        assert!(said(&gpu(), &away).contains("tcp://build:2375"));
    }
}
