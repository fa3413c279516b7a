//! Volumes.

use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::RemoveVolumeOptions;

use super::DockerEngine;
use super::failure::{explain, is_missing};
use crate::engine::{EngineError, RUN_LABEL, VolumeSpec};

pub(super) async fn ensure(engine: &DockerEngine, volume: &VolumeSpec) -> Result<bool, EngineError> {
    debug_assert!(volume.labels.contains_key(RUN_LABEL), "a volume without a label is never swept");
    let doing = format!("making the volume {}", volume.name);
    match engine.client.inspect_volume(&volume.name).await {
        Ok(_) => return Ok(false),
        Err(error) if is_missing(&error) => {}
        Err(error) => return Err(explain(&doing, error)),
    }
    let request = VolumeCreateRequest {
        name: Some(volume.name.clone()),
        labels: Some(volume.labels.clone().into_iter().collect()),
        ..VolumeCreateRequest::default()
    };
    let client = engine.client.clone();
    let creation = async move { client.create_volume(request).await };
    engine.creations.finish(creation).await.map_err(|error| explain(&doing, error))?;
    Ok(true)
}

pub(super) async fn remove(engine: &DockerEngine, name: &str) -> Result<(), EngineError> {
    match engine.client.remove_volume(name, None::<RemoveVolumeOptions>).await {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(explain(&format!("removing the volume {name}"), error)),
    }
}
