//! `rdna-build install`: a package put where programs find it.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{change, place, say, venv, warn};
use crate::attest::{self, AttestError, Signed};
use crate::cli::args::InstallArguments;
use crate::cli::commands::{sign, verify};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, amount};
use crate::cli::settings::{Environment, Settings};
use crate::install::{self, Order, Outcome, Placed, Verdict};
use crate::store::Store;

pub fn install(
    arguments: &InstallArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    if let Some(folder) = &arguments.into_venv {
        let folder = environment.absolute(folder);
        let archive = package(arguments, settings, environment)?;
        signature(&archive, settings)?;
        return venv::swap(&archive, &folder, settings, environment);
    }
    let base = place::base(&arguments.place, environment)?;
    let archive = package(arguments, settings, environment)?;
    let signed = signature(&archive, settings)?;
    let order = Order { archive: &archive, base: &base };
    let placed = change(settings, |waiting| install::install(order, waiting))?;
    let warnings = warnings(&placed, settings, environment);
    warn(settings, &warnings);
    if settings.json() {
        render::print_json(&document(&placed, &signed, &warnings))?;
        return Ok(ExitCode::Fine);
    }
    tell(&placed, &signed, &place::words(&arguments.place), settings);
    render::print(&format!("{}\n", placed.installed.folder.display()))?;
    Ok(ExitCode::Fine)
}

/// By whom a package is signed. It is installed without a signature, and not with a wrong one.
fn signature(archive: &Path, settings: &Settings) -> Result<Signed, CliError> {
    match attest::signed(archive, &sign::trusted(settings)?, sign::now())? {
        Signed::Wrong { why } => Err(AttestError::BadSignature { archive: archive.to_owned(), why }.into()),
        signed @ (Signed::No | Signed::By { .. } | Signed::ByUnknown { .. }) => Ok(signed),
    }
}

/// The package that was named, or the one that was built last.
pub(super) fn package(
    arguments: &InstallArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<PathBuf, CliError> {
    if let Some(package) = &arguments.package {
        return verify::existing(environment.absolute(package), "package");
    }
    let last = verify::built_last(&Store::peek(settings.store.as_path()))?;
    last.ok_or_else(|| CliError::Usage {
        message: "nothing was built here that could be installed".to_owned(),
        help: Some("name a package: rdna-build install PACKAGE.tar.zst".to_owned()),
    })
}

fn warnings(placed: &Placed, settings: &Settings, environment: &Environment) -> Vec<String> {
    let gpus = place::gpus(settings, environment);
    let mut warnings: Vec<String> =
        place::other_gpu(&placed.installed.title.target, &gpus).into_iter().collect();
    warnings.extend(unproven(placed.installed.verdict.as_ref()));
    warnings
}

/// What is not proven of a package.
pub(super) fn unproven(verdict: Option<&Verdict>) -> Option<String> {
    match verdict {
        None => Some(
            "no verification report came with the package: nothing is proven of it, see `rdna-build verify`"
                .to_owned(),
        ),
        Some(Verdict { failed: 0, .. }) => None,
        Some(Verdict { failed, .. }) => Some(format!(
            "the package's verification report has {}",
            amount::count(*failed as u64, "failed check")
        )),
    }
}

fn tell(placed: &Placed, signed: &Signed, place: &str, settings: &Settings) {
    let title = &placed.installed.title;
    let size = amount::bytes(placed.installed.size);
    match &placed.outcome {
        Outcome::Installed => say(settings, &format!("installed {title}, {size}")),
        Outcome::AlreadyInstalled => say(settings, &format!("{title} is already installed")),
        Outcome::Reinstalled { why } => say(settings, &format!("reinstalled {title}, {size}: {why}")),
    }
    say(settings, &format!("  signed by    {}", render::printable(&signed.by(), 200)));
    if let Some(before) = &placed.before {
        let back = format!("`rdna-build rollback {}{place}` goes back", title.name);
        say(settings, &format!("  before       {before}; {back}"));
    }
    say(settings, &format!("  a program    rdna-build run {}{place} -- COMMAND", title.name));
    say(settings, &format!("  a shell      . {}", placed.shell_file.display()));
}

fn document(placed: &Placed, signed: &Signed, warnings: &[String]) -> serde_json::Value {
    let installed = &placed.installed;
    let (outcome, why) = match &placed.outcome {
        Outcome::Installed => ("installed", None),
        Outcome::AlreadyInstalled => ("already-installed", None),
        Outcome::Reinstalled { why } => ("reinstalled", Some(why)),
    };
    json!({
        "outcome": outcome,
        "why": why,
        "name": installed.title.name,
        "version": installed.title.version,
        "target": installed.title.target,
        "folder": installed.folder,
        "link": placed.link,
        "shell-file": placed.shell_file,
        "before": placed.before,
        "bytes": installed.size,
        "verified": installed.verdict,
        "signature": signed,
        "warnings": warnings,
    })
}
