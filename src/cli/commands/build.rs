//! `rdna-build build`: plan, then do it.

use super::sign;
use crate::attest;
use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::step_summary;
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::execute;
use crate::facts::Machine;
use crate::model::{Outcome, Report};
use crate::store::{KEPT_RUNS, Store};

pub fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    // A key that cannot be used is told of before hours of building.
    let key = sign::key(settings)?;
    let store = Store::open(settings.store.as_path())?;
    let mut job = Job::resolve(arguments, settings, &store, Trace::StatCache)?;
    let machine = Machine::look();
    let plan = job.plan(settings, &store, &machine)?;
    let workshop = wire::workshop(arguments, settings, &store, machine, job.lock.clone());
    let materials = job.materials();
    let report = interrupt::run(&workshop.cancel, execute::run(&plan, &materials, &workshop))?;
    if let Some(key) = &key {
        sign_all(&report, key, settings)?;
    }
    step_summary::append(settings.step_summary.as_ref(), &step_summary::of_report(&report));
    // Old logs are pruned by runs that made something: a cached run has nothing to say and leaves none.
    if report.units.iter().any(|unit| unit.stages.iter().any(|stage| !stage.cached)) {
        store.prune_runs(KEPT_RUNS)?;
    }
    Ok(ExitCode::of_report(&report))
}

fn sign_all(report: &Report, key: &attest::SigningKey, settings: &Settings) -> Result<(), CliError> {
    for unit in &report.units {
        let Outcome::Passed { packages } = &unit.outcome else { continue };
        for package in packages {
            let attested = attest::attest(package.path.as_ref(), package.sha256, Some(key))?;
            sign::tell(&attested, settings);
        }
    }
    Ok(())
}
