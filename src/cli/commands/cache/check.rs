//! `rdna-build cache verify`: reads everything again, removes what is damaged, and takes it anew from a remote.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::cli::args::CheckArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Palette, Tone, amount, table::Table};
use crate::cli::settings::Settings;
use crate::cli::{interrupt, wire};
use crate::execute::{Exchange, ExchangeError, is_shared};
use crate::model::{Key, Stage};
use crate::store::{Checked, CheckedThing, Condition, Holder, Store};

pub(super) fn run(arguments: &CheckArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut all = Vec::new();
    let holder = Holder::this_process(wire::run_id());
    store.check(!arguments.keep, &holder, &mut |checked| {
        all.push(Looked { checked: checked.clone(), healed: false });
    })?;
    heal(&mut all, &store, &holder, settings)?;
    match settings.json() {
        true => render::print_json(&all.iter().map(document).collect::<Vec<_>>())?,
        false => tell(&all, settings)?,
    }
    // What was removed is healed by the next run; what could not be is still there.
    let is_bad = |one: &Looked| one.is_damaged() && !one.checked.removed;
    Ok(if all.iter().any(is_bad) { ExitCode::VerificationFailed } else { ExitCode::Fine })
}

/// What was looked at, and whether the remote had it whole.
struct Looked {
    checked: Checked,
    healed: bool,
}

impl Looked {
    fn is_damaged(&self) -> bool {
        matches!(self.checked.condition, Condition::Damaged(_))
    }

    /// The entry that was removed and that a remote may have.
    fn lost(&self) -> Option<(Stage, Key)> {
        match self.checked.what {
            CheckedThing::Entry { stage, key } if self.checked.removed && is_shared(stage) => {
                Some((stage, key))
            }
            CheckedThing::Entry { .. } | CheckedThing::Download { .. } => None,
        }
    }
}

/// Takes what was removed from the remote. One that is away, or has nothing good, is said once; then the next run heals.
fn heal(all: &mut [Looked], store: &Store, holder: &Holder, settings: &Settings) -> Result<(), CliError> {
    let mut lost: Vec<&mut Looked> = all.iter_mut().filter(|one| one.lost().is_some()).collect();
    let cancel = CancellationToken::new();
    let exchange = wire::exchange(settings, store, holder.clone(), cancel.clone());
    let Some(exchange) = exchange.filter(|_| !lost.is_empty()) else { return Ok(()) };
    let work = async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(CliError::Interrupted),
            trouble = take_all(&mut lost, &exchange) => Ok(trouble),
        }
    };
    if let Some(error) = interrupt::run(&cancel, work)? {
        render::diagnostic::warn(&error.to_string(), Palette::stderr(settings).is_colored());
    }
    Ok(())
}

/// The first thing that went wrong.
async fn take_all(lost: &mut [&mut Looked], exchange: &Exchange) -> Option<ExchangeError> {
    let mut trouble = None;
    for one in lost {
        let Some((stage, key)) = one.lost() else { continue };
        match exchange.pull(stage, &key, &mut |_, _| {}).await {
            Ok(entry) => one.healed = entry.is_some(),
            Err(error) => {
                let is_away = error.is_away();
                trouble.get_or_insert(error);
                if is_away {
                    break;
                }
            }
        }
    }
    trouble
}

fn tell(all: &[Looked], settings: &Settings) -> Result<(), CliError> {
    let mut table = Table::default();
    for Looked { checked, healed } in all {
        let Condition::Damaged(how) = &checked.condition else { continue };
        let done = match (healed, checked.removed) {
            (true, _) => "healed from the remote",
            (false, true) => "removed: the next run makes it again",
            (false, false) => "still there",
        };
        table.row([
            (Tone::Bad, "damaged".to_owned()),
            (Tone::Plain, name(&checked.what)),
            (Tone::Plain, how.clone()),
            (Tone::Faint, done.to_owned()),
        ]);
    }
    render::print(&table.render(0, Palette::stdout(settings)))?;
    let count = |is: fn(&Condition) -> bool| all.iter().filter(|one| is(&one.checked.condition)).count();
    let damaged = count(|condition| matches!(condition, Condition::Damaged(_)));
    let unrecorded = match count(|condition| *condition == Condition::Unrecorded) {
        0 => String::new(),
        several => format!(", {several} of an older version cannot be told"),
    };
    let newer = match count(|condition| *condition == Condition::Newer) {
        0 => String::new(),
        several => format!(", {several} of a newer version left alone"),
    };
    let read = amount::bytes(all.iter().map(|one| one.checked.bytes).sum());
    let whole = count(|condition| *condition == Condition::Whole);
    render::complain(&format!(
        "{whole} whole, {damaged} damaged{unrecorded}{newer}; {read} read in {}\n",
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

fn document(Looked { checked, healed }: &Looked) -> serde_json::Value {
    let (kind, stage, id) = match &checked.what {
        CheckedThing::Entry { stage, key } => ("entry", Some(stage.as_str()), key.to_string()),
        CheckedThing::Download { sha256 } => ("download", None, sha256.to_string()),
    };
    let (condition, how) = match &checked.condition {
        Condition::Whole => ("whole", None),
        Condition::Unrecorded => ("unrecorded", None),
        Condition::Newer => ("newer", None),
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
        "healed": healed,
    })
}
