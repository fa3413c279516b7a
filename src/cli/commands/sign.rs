//! `rdna-build sign`: what vouches for packages, and the key that it is opened with.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::verify::existing;
use crate::attest::{self, Attested, Passphrase, PublicKeys, SigningKey};
use crate::cli::args::SignArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;
use crate::cli::settings::{Settings, Verbosity};

pub fn run(arguments: &SignArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let key = match arguments.unsigned {
        true => None,
        false => Some(key(settings)?.ok_or_else(|| CliError::Usage {
            message: "no key to sign with was named".to_owned(),
            help: Some("name one: --key FILE, or the setting sign-key; --unsigned signs nothing".to_owned()),
        })?),
    };
    let folder = settings.current_folder.as_path();
    let packages = arguments.packages.iter().map(|package| existing(folder.join(package), "package"));
    let packages = packages.collect::<Result<Vec<_>, _>>()?;
    for package in packages {
        let attested = attest::sign(&package, key.as_ref())?;
        match settings.json() {
            true => render::print_json(&document(&attested))?,
            false => {
                tell(&attested, settings);
                let files = attested.files.iter().map(|file| format!("{}\n", file.display()));
                render::print(&files.collect::<String>())?;
            }
        }
    }
    Ok(ExitCode::Fine)
}

/// The key that the settings name, opened. A file that others may read is warned of.
pub(super) fn key(settings: &Settings) -> Result<Option<SigningKey>, CliError> {
    let Some(path) = &settings.sign_key else { return Ok(None) };
    let passphrase = match (&settings.sign_passphrase, &settings.sign_passphrase_file) {
        (Some(passphrase), _) => Some(passphrase.clone()),
        (None, Some(file)) => Some(Passphrase::read(file.as_path())?),
        (None, None) => None,
    };
    let key = SigningKey::open(path.as_path(), passphrase.as_ref(), now())?;
    if key.is_readable_by_others() && settings.verbosity > Verbosity::Quiet {
        let warning = format!("others may read or change the secret key {path}: chmod 600 {path}");
        render::diagnostic::warn(&warning, render::Palette::stderr(settings).is_colored());
    }
    Ok(Some(key))
}

/// The public keys that the settings name.
pub(super) fn trusted(settings: &Settings) -> Result<PublicKeys, CliError> {
    let paths: Vec<_> = settings.trusted_keys.iter().map(|path| path.as_path().to_owned()).collect();
    Ok(PublicKeys::read(&paths)?)
}

/// Seconds since 1970: keys and signatures have their time.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A line about a package that was signed, for people.
pub(super) fn tell(attested: &Attested, settings: &Settings) {
    if settings.verbosity == Verbosity::Quiet {
        return;
    }
    let name = attested.archive.file_name().map(Path::new).unwrap_or(&attested.archive).display();
    render::complain(&match &attested.signer {
        Some(key) => format!("{name}: signed by {key}\n"),
        None => format!("{name}: not signed\n"),
    });
}

fn document(attested: &Attested) -> serde_json::Value {
    json!({ "package": attested.archive, "files": attested.files, "signed-by": attested.signer })
}
