//! `rdna-build cache pull`: takes entries from the remote into the store.

use std::time::Instant;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{entries_shown, events, exchange};
use crate::cli::args::PullArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, amount};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute::{Exchange, is_shared};
use crate::model::{Event, Events, Key, Stage, Unit};
use crate::store::{Holder, Store};

/// What became of a key.
struct Outcome {
    key: Key,
    /// Nothing where neither store nor remote has it.
    stage: Option<Stage>,
    /// Bytes of content that came, where any had to.
    bytes: Option<u64>,
}

pub(super) fn run(arguments: &PullArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let (holder, cancel) = (Holder::this_process(wire::run_id()), CancellationToken::new());
    let exchange = exchange(settings, &store, &holder, &cancel)?;
    let events = events(settings);
    let work = async {
        let mut outcomes = Vec::new();
        for key in &arguments.keys {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(CliError::Interrupted),
                outcome = pull(&exchange, &store, *key, &events) => outcomes.push(outcome?),
            }
        }
        Ok(outcomes)
    };
    let outcomes = interrupt::run(&cancel, work)?;
    match settings.json() {
        true => render::print_json(&outcomes.iter().map(document).collect::<Vec<_>>())?,
        false => tell(&outcomes, &exchange),
    }
    let is_missing = outcomes.iter().any(|outcome| outcome.stage.is_none());
    Ok(if is_missing { ExitCode::NotReady } else { ExitCode::Fine })
}

/// A key does not say of which stage it is; no two stages have the same.
async fn pull(exchange: &Exchange, store: &Store, key: Key, events: &Events) -> Result<Outcome, CliError> {
    let stages = || Stage::ALL.into_iter().filter(|stage| is_shared(*stage));
    for stage in stages() {
        if store.lookup(stage, &key)?.entry().is_some() {
            return Ok(Outcome { key, stage: Some(stage), bytes: None });
        }
    }
    for stage in stages() {
        if !exchange.holds(stage, &key).await? {
            continue;
        }
        let unit = key.short();
        events.emit(Event::StageStarted { unit: unit.clone(), stage, reason: unit.clone() });
        let started = Instant::now();
        let mut bytes = 0;
        let mut progress = |done, total| {
            bytes = total;
            let (unit, item) = (unit.clone(), unit.clone());
            events.emit(Event::Progress { unit, stage, item, done, total, of: Unit::Bytes });
        };
        if exchange.pull(stage, &key, &mut progress).await?.is_some() {
            let seconds = started.elapsed().as_secs_f64();
            events.emit(Event::StageFinished { unit: key.short(), stage, key, seconds });
            return Ok(Outcome { key, stage: Some(stage), bytes: Some(bytes) });
        }
    }
    Ok(Outcome { key, stage: None, bytes: None })
}

fn tell(outcomes: &[Outcome], exchange: &Exchange) {
    let remote = exchange.repository();
    for missing in outcomes.iter().filter(|outcome| outcome.stage.is_none()) {
        render::complain(&format!("{} is not in {remote}\n", missing.key.short()));
    }
    let came: Vec<u64> = outcomes.iter().filter_map(|outcome| outcome.bytes).collect();
    let here = match outcomes.iter().filter(|outcome| outcome.stage.is_some()).count() - came.len() {
        0 => String::new(),
        count => format!(", {count} were here"),
    };
    let shown = entries_shown(came.len());
    render::complain(&format!("took {shown} from {remote} ({}){here}\n", amount::bytes(came.iter().sum())));
}

fn document(outcome: &Outcome) -> serde_json::Value {
    json!({
        "stage": outcome.stage,
        "key": outcome.key,
        "result": match (outcome.stage, outcome.bytes) {
            (None, _) => "missing",
            (Some(_), None) => "was-here",
            (Some(_), Some(_)) => "taken",
        },
        "bytes": outcome.bytes,
    })
}
