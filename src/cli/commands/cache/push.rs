//! `rdna-build cache push`: gives entries of the store to the remote.

use std::time::Instant;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{entries_shown, events, exchange};
use crate::cli::args::PushArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, amount};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute::{Exchange, ExchangeError, Existing, Pushed, is_shared};
use crate::model::{Event, Events, Stage, Unit};
use crate::store::{Entry, Holder, Listed, Record, Store};

pub(super) fn run(arguments: &PushArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let (holder, cancel) = (Holder::this_process(wire::run_id()), CancellationToken::new());
    let exchange = exchange(settings, &store, &holder, &cancel)?;
    let chosen = chosen(arguments, &store)?;
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let events = events(settings);
    let work = async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CliError::Interrupted),
            pushed = push_all(&exchange, &chosen, existing, &events) => pushed.map_err(CliError::from),
        }
    };
    let pushed = interrupt::run(&cancel, work)?;
    let sent: Vec<u64> = pushed.iter().filter_map(|(_, pushed)| bytes(*pushed)).collect();
    if settings.json() {
        render::print_json(&pushed.iter().map(document).collect::<Vec<_>>())?;
        return Ok(ExitCode::Fine);
    }
    let there = match pushed.len() - sent.len() {
        0 => String::new(),
        count => format!(", {count} were there"),
    };
    render::complain(&format!(
        "gave {} to {} ({}){there}\n",
        entries_shown(sent.len()),
        exchange.repository(),
        amount::bytes(sent.iter().sum())
    ));
    Ok(ExitCode::Fine)
}

async fn push_all(
    exchange: &Exchange,
    chosen: &[Entry],
    existing: Existing,
    events: &Events,
) -> Result<Vec<(Entry, Pushed)>, ExchangeError> {
    let mut pushed = Vec::new();
    for entry in chosen {
        let (stage, key) = (entry.record().stage, entry.key());
        let unit = key.short();
        events.emit(Event::StageStarted { unit: unit.clone(), stage, reason: unit.clone() });
        let started = Instant::now();
        let progress = |done| {
            let (unit, item) = (unit.clone(), unit.clone());
            events.emit(Event::Progress { unit, stage, item, done, total: 0, of: Unit::Bytes });
        };
        let ended = exchange.push(entry, existing, &progress).await?;
        let unit = key.short();
        match ended {
            Pushed::Sent { .. } => {
                let seconds = started.elapsed().as_secs_f64();
                events.emit(Event::StageFinished { unit, stage, key, seconds });
            }
            Pushed::WasThere => events.emit(Event::StageCached { unit, stage, key }),
        }
        pushed.push((entry.clone(), ended));
    }
    Ok(pushed)
}

/// The entries that a command line means, each once and all in hand.
fn chosen(arguments: &PushArguments, store: &Store) -> Result<Vec<Entry>, CliError> {
    let listed: Vec<Listed> =
        store.list()?.into_iter().filter(|entry| is_shared(entry.stage) && entry.record.is_ok()).collect();
    let mut chosen: Vec<&Listed> = Vec::new();
    if arguments.all {
        chosen.extend(&listed);
    }
    for word in &arguments.what {
        let found = meant(word, &listed);
        if found.is_empty() {
            return Err(CliError::Usage {
                message: format!(
                    "nothing that can be shared is of the recipe `{word}` or has a key that begins so"
                ),
                help: Some("`rdna-build cache list` shows what is there".to_owned()),
            });
        }
        chosen.extend(found);
    }
    chosen.sort_by_key(|entry| (entry.stage, entry.key));
    chosen.dedup_by_key(|entry| (entry.stage, entry.key));
    let entries = chosen.into_iter().filter_map(|entry| match store.lookup(entry.stage, &entry.key) {
        Ok(lookup) => lookup.entry().map(Ok),
        Err(error) => Some(Err(error.into())),
    });
    entries.collect()
}

/// The packages and builds of a recipe and what they were made from, or the entries whose keys begin so.
fn meant<'a>(word: &str, listed: &'a [Listed]) -> Vec<&'a Listed> {
    let of_recipe = |record: &&Record| record.ingredients.get("recipe") == Some(word);
    let made: Vec<&Record> =
        listed.iter().filter_map(|entry| entry.record.as_ref().ok()).filter(of_recipe).collect();
    let fits = |entry: &&Listed| match (&entry.record, made.is_empty()) {
        (_, true) => entry.key.to_string().starts_with(word),
        (Ok(record), false) => made.iter().any(|product| went_into(record, product)),
        (Err(_), false) => false,
    };
    listed.iter().filter(fits).collect()
}

/// Whether all that made an entry also made another, which shows that it lies on the way there.
fn went_into(record: &Record, product: &Record) -> bool {
    let is_part = matches!(record.stage, Stage::Toolchain | Stage::Source | Stage::Build | Stage::Package);
    is_part && record.ingredients.iter().all(|(name, value)| product.ingredients.get(name) == Some(value))
}

fn bytes(pushed: Pushed) -> Option<u64> {
    match pushed {
        Pushed::Sent { bytes } => Some(bytes),
        Pushed::WasThere => None,
    }
}

fn document((entry, pushed): &(Entry, Pushed)) -> serde_json::Value {
    json!({
        "stage": entry.record().stage,
        "key": entry.key(),
        "result": match pushed { Pushed::Sent { .. } => "sent", Pushed::WasThere => "was-there" },
        "bytes": bytes(*pushed),
    })
}
