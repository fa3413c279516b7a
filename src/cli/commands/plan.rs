//! `rdna-build plan`: what would be done. Touches nothing.

use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page};
use crate::cli::settings::Settings;
use crate::cli::wire::{Job, Trace};
use crate::facts::Machine;
use crate::store::Store;

pub fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let job = Job::resolve(arguments, settings, &store, Trace::None)?;
    let plan = job.plan(settings, &store, &Machine::look())?;
    match settings.json() {
        true => render::print_json(&plan)?,
        false => render::print(&render::plan::table(&plan, Page::stdout(settings)))?,
    }
    Ok(ExitCode::Fine)
}
