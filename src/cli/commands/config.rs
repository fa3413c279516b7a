//! `rdna-build config`: every setting and where it comes from.

use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page};
use crate::cli::settings::Settings;

pub fn run(settings: &Settings) -> Result<ExitCode, CliError> {
    if settings.json() {
        render::print_json(&render::config::document(settings))?;
    } else {
        render::print(&render::config::table(settings, Page::stdout(settings)))?;
    }
    Ok(ExitCode::Fine)
}
