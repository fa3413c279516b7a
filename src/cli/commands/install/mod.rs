//! `rdna-build install` and what goes with it: `installed`, `uninstall`, `rollback`, `run`.

mod list;
mod place;
mod put;
mod remove;
mod run;
mod venv;

pub use list::installed;
pub use put::install;
pub use remove::{rollback, uninstall};
pub use run::run;

use tokio_util::sync::CancellationToken;

use crate::cli::exit::CliError;
use crate::cli::interrupt;
use crate::cli::render;
use crate::cli::settings::{Settings, Verbosity};
use crate::install::{InstallError, Waiting};

/// Runs a change to its end or to Ctrl-C, and says for whom it waits.
fn change<T>(
    settings: &Settings,
    work: impl FnOnce(Waiting<'_>) -> Result<T, InstallError>,
) -> Result<T, CliError> {
    let cancel = CancellationToken::new();
    let mut on_wait =
        |holder: &str| say(settings, &format!("waiting for {}", render::printable(holder, 200)));
    interrupt::run_blocking(&cancel, || work(Waiting { cancel: &cancel, on_wait: &mut on_wait }))
}

/// A line for people.
fn say(settings: &Settings, line: &str) {
    if settings.verbosity > Verbosity::Quiet {
        render::complain(&format!("{line}\n"));
    }
}

fn warn(settings: &Settings, warnings: &[String]) {
    let colored = render::Palette::stderr(settings).is_colored();
    for warning in warnings.iter().filter(|_| settings.verbosity > Verbosity::Quiet) {
        render::diagnostic::warn(warning, colored);
    }
}
