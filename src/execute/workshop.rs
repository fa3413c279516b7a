//! What a run works with: store, engine, network, lock file, events. Engine and network come to life on first use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::ExecuteError;
use super::{SharedStore, cleanup, json};
use crate::build::session::work_volume;
use crate::engine::{Engine, EngineError, RUN_LABEL};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{
    CommitId, Digest, Event, Events, HostPath, Key, LockedPackages, RunId, Stage, ToolchainId,
};
use crate::plan::key::Keyed;
use crate::store::{Condition, Draft, Entry, Holder, KeyLock, Made, Store};

/// Connects to an engine when one is needed.
#[async_trait]
pub trait Connect: Send + Sync {
    async fn connect(&self) -> Result<Arc<dyn Engine>, EngineError>;
}

/// Whether a run may fetch anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    Online,
    Offline,
}

/// What a person set for this run that changes nothing of what is made.
#[derive(Clone, Debug)]
pub struct Limits {
    pub network: Network,
    /// Make build and package again even when the store holds them.
    pub rebuild: bool,
    pub keep_failed: bool,
    pub jobs: Option<u32>,
    pub memory: Option<u64>,
    pub debian_mirror: Option<String>,
    /// Where the host's apt keeps its sources.
    pub apt_folder: HostPath,
    /// Where the host keeps archive keys; those of Debian are embedded as well.
    pub keyrings: HostPath,
    /// Where finished packages are put.
    pub output: HostPath,
    /// Where pins resolved on first use are written.
    pub lock_file: HostPath,
    /// The host's compiler cache folder, used instead of a volume.
    pub ccache: Option<HostPath>,
}

/// Everything a stage may use. Made by the composition root.
pub struct Workshop {
    pub store: Store,
    pub events: Events,
    pub holder: Holder,
    pub machine: Machine,
    pub cancel: CancellationToken,
    pub limits: Limits,
    pub lock: Mutex<LockFile>,
    /// Where entries are looked for that the store does not have.
    pub shared: Option<SharedStore>,
    connector: Box<dyn Connect>,
    engine: OnceCell<Arc<dyn Engine>>,
    client: OnceCell<reqwest::Client>,
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop")
            .field("run", &self.holder.run)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Workshop {
    #[allow(clippy::too_many_arguments, reason = "the composition root names every part once")]
    pub fn new(
        store: Store,
        events: Events,
        holder: Holder,
        machine: Machine,
        cancel: CancellationToken,
        limits: Limits,
        lock: LockFile,
        connector: Box<dyn Connect>,
    ) -> Self {
        Self {
            store,
            events,
            holder,
            machine,
            cancel,
            limits,
            lock: Mutex::new(lock),
            shared: None,
            connector,
            engine: OnceCell::new(),
            client: OnceCell::new(),
        }
    }

    pub fn run(&self) -> &RunId {
        &self.holder.run
    }

    /// The engine. The first call connects and sweeps what killed runs left behind.
    pub async fn engine(&self) -> Result<&dyn Engine, ExecuteError> {
        let engine = self
            .engine
            .get_or_try_init(|| async {
                let engine = self.connector.connect().await?;
                cleanup::sweep(engine.as_ref(), self).await;
                Ok::<_, EngineError>(engine)
            })
            .await?;
        Ok(engine.as_ref())
    }

    /// The engine if this run ever needed one.
    pub(super) fn connected(&self) -> Option<&dyn Engine> {
        self.engine.get().map(AsRef::as_ref)
    }

    /// The HTTP client, with the system's proxies and certificates.
    pub async fn client(&self) -> Result<&reqwest::Client, ExecuteError> {
        self.client.get_or_try_init(|| async { Ok(crate::source::debian::client()?) }).await
    }

    /// Labels on everything this run makes in the engine.
    pub fn labels(&self) -> BTreeMap<String, String> {
        [
            (RUN_LABEL, self.run().to_string()),
            ("rdna-build.pid", std::process::id().to_string()),
            ("rdna-build.boot", self.machine.boot.clone()),
            ("rdna-build.host", self.machine.host.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Name of a unit's work volume.
    pub(super) fn work_volume(&self, unit: &str) -> String {
        work_volume(unit, &self.machine.host, self.store.root())
    }

    /// The exclusive right to make a key. Waits while another run has it, and says for whom.
    pub async fn lock(&self, key: &Key, unit: &str, stage: Stage) -> Result<KeyLock, ExecuteError> {
        let (store, events, holder, cancel) =
            (self.store.clone(), self.events.clone(), self.holder.clone(), self.cancel.clone());
        let (key, unit) = (*key, unit.to_owned());
        let wait = move || {
            let mut on_wait = |other: &str| {
                events.emit(Event::Waiting { unit: unit.clone(), stage, holder: other.to_owned() });
            };
            store.lock(&key, &holder, &mut on_wait, &cancel)
        };
        blocking(wait).await?.map_err(ExecuteError::from)
    }

    /// Looks up what something else is going to be made of. All of it is read again: a flipped bit would live on in what is
    /// made, under a key that promises another. What is damaged is named and removed.
    pub async fn find_whole(&self, stage: Stage, key: &Key) -> Result<Option<Entry>, ExecuteError> {
        let Some(entry) = self.find(stage, key).await? else { return Ok(None) };
        let checked = entry.clone();
        let (_, condition) = blocking(move || checked.check()).await?;
        match condition {
            Condition::Whole | Condition::Unrecorded | Condition::Newer => Ok(Some(entry)),
            Condition::Damaged(how) => {
                self.events.emit(Event::Warning {
                    message: format!("the store's {} is damaged: {how}", entry.content().display()),
                    help: Some("it is made again".to_owned()),
                });
                drop(entry);
                self.store.discard(stage, key, &self.holder)?;
                self.find(stage, key).await
            }
        }
    }

    /// Starts an entry.
    pub fn draft(&self, stage: Stage, key: &Key) -> Result<Draft, ExecuteError> {
        Ok(self.store.draft(stage, key, &self.holder)?)
    }

    /// Commits an entry that holds one value.
    pub(super) async fn keep(
        &self,
        stage: Stage,
        keyed: &Keyed,
        (file, value): (&str, &impl serde::Serialize),
        seconds: f64,
        detail: serde_json::Value,
    ) -> Result<(), ExecuteError> {
        let draft = self.draft(stage, &keyed.key)?;
        json::write(&draft.content().join(file), value)?;
        let made = Made { ingredients: keyed.ingredients.clone(), seconds, detail };
        self.commit(draft, made).await?;
        Ok(())
    }

    /// The lock file as it stands.
    pub(super) fn locked(&self) -> MutexGuard<'_, LockFile> {
        self.lock.lock().expect("no one panics while holding the lock file")
    }

    /// The digest that the lock file pins an image reference to.
    pub(super) fn pinned_image(&self, reference: &str) -> Option<Digest> {
        self.locked().digest_for(reference).copied()
    }

    /// Pins an image reference and writes the lock file.
    pub(super) fn pin_image(&self, reference: &str, digest: &Digest) -> Result<(), ExecuteError> {
        let mut lock = self.locked();
        lock.pin_image(reference, digest)?;
        lock.write_if_changed(self.limits.lock_file.as_path())?;
        Ok(())
    }

    /// Locks a toolchain to packages, writes the lock file, and gives what it was locked to before.
    pub(super) fn lock_packages(
        &self,
        toolchain: &ToolchainId,
        packages: LockedPackages,
    ) -> Result<Option<LockedPackages>, ExecuteError> {
        let mut lock = self.locked();
        let before = lock.packages_for(toolchain).cloned();
        lock.lock_packages(toolchain, packages);
        lock.write_if_changed(self.limits.lock_file.as_path())?;
        Ok(before)
    }

    /// Pins a tag or branch to its commit and writes the lock file.
    pub(super) fn pin_commit(
        &self,
        url: &str,
        reference: &str,
        commit: &CommitId,
    ) -> Result<(), ExecuteError> {
        let mut lock = self.locked();
        lock.pin_commit(url, reference, commit)?;
        lock.write_if_changed(self.limits.lock_file.as_path())?;
        Ok(())
    }

    /// Whether a run may fetch; `missing` says what it wanted.
    pub fn online(&self, missing: impl FnOnce() -> String) -> Result<(), ExecuteError> {
        match self.limits.network {
            Network::Online => Ok(()),
            Network::Offline => Err(ExecuteError::Offline { missing: missing() }),
        }
    }
}

/// Runs blocking work on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ExecuteError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ExecuteError::Stopped { reason: error.to_string() })
}
