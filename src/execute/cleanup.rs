//! Nothing of a run outlives it, whatever happens: by label, so that it does not matter what was noted where.

use crate::engine::{Engine, LeftoverKind, RUN_LABEL, RunLabels, run_is_alive, sweep as sweep_engine};
use crate::facts::process_exists;
use crate::model::Event;

use super::Workshop;

/// Removes the containers and volumes of this run. A failed build's container stays when it was asked to.
pub(super) async fn run(workshop: &Workshop, failed: bool) {
    let Some(engine) = workshop.connected() else { return };
    if failed && workshop.limits.keep_failed && !workshop.cancel.is_cancelled() {
        keep(engine, workshop).await;
        return;
    }
    // Twice: a request that was cut off may still be carried out while the first sweep runs.
    for _ in 0..2 {
        if remove_own(engine, workshop).await == 0 {
            break;
        }
    }
}

/// Removes what runs left behind that are dead: killed before they could clean up.
pub(super) async fn sweep(engine: &dyn Engine, workshop: &Workshop) {
    let machine = &workshop.machine;
    let alive = |labels: &RunLabels| run_is_alive(labels, &machine.boot, &machine.host, process_exists);
    match sweep_engine(engine, &alive).await {
        Ok(swept) => {
            if !swept.removed.is_empty() {
                let message = format!("removed {} leftovers of killed runs", swept.removed.len());
                workshop.events.emit(Event::Note { message });
            }
            for (leftover, error) in swept.stuck {
                warn(workshop, format!("cannot remove {} of a killed run: {error}", leftover.id));
            }
        }
        Err(error) => warn(workshop, format!("cannot sweep the leftovers of killed runs: {error}")),
    }
    if let Err(error) = workshop.store.sweep_drafts(&|holder| holder.is_alive()) {
        warn(workshop, format!("cannot sweep the drafts of killed runs: {error}"));
    }
}

async fn remove_own(engine: &dyn Engine, workshop: &Workshop) -> usize {
    let own = workshop.run().as_str();
    let leftovers = match engine.leftovers().await {
        Ok(leftovers) => leftovers,
        Err(error) => {
            warn(workshop, format!("cannot look for leftovers of this run: {error}"));
            return 0;
        }
    };
    let mut removed = 0;
    // Containers first: a volume in use cannot be removed. Images are made whole or not at all.
    for kind in [LeftoverKind::Container, LeftoverKind::Volume] {
        for leftover in leftovers.iter().filter(|leftover| leftover.kind == kind) {
            if leftover.labels.get(RUN_LABEL).map(String::as_str) != Some(own) {
                continue;
            }
            let result = match kind {
                LeftoverKind::Container => {
                    engine.remove_container(&crate::engine::ContainerId(leftover.id.clone())).await
                }
                LeftoverKind::Volume => engine.remove_volume(&leftover.id).await,
                LeftoverKind::Image => continue,
            };
            match result {
                Ok(()) => removed += 1,
                Err(error) => warn(workshop, format!("cannot remove {}: {error}", leftover.id)),
            }
        }
    }
    removed
}

async fn keep(engine: &dyn Engine, workshop: &Workshop) {
    let Ok(leftovers) = engine.leftovers().await else { return };
    let own = workshop.run().as_str();
    for leftover in leftovers {
        let is_own = leftover.labels.get(RUN_LABEL).map(String::as_str) == Some(own);
        if is_own && leftover.kind == LeftoverKind::Container {
            let id: String = leftover.id.chars().take(12).collect();
            workshop.events.emit(Event::Note {
                message: format!("kept container {id} until the next run: docker exec -it {id} sh"),
            });
        }
    }
}

fn warn(workshop: &Workshop, message: String) {
    workshop.events.emit(Event::Warning { message, help: None });
}
