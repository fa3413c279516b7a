//! `--into-venv`: PyTorch's own MIOpen swapped for ours, and back.

use std::path::Path;

use serde_json::json;

use super::{change, place, say, warn};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;
use crate::cli::settings::{Environment, Settings};
use crate::install::venv;

pub(super) fn swap(
    archive: &Path,
    folder: &Path,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let swapped = change(settings, |waiting| venv::swap(archive, folder, waiting))?;
    let gpus = place::gpus(settings, environment);
    let mut warnings: Vec<String> = place::other_gpu(&swapped.title.target, &gpus).into_iter().collect();
    warnings.extend(swapped.doubts.iter().cloned());
    warn(settings, &warnings);
    if settings.json() {
        render::print_json(&json!({
            "outcome": if swapped.already { "already-swapped" } else { "swapped" },
            "name": swapped.title.name,
            "version": swapped.title.version,
            "target": swapped.title.target,
            "library": swapped.library,
            "original": swapped.original,
            "warnings": warnings,
        }))?;
        return Ok(ExitCode::Fine);
    }
    match swapped.already {
        true => say(settings, &format!("PyTorch has the library of {} already", swapped.title)),
        false => say(settings, &format!("PyTorch has the library of {} now", swapped.title)),
    }
    say(settings, &format!("  original     {}", swapped.original.display()));
    say(settings, &format!("  back         rdna-build rollback --into-venv {}", folder.display()));
    render::print(&format!("{}\n", swapped.library.display()))?;
    Ok(ExitCode::Fine)
}

pub(super) fn restore(folder: &Path, settings: &Settings) -> Result<ExitCode, CliError> {
    let restored = change(settings, |waiting| venv::restore(folder, waiting))?;
    if settings.json() {
        render::print_json(&json!({
            "outcome": "restored",
            "library": restored.library,
            "package": restored.package,
        }))?;
        return Ok(ExitCode::Fine);
    }
    match &restored.package {
        Some(package) => say(settings, &format!("PyTorch has its own library again, instead of {package}")),
        None => say(settings, "PyTorch had its own library; what was kept for going back is removed"),
    }
    render::print(&format!("{}\n", restored.library.display()))?;
    Ok(ExitCode::Fine)
}
