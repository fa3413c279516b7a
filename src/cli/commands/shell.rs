//! `rdna-build shell`: a shell in the build container, as the build sees it.

use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::execute;
use crate::facts::Machine;
use crate::store::Store;

pub fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut job = Job::resolve(arguments, settings, &store, Trace::StatCache)?;
    let machine = Machine::look();
    let plan = job.plan(settings, &store, &machine)?;
    let [unit] = plan.units.as_slice() else {
        return Err(CliError::Usage {
            message: format!("a shell is one container, and {} targets were given", plan.units.len()),
            help: Some("give one --target".to_owned()),
        });
    };
    let workshop = wire::workshop(arguments, settings, &store, machine, job.lock.clone());
    let materials = job.materials();
    // The exit code of a person's last command in the shell is theirs, not a build's.
    interrupt::run(&workshop.cancel, execute::shell(unit, &materials, &workshop))?;
    Ok(ExitCode::Fine)
}
