//! Looks into images and containers; what an image holds is remembered by its id.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::try_join_all;

use serde_json::json;

use super::{ExecuteError, Workshop, json};
use crate::engine::{ContainerId, ContainerSpec, Engine, ImageInfo, Network};
use crate::inspect;
use crate::model::{GuestPath, Inventory, Stage, USER};
use crate::plan::key;
use crate::store::Store;

/// How many containers of an image are asked at the same time.
const AT_A_TIME: usize = 4;
const INVENTORY: &str = "inventory.json";

/// What was looked into, and what it holds.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The engine's id of the image or container.
    pub id: String,
    /// Bytes of the image.
    pub size: Option<u64>,
    pub inventory: Inventory,
    /// Known from an earlier look.
    pub remembered: bool,
}

/// Looks into the image of this reference, or else into the container of this name; nothing where there is neither.
pub async fn inspect(name: &str, workshop: &Workshop) -> Result<Option<Inspected>, ExecuteError> {
    let engine = workshop.engine().await?;
    match engine.image(name).await? {
        Some(image) => inspect_image(&image, workshop).await.map(Some),
        None => {
            let Some(environment) = engine.container_environment(&ContainerId(name.to_owned())).await? else {
                return Ok(None);
            };
            let container = ContainerId(name.to_owned());
            let inventory = inspect::container(engine, &[container], &environment).await?;
            Ok(Some(Inspected { id: name.to_owned(), size: None, inventory, remembered: false }))
        }
    }
}

/// Looks into an image, unless it was looked into before.
pub async fn inspect_image(image: &ImageInfo, workshop: &Workshop) -> Result<Inspected, ExecuteError> {
    let (id, size) = (image.id.clone(), Some(image.size));
    let keyed = key::inventory(&image.id);
    if let Some(entry) = workshop.find_whole(Stage::Inventory, &keyed.key).await? {
        let inventory = json::read(&entry.content().join(INVENTORY))?;
        return Ok(Inspected { id, size, inventory, remembered: true });
    }
    let started = Instant::now();
    let inventory = look(workshop.engine().await?, image, workshop.labels()).await?;
    let (kept, detail) = ((INVENTORY, &inventory), json!({ "image": image.id }));
    workshop.keep(Stage::Inventory, &keyed, kept, started.elapsed().as_secs_f64(), detail).await?;
    Ok(Inspected { id, size, inventory, remembered: false })
}

/// What an image holds, if it was looked into before. Asks no engine.
pub fn remembered(store: &Store, image: &str) -> Result<Option<Inventory>, ExecuteError> {
    let found = store.lookup(Stage::Inventory, &key::inventory(image).key)?;
    found.entry().map(|entry| json::read(&entry.content().join(INVENTORY))).transpose()
}

async fn look(
    engine: &dyn Engine,
    image: &ImageInfo,
    labels: BTreeMap<String, String>,
) -> Result<Inventory, ExecuteError> {
    let spec = never_started(image, labels);
    let containers = try_join_all((0..AT_A_TIME).map(|_| engine.create_container(&spec))).await?;
    let inventory = inspect::container(engine, &containers, &image.environment).await;
    try_join_all(containers.iter().map(|container| engine.remove_container(container))).await?;
    Ok(inventory?)
}

/// A container whose files are read. Its command is never run.
pub(super) fn never_started(image: &ImageInfo, labels: BTreeMap<String, String>) -> ContainerSpec {
    ContainerSpec {
        image: image.id.clone(),
        command: vec!["/bin/true".to_owned()],
        user: USER.to_owned(),
        environment: BTreeMap::new(),
        working_folder: GuestPath::new("/"),
        mounts: vec![],
        binds: vec![],
        network: Network::Denied,
        cpus: None,
        memory: None,
        pids: Some(16),
        capabilities: vec![],
        gpu: None,
        labels,
    }
}
