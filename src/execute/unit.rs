//! One unit from source to package, under the one caching rule.

use std::time::Instant;

use super::build::Built;
use super::toolchain::Image;
use super::{ExecuteError, Materials, Workshop, build, package, prepare, source, toolchain};
use crate::build::BuildError;
use crate::model::{
    Event, LeftOutReason, Outcome, PinnedSource, PlannedUnit, Stage, StageReport, UnitReport,
};
use crate::package::PackageError;
use crate::plan::{self, key, key::Keyed};

/// Keeps the account of a unit's stages and tells the world.
pub(super) struct Account<'a> {
    pub workshop: &'a Workshop,
    pub unit: String,
    pub stages: Vec<StageReport>,
}

impl Account<'_> {
    pub fn cached(&mut self, stage: Stage, key: crate::model::Key) {
        self.workshop.events.emit(Event::StageCached { unit: self.unit.clone(), stage, key });
        self.stages.push(StageReport { stage, key, cached: true, seconds: 0.0 });
    }

    pub fn started(&self, stage: Stage, reason: impl Into<String>) -> Instant {
        self.workshop.events.emit(Event::StageStarted {
            unit: self.unit.clone(),
            stage,
            reason: reason.into(),
        });
        Instant::now()
    }

    pub fn finished(&mut self, stage: Stage, key: crate::model::Key, started: Instant) -> f64 {
        let seconds = started.elapsed().as_secs_f64();
        self.workshop.events.emit(Event::StageFinished { unit: self.unit.clone(), stage, key, seconds });
        self.stages.push(StageReport { stage, key, cached: false, seconds });
        seconds
    }
}

/// Makes a unit's package, or finds it. A failed build is an outcome; everything else that fails is an error.
pub(super) async fn make(
    unit: &PlannedUnit,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<UnitReport, ExecuteError> {
    let stem = unit.id.file_stem();
    workshop.events.emit(Event::ToolchainChosen {
        unit: stem.clone(),
        toolchain: unit.id.toolchain.to_string(),
        reason: unit.reason.clone(),
    });
    tell_of_patches(unit, workshop);
    let mut account = Account { workshop, unit: stem.clone(), stages: vec![] };
    let outcome = match stages(unit, materials, &mut account).await {
        Ok(outcome) => outcome,
        Err(error) if is_failed_build(&error) => {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            let why = error.to_string();
            workshop.events.emit(Event::StageFailed {
                unit: stem.clone(),
                stage: Stage::Build,
                error: why.clone(),
            });
            Outcome::Failed { why, help, log: None }
        }
        Err(error) => return Err(error),
    };
    Ok(UnitReport { unit: stem, stages: account.stages, outcome })
}

/// What is applied without a proof, and what is not for want of one, is said before anything is built.
fn tell_of_patches(unit: &PlannedUnit, workshop: &Workshop) {
    let version = &unit.id.version;
    let is_own = |patch: &&crate::model::PlannedPatch| patch.file.starts_with("own/");
    for patch in unit.patches.iter().filter(|patch| patch.unproven && !is_own(patch)) {
        let message = format!("patch {} was never proven on {} {version}", patch.name, unit.id.recipe);
        workshop.events.emit(Event::Warning { message, help: None });
    }
    let unproven = unit.left_out.iter().filter(|left_out| left_out.reason == LeftOutReason::Unproven);
    let names: Vec<_> = unproven.map(|left_out| left_out.name.as_str()).collect();
    if !names.is_empty() {
        workshop.events.emit(Event::Warning {
            message: format!("not applied, because never proven on {version}: {}", names.join(", ")),
            help: Some("--unproven-patches applies them".to_owned()),
        });
    }
}

async fn stages(
    unit: &PlannedUnit,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<Outcome, ExecuteError> {
    let workshop = account.workshop;
    let pinned = source::pin_planned(&unit.source, workshop).await?;
    let definition = materials.toolchain(&unit.id.toolchain).definition();

    // The short way: everything is known and the package is there.
    if !workshop.limits.rebuild
        && let Some(identity) = toolchain::known_identity(workshop, definition).await?
    {
        let wanted = package::wanted(unit, &pinned, definition, identity);
        if let Some(entries) = package::find_all(&wanted, account).await? {
            return package::publish(workshop, &entries);
        }
    }

    let _unit_lock = workshop.lock(&key::lock(&account.unit), &account.unit, Stage::Build).await?;
    let image = toolchain::ensure(unit, materials, account).await?;
    let built = plan::build_key(unit, &pinned, definition, image.identity);
    let wanted = package::wanted(unit, &pinned, definition, image.identity);
    if workshop.limits.rebuild {
        for one in &wanted {
            workshop.store.remove(Stage::Package, &one.keyed.key, &workshop.holder)?;
        }
        workshop.store.remove(Stage::Build, &built.key, &workshop.holder)?;
    } else if let Some(entries) = package::find_all(&wanted, account).await? {
        // Another run made them while this one waited.
        return package::publish(workshop, &entries);
    }

    let tree = installed(unit, built, &pinned, &image, materials, account).await?;
    let entries = package::ensure_all(unit, wanted, &pinned, &image, &tree, account).await?;
    package::publish(workshop, &entries)
}

/// What a build installs: found, or built. The caller holds the lock of the unit.
pub(super) async fn installed(
    unit: &PlannedUnit,
    keyed: Keyed,
    pinned: &PinnedSource,
    image: &Image,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<Built, ExecuteError> {
    if let Some(built) = build::find(account.workshop, &keyed.key).await? {
        account.cached(Stage::Build, keyed.key);
        return Ok(built);
    }
    let prepared = prepare::ensure(unit, pinned, materials, account).await?;
    build::make(unit, keyed, image, prepared, materials.recipe.build.memory_per_job, account).await
}

/// A build that failed is data; a build that could not even be tried is not.
pub(super) fn is_failed_build(error: &ExecuteError) -> bool {
    matches!(
        error,
        ExecuteError::Build(
            BuildError::Step { .. }
                | BuildError::OutOfMemory { .. }
                | BuildError::NothingInstalled
                | BuildError::Output { .. }
        ) | ExecuteError::Package(PackageError::NothingInstalled { .. } | PackageError::Outputs { .. })
    )
}
