//! `rdna-build verify-package`: whether a package is what those say who vouch for it, and who that is.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::sign;
use super::verify::existing;
use crate::attest;
use crate::cli::args::VerifyPackageArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, package_check};
use crate::cli::settings::{Environment, Settings};

pub fn run(
    arguments: &VerifyPackageArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let archive = existing(environment.absolute(&arguments.package), "package")?;
    let keys = sign::trusted(settings)?;
    let scratch =
        tempfile::tempdir().map_err(|source| CliError::Write { path: std::env::temp_dir(), source })?;
    let cancel = CancellationToken::new();
    let is_required = arguments.is_signature_required();
    let checked = interrupt::run_blocking(&cancel, || {
        attest::check(&archive, Path::new(scratch.path()), &keys, is_required, sign::now(), &cancel)
    })?;
    match settings.json() {
        true => render::print_json(&checked)?,
        false => render::print(&package_check::text(&checked, Page::stdout(settings)))?,
    }
    Ok(match checked.failed() {
        0 => ExitCode::Fine,
        _ => ExitCode::VerificationFailed,
    })
}
