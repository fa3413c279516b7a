//! Composes the stages: the only part with effects, and the only place where stages meet.
//!
//! One caching rule for all: look the stage's key up in the store; what is there is taken, what is not is made in a
//! draft and committed. Behind the store may be a remote (`remote`), of which no stage knows. A unit goes through `source` → `toolchain` → `prepare` → `build` → `package`, but looks for its
//! package first, so that a run with nothing to do touches neither engine nor network.

mod build;
mod cleanup;
mod compile;
mod error;
mod inspect;
mod json;
mod needs;
mod package;
mod prepare;
mod progress;
mod prove;
mod remote;
mod shell;
mod source;
mod toolchain;
mod trees;
mod unit;
mod verify;
mod workshop;

use std::time::Instant;

pub use error::ExecuteError;
pub use inspect::{Inspected, inspect, inspect_image, remembered};
pub use prove::{ProofTask, prove};
pub use remote::{Exchange, ExchangeError, Existing, Pushed, RemoteAccess, SharedStore, is_shared};
pub use shell::shell;
pub use source::pin;
pub use toolchain::{Locked, identity_of, image_of, lock, stored_identity, stored_image};
pub use trees::{SourceFolder, source_folder, stored_source};
pub use verify::{
    Computing, Emulator, Recipes, RuntimeChoice, VerifyError, VerifySubject, VerifyTask, verify,
};
pub use workshop::{Connect, Limits, Network, Workshop};

use crate::model::{
    Event, HostPath, Outcome, OwnPatch, Plan, PlannedPatch, Recipe, Report, Toolchain, UnitReport,
};
use crate::source::LocalTree;

/// What a plan refers to by name.
#[derive(Debug)]
pub struct Materials<'a> {
    pub recipe: &'a Recipe,
    pub toolchains: Vec<&'a Toolchain>,
    /// Patches that a person brought.
    pub own_patches: &'a [OwnPatch],
    /// The `--source` folder.
    pub local: Option<LocalSource>,
}

/// A `--source` folder and its tree, read before planning.
#[derive(Debug)]
pub struct LocalSource {
    pub folder: HostPath,
    pub tree: LocalTree,
}

impl Materials<'_> {
    /// The content of a planned patch.
    pub(crate) fn patch(&self, planned: &PlannedPatch) -> &[u8] {
        let own =
            self.own_patches.iter().find(|own| own.file == planned.file).map(|own| own.bytes.as_slice());
        own.or_else(|| self.recipe.files.get(&planned.file)).expect("a plan names patches it was made with")
    }

    fn toolchain(&self, id: &crate::model::ToolchainId) -> &Toolchain {
        self.toolchains
            .iter()
            .find(|toolchain| toolchain.id == *id)
            .expect("a plan names only toolchains it was made with")
    }
}

/// Does what a plan says. A unit that fails to build is data in the report; the others go on.
///
/// # Errors
/// Whatever makes going on pointless: no engine, no network, an invalid patch, an interrupt. Whatever happens, nothing
/// of the run is left in the engine when this returns.
pub async fn run(
    plan: &Plan,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<Report, ExecuteError> {
    let started = Instant::now();
    let stems = plan.units.iter().map(|unit| unit.id.file_stem()).collect();
    workshop.events.emit(Event::RunStarted { run: workshop.run().to_string(), units: stems });
    let work = async {
        let mut units = Vec::new();
        for unit in &plan.units {
            units.push(unit::make(unit, materials, workshop).await?);
        }
        Ok(units)
    };
    let result = guarded(workshop, work).await;
    let failed = match &result {
        Ok(units) => units.iter().any(failed),
        Err(_) => true,
    };
    cleanup::run(workshop, failed).await;
    let report =
        Report { run: workshop.run().to_string(), units: result?, seconds: started.elapsed().as_secs_f64() };
    workshop.events.emit(Event::RunFinished { report: report.clone() });
    Ok(report)
}

fn failed(unit: &UnitReport) -> bool {
    match unit.outcome {
        Outcome::Failed { .. } => true,
        Outcome::Passed { .. } | Outcome::Skipped { .. } => false,
    }
}

/// Runs `work` until it is done or the run is cancelled.
async fn guarded<T>(
    workshop: &Workshop,
    work: impl Future<Output = Result<T, ExecuteError>>,
) -> Result<T, ExecuteError> {
    tokio::select! {
        biased;
        () = workshop.cancel.cancelled() => Err(ExecuteError::Interrupted),
        result = work => result,
    }
}

#[cfg(test)]
mod tests;
