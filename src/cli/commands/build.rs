//! `rdna-build build`: plan, then do it.

use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::step_summary;
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::execute;
use crate::facts::Machine;
use crate::store::{KEPT_RUNS, Store};

pub fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut job = Job::resolve(arguments, settings, &store, Trace::StatCache)?;
    let machine = Machine::look();
    let plan = job.plan(settings, &store, &machine)?;
    let workshop = wire::workshop(arguments, settings, &store, machine, job.lock.clone());
    let materials = job.materials();
    let report = interrupt::run(&workshop.cancel, execute::run(&plan, &materials, &workshop))?;
    step_summary::append(settings.step_summary.as_ref(), &step_summary::of_report(&report));
    // Old logs are pruned by runs that made something: a cached run has nothing to say and leaves none.
    if report.units.iter().any(|unit| unit.stages.iter().any(|stage| !stage.cached)) {
        store.prune_runs(KEPT_RUNS)?;
    }
    Ok(ExitCode::of_report(&report))
}
