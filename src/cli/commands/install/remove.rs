//! `rdna-build uninstall` and `rdna-build rollback`.

use serde_json::json;

use super::{change, place, say, venv};
use crate::cli::args::{RollbackArguments, UninstallArguments};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, amount};
use crate::cli::settings::{Environment, Settings};
use crate::install;

pub fn uninstall(
    arguments: &UninstallArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let base = place::base(&arguments.place, environment)?;
    let removed =
        change(settings, |waiting| install::uninstall(&base, &arguments.name, arguments.force, waiting))?;
    let one = &removed.removed;
    if settings.json() {
        render::print_json(&json!({
            "outcome": "removed",
            "name": one.title.name,
            "version": one.title.version,
            "target": one.title.target,
            "folder": one.folder,
            "bytes": one.size,
            "now-current": removed.now_current,
        }))?;
        return Ok(ExitCode::Fine);
    }
    say(settings, &format!("removed {}, {}", one.title, amount::bytes(one.size)));
    if let Some(current) = &removed.now_current {
        say(settings, &format!("  current now  {current}"));
    }
    Ok(ExitCode::Fine)
}

pub fn rollback(
    arguments: &RollbackArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    if let Some(folder) = &arguments.into_venv {
        return venv::restore(&environment.absolute(folder), settings);
    }
    let base = place::base(&arguments.place, environment)?;
    let word = arguments.name.as_deref().expect("clap asks for a name where no venv is named");
    let back = change(settings, |waiting| install::rollback(&base, word, waiting))?;
    if settings.json() {
        render::print_json(&json!({
            "outcome": "rolled-back",
            "name": back.now.title.name,
            "version": back.now.title.version,
            "target": back.now.title.target,
            "folder": back.now.folder,
            "before": back.before,
        }))?;
        return Ok(ExitCode::Fine);
    }
    let before = back.before.map(|before| format!(", instead of {before}")).unwrap_or_default();
    say(settings, &format!("{} is current again{before}", back.now.title));
    render::print(&format!("{}\n", back.now.folder.display()))?;
    Ok(ExitCode::Fine)
}
