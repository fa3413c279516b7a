//! `rdna-build installed`: what is installed, and which version is current.

use serde_json::json;

use super::{place, say};
use crate::cli::args::InstalledArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page, Tone, amount, table::Table};
use crate::cli::settings::{Environment, Settings};
use crate::install::{self, Installed, Verdict};
use crate::model::Tier;

pub fn installed(
    arguments: &InstalledArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let base = place::base(&arguments.place, environment)?;
    let installed = install::installed(&base)?;
    if settings.json() {
        render::print_json(&installed.iter().map(document).collect::<Vec<_>>())?;
        return Ok(ExitCode::Fine);
    }
    if installed.is_empty() {
        say(settings, &format!("nothing is installed in {}", base.folder().display()));
        return Ok(ExitCode::Fine);
    }
    let titles = ["package", "version", "target", "toolchain", "size", "current", "verified", "folder"];
    let mut table = Table::new(titles);
    for one in &installed {
        let (tone, verified) = verified(one.verdict.as_ref());
        table.row([
            (Tone::Strong, one.title.name.clone()),
            (Tone::Plain, one.title.version.clone()),
            (Tone::Plain, one.title.target.clone()),
            (Tone::Plain, one.toolchain.clone()),
            (Tone::Plain, amount::bytes(one.size)),
            (Tone::Good, if one.current { "yes" } else { "" }.to_owned()),
            (tone, verified),
            (Tone::Faint, one.folder.display().to_string()),
        ]);
    }
    render::print(&table.render(0, Page::stdout(settings)))?;
    Ok(ExitCode::Fine)
}

/// `static, kernels: 20 passed`.
fn verified(verdict: Option<&Verdict>) -> (Tone, String) {
    let Some(verdict) = verdict else { return (Tone::Faint, "no report".to_owned()) };
    let tiers: Vec<&str> = verdict.tiers.iter().map(Tier::as_str).collect();
    let (tone, failed) = match verdict.failed {
        0 => (Tone::Plain, String::new()),
        failed => (Tone::Bad, format!(", {failed} failed")),
    };
    (tone, format!("{}: {} passed{failed}", tiers.join(", "), verdict.passed))
}

fn document(one: &Installed) -> serde_json::Value {
    json!({
        "name": one.title.name,
        "version": one.title.version,
        "target": one.title.target,
        "toolchain": one.toolchain,
        "bytes": one.size,
        "current": one.current,
        "folder": one.folder,
        "installed": one.installed,
        "verified": one.verdict,
    })
}
