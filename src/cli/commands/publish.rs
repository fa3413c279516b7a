//! `rdna-build publish`: packages into a repository for apt and dnf.

use super::sign;
use super::verify::existing;
use crate::cli::args::PublishArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, amount};
use crate::cli::settings::{Settings, Verbosity};
use crate::repository::{self, PUBLIC_KEY, Published, Task};

pub fn run(arguments: &PublishArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let folder = settings.current_folder.as_path();
    let signing = match arguments.unsigned {
        true => None,
        false => Some(sign::key(settings)?.ok_or_else(|| CliError::Usage {
            message: "no key to sign the repository with was named".to_owned(),
            help: Some(
                "name one: --key FILE, or the setting sign-key; with --unsigned, apt and dnf install from it only where they are told to trust it blindly"
                    .to_owned(),
            ),
        })?),
    };
    let key = signing.as_ref().map(|signing| signing.openpgp()).transpose()?;
    let packages = arguments.packages.iter().map(|package| existing(folder.join(package), "package"));
    let packages = packages.collect::<Result<Vec<_>, _>>()?;
    let root = folder.join(&arguments.folder);
    let published = repository::publish(&Task {
        folder: &root,
        packages: &packages,
        key,
        now: settings.source_date_epoch.unwrap_or_else(sign::now),
        url: arguments.url.as_deref(),
    })?;
    match settings.json() {
        true => render::print_json(&published)?,
        false => {
            if settings.verbosity > Verbosity::Quiet {
                render::complain(&told(&published, key.is_some()));
            }
            render::print(&published.added.iter().map(|path| format!("{path}\n")).collect::<String>())?;
        }
    }
    Ok(ExitCode::Fine)
}

/// What is in the repository now, and what whoever installs from it needs.
fn told(published: &Published, is_signed: bool) -> String {
    let halves = [("apt", published.apt), ("dnf", published.dnf)];
    let halves = halves.iter().filter(|(_, count)| *count > 0);
    let halves =
        halves.map(|(name, count)| format!("{} for {name}", amount::count(*count as u64, "package")));
    let halves: Vec<_> = halves.collect();
    if halves.is_empty() {
        return "no package is in it\n".to_owned();
    }
    let mut text = format!("{}\n", halves.join(", "));
    match is_signed {
        true => text += &format!("signed; the public key is in {PUBLIC_KEY}\n"),
        false => text += "not signed: apt and dnf must be told to trust it\n",
    }
    for settings in &published.settings {
        text += &format!("for people's settings: {settings}\n");
    }
    text
}
