//! A shell in the build container, as the build sees it.

use super::unit::Account;
use super::{ExecuteError, Materials, Workshop, cleanup, guarded, prepare, source, toolchain};
use crate::build::session::{Session, SessionSpec};
use crate::build::workspace::Note;
use crate::engine::ExitStatus;
use crate::model::{BUILD, Event, PlannedUnit, SOURCE, Stage};
use crate::plan::key;

/// Opens the unit's container with its prepared sources and waits until the shell ends.
pub async fn shell(
    unit: &PlannedUnit,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<ExitStatus, ExecuteError> {
    let work = async {
        let stem = unit.id.file_stem();
        let mut account = Account { workshop, unit: stem.clone(), stages: vec![] };
        let pinned = source::pin_planned(&unit.source, workshop).await?;
        let _lock = workshop.lock(&key::lock(&stem), &stem, Stage::Build).await?;
        let image = toolchain::ensure(unit, materials, &mut account).await?;
        let prepared = prepare::ensure(unit, &pinned, materials, &mut account).await?;
        let spec = SessionSpec {
            image: image.id.clone(),
            work: workshop.work_volume(&stem),
            unit: stem,
            labels: workshop.labels(),
            cpus: None,
            memory: workshop.limits.memory,
            ccache: workshop.limits.ccache.clone(),
        };
        let session = Session::open(workshop.engine().await?, &spec).await?;
        let note =
            Note { configuration: unit.script.configuration(image.identity), tree: prepared.tree.clone() };
        session.sync(prepared, note).await?;
        workshop.events.emit(Event::Note {
            message: format!(
                "source in {SOURCE}, build folder {BUILD}; `exit` leaves the container and removes it"
            ),
        });
        Ok(session.terminal(&image.bind(&unit.script)).await?)
    };
    let result = guarded(workshop, work).await;
    cleanup::run(workshop, false).await;
    result
}
