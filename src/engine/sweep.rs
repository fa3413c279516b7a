//! Removes what runs left behind that were killed before they could clean up.
//!
//! Whose run is dead is decided here from labels alone; whether a process exists is asked of the caller.

use std::collections::BTreeMap;

use super::{ContainerId, Engine, EngineError, Leftover, LeftoverKind, RUN_LABEL};

/// The value of [`RUN_LABEL`] on what is kept between runs.
pub const KEPT: &str = "cache";
const PID_LABEL: &str = "rdna-build.pid";
const BOOT_LABEL: &str = "rdna-build.boot";
const HOST_LABEL: &str = "rdna-build.host";

/// Who made something in the engine, as its labels tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLabels {
    /// The run's id.
    pub run: String,
    pub pid: Option<u32>,
    /// The boot id of the host the run was on: after a restart, every process is another.
    pub boot: Option<String>,
    /// The name of that host: an engine can serve several.
    pub host: Option<String>,
}

impl RunLabels {
    /// Reads the labels; `None` for what is kept between runs or not ours.
    pub fn read(labels: &BTreeMap<String, String>) -> Option<Self> {
        let run = labels.get(RUN_LABEL).filter(|value| *value != KEPT)?;
        Some(Self {
            run: run.clone(),
            pid: labels.get(PID_LABEL).and_then(|pid| pid.parse().ok()),
            boot: labels.get(BOOT_LABEL).cloned(),
            host: labels.get(HOST_LABEL).cloned(),
        })
    }

    /// The labels for what belongs to this run.
    pub fn write(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([(RUN_LABEL.to_owned(), self.run.clone())]);
        let pid = self.pid.map(|pid| pid.to_string());
        for (name, value) in [(PID_LABEL, &pid), (BOOT_LABEL, &self.boot), (HOST_LABEL, &self.host)] {
            if let Some(value) = value {
                labels.insert(name.to_owned(), value.clone());
            }
        }
        labels
    }
}

/// The labels for what is kept between runs.
pub fn kept_labels() -> BTreeMap<String, String> {
    BTreeMap::from([(RUN_LABEL.to_owned(), KEPT.to_owned())])
}

/// Whether the run may still be at work. In doubt it is: on another host, or with labels that do not tell.
pub fn run_is_alive(
    labels: &RunLabels,
    own_boot_id: &str,
    own_host: &str,
    pid_exists: impl Fn(u32) -> bool,
) -> bool {
    let (Some(pid), Some(boot), Some(host)) = (labels.pid, &labels.boot, &labels.host) else {
        return true;
    };
    host != own_host || (boot == own_boot_id && pid_exists(pid))
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    pub removed: Vec<Leftover>,
    /// What the engine would not remove; the next sweep tries again.
    pub stuck: Vec<(Leftover, EngineError)>,
}

/// Removes containers and volumes of dead runs. Images and what is kept between runs are left alone.
///
/// Fails only when the engine cannot be asked or is lost on the way.
pub async fn sweep(
    engine: &dyn Engine,
    alive: &(dyn Fn(&RunLabels) -> bool + Sync),
) -> Result<Swept, EngineError> {
    let mut dead: Vec<_> = engine
        .leftovers()
        .await?
        .into_iter()
        .filter(|leftover| leftover.kind != LeftoverKind::Image)
        .filter(|leftover| RunLabels::read(&leftover.labels).is_some_and(|run| !alive(&run)))
        .collect();
    // Containers first: a volume in use cannot be removed.
    dead.sort_by_key(|leftover| leftover.kind);
    let mut swept = Swept::default();
    for leftover in dead {
        let removal = match leftover.kind {
            LeftoverKind::Container => engine.remove_container(&ContainerId(leftover.id.clone())).await,
            LeftoverKind::Volume => engine.remove_volume(&leftover.id).await,
            LeftoverKind::Image => continue,
        };
        match removal {
            Ok(()) => swept.removed.push(leftover),
            Err(error @ EngineError::Lost { .. }) => return Err(error),
            Err(error) => swept.stuck.push((leftover, error)),
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::VolumeSpec;
    use crate::engine::fake::{FakeEngine, container_spec};

    fn run(pid: u32, boot: &str, host: &str) -> RunLabels {
        RunLabels { run: "r1".into(), pid: Some(pid), boot: Some(boot.into()), host: Some(host.into()) }
    }

    #[test]
    fn a_run_is_dead_only_when_its_own_host_says_so() {
        let alive = |labels: &RunLabels| run_is_alive(labels, "boot-2", "here", |pid| pid == 7);
        assert!(alive(&run(7, "boot-2", "here")));
        assert!(!alive(&run(8, "boot-2", "here")));
        assert!(!alive(&run(7, "boot-1", "here")), "the process of before the restart");
        assert!(alive(&run(8, "boot-1", "elsewhere")), "a colleague's");
        assert!(alive(&RunLabels { pid: None, ..run(8, "boot-2", "here") }), "nobody knows");
    }

    #[test]
    fn labels_survive_the_engine() {
        let labels = run(7, "boot", "here");
        assert_eq!(RunLabels::read(&labels.write()), Some(labels));
        assert_eq!(RunLabels::read(&kept_labels()), None);
    }

    #[tokio::test]
    async fn a_sweep_takes_the_dead_and_leaves_the_living_and_the_caches() {
        let engine = FakeEngine::new();
        let dead = run(8, "boot", "here").write();
        let living = run(7, "boot", "here").write();
        engine.create_container(&container_spec(dead.clone())).await.unwrap();
        let kept = engine.create_container(&container_spec(living)).await.unwrap();
        for (name, labels) in [("run-volume", dead), ("ccache", kept_labels())] {
            engine.ensure_volume(&VolumeSpec { name: name.into(), labels }).await.unwrap();
        }
        let swept =
            sweep(&engine, &|labels| run_is_alive(labels, "boot", "here", |pid| pid == 7)).await.unwrap();
        assert_eq!((swept.removed.len(), swept.stuck.len()), (2, 0));
        assert_eq!(engine.containers(), [kept]);
        assert_eq!(engine.volumes(), ["ccache"]);
    }
}
