//! `rdna-build cache why`: what of a recipe would be made again, and what changed since it was made last, ingredient by ingredient.

use serde_json::json;

use crate::cli::args::BuildArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Palette, Tone, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire::{Job, Trace};
use crate::facts::Machine;
use crate::model::{Difference, Ingredients, PlannedStage, PlannedUnit, StageState};
use crate::store::{Store, UnitHistory};

/// How much of an ingredient is shown on the page.
const LONGEST: usize = 60;

/// An ingredient that differs: its name, what it was and what it is.
type Change<'a> = (String, Option<&'a str>, Option<&'a str>);

pub(super) fn run(arguments: &BuildArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let job = Job::resolve(arguments, settings, &store, Trace::None)?;
    let plan = job.plan(settings, &store, &Machine::look())?;
    let histories: Vec<UnitHistory> = plan.units.iter().map(|unit| store.history(&unit.id)).collect();
    if settings.json() {
        let units = plan.units.iter().zip(&histories);
        render::print_json(&units.map(|(unit, history)| document(unit, history)).collect::<Vec<_>>())?;
        return Ok(ExitCode::Fine);
    }
    for (unit, history) in plan.units.iter().zip(&histories) {
        render::print(&format!("{}\n{}", unit.id.file_stem(), text(unit, history, settings)))?;
    }
    Ok(ExitCode::Fine)
}

fn text(unit: &PlannedUnit, history: &UnitHistory, settings: &Settings) -> String {
    let mut table = Table::default();
    let mut row = |stage: &str, what: &str, was: &str, is: &str| {
        let shown = |text: &str| (Tone::Plain, render::printable(text, LONGEST));
        table.row([(Tone::Strong, stage.to_owned()), shown(what), shown(was), shown(is)]);
    };
    for stage in &unit.stages {
        let name = stage.stage.as_str();
        match (&stage.state, history.stages.get(&stage.stage)) {
            (StageState::Cached { .. }, _) => row(name, "is there", "", ""),
            (StageState::Unknown { after }, _) => {
                row(name, &format!("not known before {after} ran"), "", "");
            }
            (StageState::ToDo { .. }, None) => row(name, "was never made here", "", ""),
            (StageState::ToDo { .. }, Some(last)) => {
                match changes(&stage.ingredients, &last.ingredients).as_slice() {
                    [] => row(name, "was made, and is no longer in the store", "", ""),
                    changes => {
                        for (what, was, is) in changes {
                            row(name, what, was.unwrap_or("(nothing)"), is.unwrap_or("(nothing)"));
                        }
                    }
                }
            }
        }
    }
    table.render(2, Palette::stdout(settings))
}

fn document(unit: &PlannedUnit, history: &UnitHistory) -> serde_json::Value {
    let stage = |stage: &PlannedStage| {
        let last = history.stages.get(&stage.stage);
        let changes = last.map(|last| changes(&stage.ingredients, &last.ingredients));
        json!({
            "stage": stage.stage,
            "state": stage.state,
            "made-before": last.is_some(),
            "changes": changes.unwrap_or_default().iter().map(|(name, was, is)| json!({
                "ingredient": name, "was": was, "is": is,
            })).collect::<Vec<_>>(),
        })
    };
    json!({ "unit": unit.id.file_stem(), "stages": unit.stages.iter().map(stage).collect::<Vec<_>>() })
}

fn changes<'a>(now: &'a Ingredients, before: &'a Ingredients) -> Vec<Change<'a>> {
    let change = |difference: Difference| {
        let (Difference::Added { name } | Difference::Removed { name } | Difference::Changed { name }) =
            difference;
        let (was, is) = (before.get(&name), now.get(&name));
        (name, was, is)
    };
    now.since(before).into_iter().map(change).collect()
}
