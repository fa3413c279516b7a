//! Containers: made with as few rights as they need, run to their end, removed.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, DeviceMapping, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountType,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, InspectContainerOptions,
    RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::DockerEngine;
use super::failure::{explain, is_conflict, is_missing};
use super::output::Lines;
use crate::engine::device::{Devices, Groups, Passthrough};
use crate::engine::{ContainerId, ContainerSpec, EngineError, ExitStatus, LineSink, Network, RUN_LABEL};
use crate::model::HostPath;

/// How long the output of a container that has ended may stay silent before it counts as read.
const LAST_OUTPUT: Duration = Duration::from_secs(10);
/// How long it may take until the engine knows that the kernel killed something, where memory is limited.
const OOM_POLL: Duration = Duration::from_millis(100);
const OOM_POLLS: u32 = 10;
const REMOVAL_POLL: Duration = Duration::from_millis(100);
const REMOVAL_POLLS: u32 = 600;

pub(super) async fn create(engine: &DockerEngine, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
    let (client, request) = (engine.client.clone(), request(spec, engine.info.has_init));
    let creation = async move { client.create_container(None::<CreateContainerOptions>, request).await };
    let created =
        engine.creations.finish(creation).await.map_err(|error| explain("creating a container", error))?;
    Ok(ContainerId(created.id))
}

pub(super) async fn environment_of(
    engine: &DockerEngine,
    container: &ContainerId,
) -> Result<Option<BTreeMap<String, String>>, EngineError> {
    match engine.client.inspect_container(&container.0, None::<InspectContainerOptions>).await {
        Ok(found) => {
            let lines = found.config.and_then(|config| config.env).unwrap_or_default();
            Ok(Some(super::image::variables(&lines)))
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(explain("looking for a container", error)),
    }
}

fn request(spec: &ContainerSpec, has_init: bool) -> ContainerCreateBody {
    debug_assert!(spec.labels.contains_key(RUN_LABEL), "a container without a label is never swept");
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        // One empty string resets the image's entry point, which would run in front of the command.
        entrypoint: Some(vec![String::new()]),
        cmd: Some(spec.command.clone()),
        user: Some(spec.user.clone()),
        env: Some(environment(&spec.environment)),
        working_dir: Some(spec.working_folder.to_string()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        host_config: Some(host_config(spec, has_init)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec, has_init: bool) -> HostConfig {
    let memory = spec.memory.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    HostConfig {
        network_mode: Some(
            match spec.network {
                Network::Denied => "none",
                Network::Allowed => "default",
            }
            .to_owned(),
        ),
        mounts: Some(
            spec.mounts
                .iter()
                .map(|mount| Mount {
                    typ: Some(MountType::VOLUME),
                    source: Some(mount.volume.clone()),
                    target: Some(mount.at.to_string()),
                    ..Mount::default()
                })
                .chain(spec.binds.iter().map(|(folder, at)| Mount {
                    typ: Some(MountType::BIND),
                    source: Some(folder.to_string()),
                    target: Some(at.to_string()),
                    ..Mount::default()
                }))
                .chain(spec.gpu.iter().flat_map(|gpu| &gpu.folders).map(|folder| Mount {
                    typ: Some(MountType::BIND),
                    source: Some(folder.to_string()),
                    target: Some(folder.to_string()),
                    read_only: Some(true),
                    ..Mount::default()
                }))
                .collect(),
        ),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(spec.capabilities.clone()),
        // Also where capabilities are kept: root has them from the start and gains none by running a program, so that
        // package scripts work under it. Only set-user-id programs lose their effect.
        security_opt: Some(
            std::iter::once("no-new-privileges".to_owned())
                .chain(spec.gpu.iter().flat_map(|gpu| gpu.security.iter().cloned()))
                .collect(),
        ),
        nano_cpus: spec.cpus.map(|cpus| i64::from(cpus) * 1_000_000_000),
        memory,
        // Equal to the memory: no swap, or a build that is too big makes the machine crawl for hours instead of ending.
        memory_swap: memory,
        pids_limit: spec.pids.map(i64::from),
        init: has_init.then_some(true),
        shm_size: spec.gpu.as_ref().map(|gpu| i64::try_from(gpu.shared_memory).unwrap_or(i64::MAX)),
        group_add: spec.gpu.as_ref().map(groups),
        devices: spec.gpu.as_ref().and_then(device_files),
        device_requests: spec.gpu.as_ref().and_then(device_requests),
        // The lines are ours already; the engine's copy would fill its disk with whatever a container writes.
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        ..HostConfig::default()
    }
}

fn groups(gpu: &Passthrough) -> Vec<String> {
    match &gpu.groups {
        Groups::Numbers(numbers) => numbers.iter().map(u32::to_string).collect(),
        // Podman's own word; it must be the only one.
        Groups::Keep => vec!["keep-groups".to_owned()],
    }
}

/// Read and write: no program inside may make device nodes of its own.
fn device_files(gpu: &Passthrough) -> Option<Vec<DeviceMapping>> {
    let Devices::Files(files) = &gpu.devices else { return None };
    let device = |path: &HostPath| DeviceMapping {
        path_on_host: Some(path.to_string()),
        path_in_container: Some(path.to_string()),
        cgroup_permissions: Some("rw".to_owned()),
    };
    Some(files.iter().map(device).collect())
}

fn device_requests(gpu: &Passthrough) -> Option<Vec<DeviceRequest>> {
    let Devices::Cdi(name) = &gpu.devices else { return None };
    let request = DeviceRequest {
        driver: Some("cdi".to_owned()),
        device_ids: Some(vec![name.clone()]),
        ..DeviceRequest::default()
    };
    Some(vec![request])
}

pub(super) fn environment(variables: &BTreeMap<String, String>) -> Vec<String> {
    variables.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

pub(super) async fn start(engine: &DockerEngine, container: &ContainerId) -> Result<(), EngineError> {
    engine
        .client
        .start_container(&container.0, None::<StartContainerOptions>)
        .await
        .map_err(|error| explain("starting a container", error))
}

/// Attaches, starts, reads to the end. Nothing has to be undone when this is dropped half-way: the container belongs
/// to the caller, who removes it.
pub(super) async fn run(
    engine: &DockerEngine,
    container: &ContainerId,
    sink: LineSink<'_>,
) -> Result<ExitStatus, EngineError> {
    let doing = "running a container";
    // Before the start: what is written before somebody listens is lost.
    let attach = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
    let mut attached = engine
        .client
        .attach_container(&container.0, Some(attach))
        .await
        .map_err(|error| explain("attaching to a container", error))?;
    start(engine, container).await?;

    // After the start this cannot miss the end, however early it was; `next-exit` would have to be known to have
    // reached the engine before the start, which the client does not tell.
    let not_running = WaitContainerOptionsBuilder::default().condition("not-running").build();
    let mut ended = engine.client.wait_container(&container.0, Some(not_running));
    let mut lines = Lines::default();
    let mut running = true;
    let mut reading = true;
    while running || reading {
        tokio::select! {
            biased;
            frame = attached.output.next(), if reading => match frame {
                Some(frame) => {
                    lines.push(frame.map_err(|error| explain(doing, error))?, &mut *sink);
                }
                None => reading = false,
            },
            end = ended.next(), if running => {
                match end {
                    // An exit code that is not 0 arrives as an error; the code itself is inspected below.
                    None | Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => running = false,
                    Some(Err(error)) => return Err(explain(doing, error)),
                }
            },
            () = tokio::time::sleep(LAST_OUTPUT), if !running => reading = false,
        }
    }
    lines.finish(sink);
    exit_status(engine, container).await
}

async fn exit_status(engine: &DockerEngine, container: &ContainerId) -> Result<ExitStatus, EngineError> {
    let doing = "asking how a container ended";
    let state = engine
        .client
        .inspect_container(&container.0, None::<InspectContainerOptions>)
        .await
        .map_err(|error| explain(doing, error))?
        .state
        .unwrap_or_default();
    match state.exit_code {
        Some(code) if state.running != Some(true) => {
            let known = code == 0 || state.oom_killed == Some(true);
            let out_of_memory = match known {
                true => state.oom_killed.unwrap_or(false),
                false => out_of_memory(engine, container).await?,
            };
            Ok(ExitStatus { code, out_of_memory })
        }
        Some(_) | None => Err(EngineError::Refused {
            doing: doing.to_owned(),
            reason: "it reported the end of a container that still runs".to_owned(),
        }),
    }
}

/// Whether the kernel killed something in the container, as far as the engine knows while it runs.
pub(super) async fn out_of_memory(
    engine: &DockerEngine,
    container: &ContainerId,
) -> Result<bool, EngineError> {
    // The engine hears of it by another way than of the end, which may come first.
    for poll in 0..OOM_POLLS {
        let inspected = engine
            .client
            .inspect_container(&container.0, None::<InspectContainerOptions>)
            .await
            .map_err(|error| explain("asking after a container", error))?;
        if inspected.state.and_then(|state| state.oom_killed).unwrap_or(false) {
            return Ok(true);
        }
        let limit = inspected.host_config.and_then(|config| config.memory).unwrap_or(0);
        if limit == 0 {
            break;
        }
        if poll + 1 < OOM_POLLS {
            tokio::time::sleep(OOM_POLL).await;
        }
    }
    Ok(false)
}

pub(super) async fn remove(engine: &DockerEngine, container: &ContainerId) -> Result<(), EngineError> {
    let doing = "removing a container";
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match engine.client.remove_container(&container.0, Some(options)).await {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) if is_conflict(&error) => await_removal(engine, container, error).await,
        Err(error) => Err(explain(doing, error)),
    }
}

/// Somebody else removes it already (a sweep, a person): done means gone, not begun.
async fn await_removal(
    engine: &DockerEngine,
    container: &ContainerId,
    conflict: Error,
) -> Result<(), EngineError> {
    for _ in 0..REMOVAL_POLLS {
        match engine.client.inspect_container(&container.0, None::<InspectContainerOptions>).await {
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(explain("removing a container", error)),
            Ok(_) => tokio::time::sleep(REMOVAL_POLL).await,
        }
    }
    Err(explain("removing a container", conflict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GuestPath;

    fn spec() -> ContainerSpec {
        ContainerSpec {
            image: "sha256:1".into(),
            command: vec!["true".into()],
            user: "1000:1000".into(),
            environment: BTreeMap::new(),
            working_folder: GuestPath::new("/work"),
            mounts: Vec::new(),
            binds: Vec::new(),
            network: Network::Denied,
            cpus: Some(2),
            memory: Some(1 << 30),
            pids: Some(512),
            capabilities: Vec::new(),
            gpu: None,
            labels: BTreeMap::from([(RUN_LABEL.to_owned(), "run".to_owned())]),
        }
    }

    #[test]
    fn a_container_gets_no_right_that_its_spec_does_not_name() {
        let spec = spec();
        let host = host_config(&spec, true);
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.cap_add, Some(Vec::new()));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
        assert_eq!(host.network_mode.as_deref(), Some("none"));
        assert_eq!(host.memory_swap, host.memory);
        assert_eq!((host.privileged, host.binds, host.devices), (None, None, None));
        assert_eq!((host.group_add, host.device_requests, host.shm_size), (None, None, None));
    }

    #[test]
    fn a_card_adds_its_two_devices_their_groups_and_nothing_else() {
        let gpu = Passthrough {
            devices: Devices::Files(vec![HostPath::new("/dev/kfd"), HostPath::new("/dev/dri/renderD128")]),
            groups: Groups::Numbers(vec![44, 109]),
            shared_memory: 1 << 30,
            security: vec![],
            folders: vec![],
        };
        let (plain, with) =
            (host_config(&spec(), true), host_config(&ContainerSpec { gpu: Some(gpu), ..spec() }, true));
        let devices = with.devices.clone().unwrap();
        let paths: Vec<_> = devices.iter().map(|device| device.path_on_host.clone().unwrap()).collect();
        assert_eq!(paths, ["/dev/kfd", "/dev/dri/renderD128"]);
        assert!(devices.iter().all(|device| device.cgroup_permissions.as_deref() == Some("rw")));
        assert_eq!(with.group_add, Some(vec!["44".to_owned(), "109".to_owned()]));
        let rest = HostConfig { devices: None, group_add: None, shm_size: None, ..with };
        assert_eq!(rest, plain);
    }

    #[test]
    fn a_device_of_a_specification_is_asked_for_by_name() {
        let gpu = Passthrough {
            devices: Devices::Cdi("amd.com/gpu=1".to_owned()),
            groups: Groups::Keep,
            shared_memory: 1 << 30,
            security: vec!["label=disable".to_owned()],
            folders: vec![HostPath::new("/home/me/venv")],
        };
        let host = host_config(&ContainerSpec { gpu: Some(gpu), ..spec() }, true);
        let requests = host.device_requests.unwrap();
        assert_eq!(requests[0].device_ids, Some(vec!["amd.com/gpu=1".to_owned()]));
        let mounts = host.mounts.unwrap();
        assert_eq!((mounts.len(), mounts[0].read_only), (1, Some(true)), "what a person named is only read");
        assert_eq!(mounts[0].source, mounts[0].target);
        assert_eq!((host.devices, host.group_add), (None, Some(vec!["keep-groups".to_owned()])));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned(), "label=disable".to_owned()]));
    }
}
