//! The toolchain stage: an image that holds what its toolchain promises.
//!
//! Built by its Dockerfile on a pulled base (`make`), or assembled from a signed Debian mirror, imported, and configured in
//! a container without network (`assemble`). Either way the image is then read, never trusted (`inspect`): its
//! packages are its identity, and a promise it does not keep is an error.

mod assemble;
mod inspect;
mod lock;
mod make;

use std::collections::BTreeMap;

use super::unit::Account;
use super::{ExecuteError, Materials, Workshop};
use crate::engine::Engine;
use crate::model::{Base, Digest, Event, Key, Pin, PlannedUnit, Script, Stage, Toolchain};
use crate::plan::key;
use crate::store::{Made, Record, Store};
use crate::toolchain::pin;

pub use inspect::ConflictFault;
pub(super) use inspect::inventory;
use inspect::{check_conflicts, inspect};
pub use lock::{Locked, lock};
use make::Maker;

/// An image that was made and checked.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Image {
    /// The engine's id; empty where another engine made it.
    pub id: String,
    pub reference: String,
    pub definition: Digest,
    /// Digest over the packages really installed.
    pub identity: Digest,
    /// Digest of the pulled base image; none when it was assembled.
    pub base: Option<String>,
    pub packages: BTreeMap<String, String>,
    /// Capability → version really found.
    pub provides: BTreeMap<String, String>,
    /// What of it a build is bound to.
    pub pins: Vec<Pin>,
}

impl Image {
    /// A build's commands, bound to what this image holds. What recipe and toolchain say themselves stays.
    pub fn bind(&self, script: &Script) -> Script {
        let (variables, options) = pin::apart(&self.pins);
        let mut script = script.clone();
        for (name, value) in variables {
            // The script's own search path is the system's; the pinned one begins with the compiler's folder.
            if name == "PATH" || !script.environment.contains_key(name) {
                script.environment.insert(name.to_owned(), value.to_owned());
            }
        }
        for (name, value) in options {
            let start = format!("-D{name}=");
            if !script.configure.iter().any(|word| word.starts_with(&start)) {
                script.configure.push(format!("{start}{value}"));
            }
        }
        script
    }
}

/// The identity of the image made for a toolchain, if the store remembers one. Asks no engine.
pub fn stored_identity(store: &Store, definition: Digest) -> Result<Option<Digest>, ExecuteError> {
    let entry = store.lookup(Stage::Toolchain, &key::toolchain(definition).key)?.entry();
    Ok(entry.and_then(|entry| identity_of(entry.record())))
}

/// The same, with the remote asked where the store remembers none. Asks no engine either.
pub(super) async fn known_identity(
    workshop: &Workshop,
    definition: Digest,
) -> Result<Option<Digest>, ExecuteError> {
    let entry = workshop.find(Stage::Toolchain, &key::toolchain(definition).key).await?;
    Ok(entry.and_then(|entry| identity_of(entry.record())))
}

/// The identity of the image that a toolchain's record speaks of.
pub fn identity_of(record: &Record) -> Option<Digest> {
    serde_json::from_value(record.detail.get("identity")?.clone()).ok()
}

/// The engine's id of the image made for a toolchain, if the store remembers one. Asks no engine.
pub fn stored_image(store: &Store, definition: Digest) -> Result<Option<String>, ExecuteError> {
    let entry = store.lookup(Stage::Toolchain, &key::toolchain(definition).key)?.entry();
    Ok(entry.and_then(|entry| image_of(entry.record())))
}

/// The engine's id of the image that a toolchain's record speaks of. One that came from elsewhere names none.
pub fn image_of(record: &Record) -> Option<String> {
    let id: String = serde_json::from_value(record.detail.get("id")?.clone()).ok()?;
    Some(id).filter(|id| !id.is_empty())
}

/// Finds the image of a unit's toolchain, or makes it, and holds it against what the unit asks of it.
pub(super) async fn ensure(
    unit: &PlannedUnit,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<Image, ExecuteError> {
    let image = image(materials.toolchain(&unit.id.toolchain), account).await?;
    check_conflicts(account.workshop, materials, unit, &image).await?;
    Ok(image)
}

/// Finds the toolchain's image, or makes it. A remembered image that the engine lost is made again.
pub(super) async fn image(toolchain: &Toolchain, account: &mut Account<'_>) -> Result<Image, ExecuteError> {
    let workshop = account.workshop;
    let keyed = key::toolchain(toolchain.definition());
    let engine = workshop.engine().await?;
    let _lock = workshop
        .lock(&key::lock(&format!("image {}", toolchain.id)), &account.unit, Stage::Toolchain)
        .await?;
    if let Some(image) = remembered(workshop, engine, toolchain, &keyed.key).await? {
        account.cached(Stage::Toolchain, keyed.key);
        return Ok(image);
    }
    workshop.store.remove(Stage::Toolchain, &keyed.key, &workshop.holder)?;

    let reference = reference(toolchain, &keyed.key);
    // Another store of this engine's may have had it made. What it holds is read all the same; only where its base came
    // from cannot be told, so that a pinned base is not taken on trust.
    let found = match pinned_base(workshop, toolchain) {
        None => engine.image(&reference).await?,
        Some(_) => None,
    };
    let reason = match &found {
        Some(_) => "its image is in the engine",
        None => &toolchain.summary,
    };
    let started = account.started(Stage::Toolchain, reason);
    let (info, base) = match found {
        Some(info) => (info, None),
        None => Maker { engine, toolchain, account, reference: reference.clone() }.make().await?,
    };
    let image = match inspect(engine, workshop, toolchain, &info, &reference, base).await {
        Err(
            error @ (ExecuteError::Toolchain(_)
            | ExecuteError::NoPackages { .. }
            | ExecuteError::DamagedPackages { .. }),
        ) => {
            // It never can serve, and the next run must not take it up again.
            if let Err(stuck) = engine.remove_image(&reference).await {
                workshop.events.emit(Event::Warning { message: stuck.to_string(), help: None });
            }
            return Err(error);
        }
        other => other?,
    };
    let draft = workshop.draft(Stage::Toolchain, &keyed.key)?;
    let detail = serde_json::to_value(&image).expect("an image has only text keys");
    let made = Made { ingredients: keyed.ingredients, seconds: started.elapsed().as_secs_f64(), detail };
    workshop.commit(draft, made).await?;
    account.finished(Stage::Toolchain, keyed.key, started);
    Ok(image)
}

/// The remembered image, if the engine still has it and the lock file still means it.
async fn remembered(
    workshop: &Workshop,
    engine: &dyn Engine,
    toolchain: &Toolchain,
    key: &Key,
) -> Result<Option<Image>, ExecuteError> {
    let Some(entry) = workshop.find(Stage::Toolchain, key).await? else { return Ok(None) };
    let Ok(image) = serde_json::from_value::<Image>(entry.record().detail.clone()) else { return Ok(None) };
    if image.id.is_empty() {
        return Ok(None);
    }
    if let (Some(pinned), Some(base)) = (pinned_base(workshop, toolchain), &image.base)
        && !base.ends_with(&pinned.to_string())
    {
        return Ok(None);
    }
    // By its id: another store that makes the same toolchain takes the name for its own image.
    Ok(engine.image(&image.id).await?.map(|_| image))
}

/// What the lock file pins the toolchain's base image to.
fn pinned_base(workshop: &Workshop, toolchain: &Toolchain) -> Option<Digest> {
    match &toolchain.base {
        Base::Image(image) => workshop.pinned_image(image),
        Base::Debian(_) => None,
    }
}

/// Below `localhost/`, so that no engine ever asks a registry for it.
fn reference(toolchain: &Toolchain, key: &Key) -> String {
    format!("localhost/rdna-build/{}:{}", toolchain.id, key.short())
}
