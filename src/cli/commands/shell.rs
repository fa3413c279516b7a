//! `rdna-build shell`: a shell in the build container, as the build sees it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::cli::{
    interrupt,
    render::{self, RunLog},
};
use crate::execute;
use crate::facts::Machine;
use crate::model::Events;

pub fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = wire::open_store(settings.store.as_path())?;
    let mut job = Job::resolve(arguments, settings, &store, Trace::StatCache)?;
    let plan = job.plan(settings, &store, &Machine::look())?;
    let [unit] = plan.units.as_slice() else {
        return Err(CliError::Usage {
            message: format!("a shell is one container, and {} targets were given", plan.units.len()),
            help: Some("give one --target".to_owned()),
        });
    };
    let run = wire::run_id();
    let events = Events::new(vec![render::reader(settings), Arc::new(RunLog::new(store.run_path(&run)))]);
    let cancel = CancellationToken::new();
    let lock = job.lock.clone();
    let workshop = wire::workshop(arguments, settings, store, lock, run, events, cancel.clone())?;
    let materials = job.materials();
    let status = interrupt::run(&cancel, execute::shell(unit, &materials, &workshop))?;
    // The exit code of a person's last command in the shell is theirs, not a build's.
    let _ = status;
    Ok(ExitCode::Fine)
}
