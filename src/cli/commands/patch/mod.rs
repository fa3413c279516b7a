//! `rdna-build patch`: the series of a recipe, seen, proven and edited.

mod edit;
mod prove;
mod refresh;
mod status;

use crate::cli::args::{PatchArguments, PatchCommand};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::settings::Settings;

pub fn run(arguments: &PatchArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    match &arguments.command {
        PatchCommand::Status(status) => status::run(status, settings),
        PatchCommand::Prove(prove) => prove::run(prove, settings),
        PatchCommand::New(edit) => edit::new(edit, settings),
        PatchCommand::Edit(edit) => edit::edit(edit, settings),
        PatchCommand::Refresh(refresh) => refresh::run(refresh, settings),
    }
}
