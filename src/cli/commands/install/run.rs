//! `rdna-build run`: becomes a program that finds the installed libraries first.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::{place, say};
use crate::cli::args::RunArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::settings::{Environment, Settings, Verbosity};
use crate::install;

/// What the loader looks through before all else.
const VARIABLE: &str = "LD_LIBRARY_PATH";

pub fn run(
    arguments: &RunArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let base = place::base(&arguments.place, environment)?;
    let gpus = place::gpus(settings, environment);
    let folders = install::libraries(&base, &arguments.names, &gpus)?;
    let path = install::search_path(&folders, environment.raw(VARIABLE));
    if settings.verbosity == Verbosity::Verbose {
        say(settings, &format!("{VARIABLE}={}", path.display()));
    }
    let (program, rest) = arguments.command.split_first().expect("clap asks for a program");
    // Only comes back where it cannot be started.
    let source = Command::new(program).args(rest).env(VARIABLE, path).exec();
    Err(CliError::Program { program: PathBuf::from(program), source })
}
