//! `rdna-build cache verify`: reads everything again, and removes what is damaged.

use serde_json::json;

use crate::cli::args::CheckArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Palette, Tone, amount, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::store::{Checked, CheckedThing, Condition, Holder, Store};

pub(super) fn run(arguments: &CheckArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut all = Vec::new();
    let holder = Holder::this_process(wire::run_id());
    store.check(!arguments.keep, &holder, &mut |checked| all.push(checked.clone()))?;
    match settings.json() {
        true => render::print_json(&all.iter().map(document).collect::<Vec<_>>())?,
        false => tell(&all, settings)?,
    }
    // What was removed is healed by the next run; what could not be is still there.
    let is_bad = |checked: &Checked| matches!(checked.condition, Condition::Damaged(_)) && !checked.removed;
    Ok(if all.iter().any(is_bad) { ExitCode::VerificationFailed } else { ExitCode::Fine })
}

fn tell(all: &[Checked], settings: &Settings) -> Result<(), CliError> {
    let mut table = Table::default();
    for checked in all {
        let Condition::Damaged(how) = &checked.condition else { continue };
        let done = match checked.removed {
            true => "removed: the next run makes it again",
            false => "still there",
        };
        table.row([
            (Tone::Bad, "damaged".to_owned()),
            (Tone::Plain, name(&checked.what)),
            (Tone::Plain, how.clone()),
            (Tone::Faint, done.to_owned()),
        ]);
    }
    render::print(&table.render(0, Palette::stdout(settings)))?;
    let count = |is: fn(&Condition) -> bool| all.iter().filter(|checked| is(&checked.condition)).count();
    let damaged = count(|condition| matches!(condition, Condition::Damaged(_)));
    let unrecorded = match count(|condition| *condition == Condition::Unrecorded) {
        0 => String::new(),
        several => format!(", {several} of an older version cannot be told"),
    };
    let read = amount::bytes(all.iter().map(|checked| checked.bytes).sum());
    let whole = count(|condition| *condition == Condition::Whole);
    render::complain(&format!(
        "{whole} whole, {damaged} damaged{unrecorded}; {read} read in {}\n",
        settings.store
    ));
    Ok(())
}

fn name(what: &CheckedThing) -> String {
    match what {
        CheckedThing::Entry { stage, key } => format!("{stage} {}", key.short()),
        CheckedThing::Download { sha256 } => format!("download {}", sha256.short()),
    }
}

fn document(checked: &Checked) -> serde_json::Value {
    let (kind, stage, id) = match &checked.what {
        CheckedThing::Entry { stage, key } => ("entry", Some(stage.as_str()), key.to_string()),
        CheckedThing::Download { sha256 } => ("download", None, sha256.to_string()),
    };
    let (condition, how) = match &checked.condition {
        Condition::Whole => ("whole", None),
        Condition::Unrecorded => ("unrecorded", None),
        Condition::Damaged(how) => ("damaged", Some(how.as_str())),
    };
    json!({
        "kind": kind,
        "stage": stage,
        "id": id,
        "bytes": checked.bytes,
        "condition": condition,
        "how": how,
        "removed": checked.removed,
    })
}
