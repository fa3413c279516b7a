//! `rdna-build cache`: what the store holds, where it is, whether it is whole, making it smaller, and sharing it.

mod check;
mod login;
mod pull;
mod push;
mod show;
mod why;

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use crate::cli::args::{CacheArguments, CacheCommand, GcArguments};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Palette, Tone, amount, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute::Exchange;
use crate::model::Events;
use crate::store::{Holder, Limits, Listed, Store};

pub fn run(arguments: &CacheArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    match &arguments.command {
        CacheCommand::List => list(settings),
        CacheCommand::Path => {
            render::print(&format!("{}\n", settings.store))?;
            Ok(ExitCode::Fine)
        }
        CacheCommand::Show(arguments) => show::run(arguments, settings),
        CacheCommand::Verify(arguments) => check::run(arguments, settings),
        CacheCommand::Why(arguments) => why::run(arguments, settings),
        CacheCommand::Gc(limits) => collect(limits, settings),
        CacheCommand::Push(arguments) => push::run(arguments, settings),
        CacheCommand::Pull(arguments) => pull::run(arguments, settings),
        CacheCommand::Login(arguments) => login::run(arguments, settings),
    }
}

/// What entries move between; a command that is about a remote needs one.
fn exchange(
    settings: &Settings,
    store: &Store,
    holder: &Holder,
    cancel: &CancellationToken,
) -> Result<Exchange, CliError> {
    let exchange = wire::exchange(settings, store, holder.clone(), cancel.clone());
    exchange.ok_or_else(|| {
        let (message, help) = match settings.offline {
            true => ("--offline, and a remote is to be spoken to", "leave `offline` out of the settings"),
            false => (
                "no remote is set",
                "name one: --remote ghcr.io/owner/name, or `[remote] registry = \"…\"` in rdna-build.toml",
            ),
        };
        CliError::Usage { message: message.to_owned(), help: Some(help.to_owned()) }
    })
}

/// Who hears of progress: nobody where standard output is one document.
fn events(settings: &Settings) -> Events {
    let readers = if settings.json() { vec![] } else { vec![render::reader(settings)] };
    Events::new(readers)
}

fn list(settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let entries = store.list()?;
    if settings.json() {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "stage": entry.stage,
                    "key": entry.key,
                    "bytes": entry.bytes,
                    "last-used": since_1970(entry.last_used),
                })
            })
            .collect();
        render::print_json(&entries)?;
        return Ok(ExitCode::Fine);
    }
    let mut table = Table::new(["stage", "key", "size", "last use"]);
    for entry in &entries {
        table.row([
            (Tone::Plain, entry.stage.to_string()),
            (Tone::Plain, entry.key.short()),
            (Tone::Plain, amount::bytes(entry.bytes)),
            (Tone::Faint, last_use(entry)),
        ]);
    }
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    render::print(&table.render(0, Palette::stdout(settings)))?;
    render::complain(&format!(
        "{}, {} in {}\n",
        entries_shown(entries.len()),
        amount::bytes(total),
        settings.store
    ));
    Ok(ExitCode::Fine)
}

fn last_use(entry: &Listed) -> String {
    match entry.last_used.elapsed() {
        Ok(ago) => format!("{} ago", amount::about_seconds(ago.as_secs_f64())),
        // The clock went back since.
        Err(_) => "just now".to_owned(),
    }
}

fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn collect(arguments: &GcArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let limits = Limits { max_size: arguments.max_size, older_than: arguments.older_than };
    let collected = store.gc(limits, &Holder::this_process(wire::run_id()))?;
    let freed: u64 = collected.removed.iter().map(|entry| entry.bytes).sum();
    let kept = match collected.in_use.len() {
        0 => String::new(),
        count => format!("; {count} were to go but are in use"),
    };
    render::complain(&format!(
        "removed {} ({}), {} left{kept}\n",
        entries_shown(collected.removed.len()),
        amount::bytes(freed),
        amount::bytes(collected.bytes_left)
    ));
    Ok(ExitCode::Fine)
}

fn entries_shown(count: usize) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{count} entries"),
    }
}
