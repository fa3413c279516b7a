//! `rdna-build cache show`: one entry, what it was made from and by whom.

use crate::cli::args::ShowEntryArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Palette, Tone, amount, table::Table};
use crate::cli::settings::Settings;
use crate::store::{Listed, Store, Unread};

/// How much of an ingredient is shown on the page.
const LONGEST: usize = 200;

pub(super) fn run(arguments: &ShowEntryArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let entry = find(&store, &arguments.key)?;
    if settings.json() {
        render::print_json(&serde_json::json!({
            "path": store.entry_path(entry.stage, &entry.key),
            "bytes": entry.bytes,
            "files": entry.files,
            "record": entry.record.as_ref().ok(),
        }))?;
        return Ok(ExitCode::Fine);
    }
    let mut table = Table::default();
    let mut row = |name: &str, value: String| {
        table.row([(Tone::Strong, name.to_owned()), (Tone::Plain, render::printable(&value, LONGEST))]);
    };
    row("stage", entry.stage.to_string());
    row("key", entry.key.to_string());
    row("path", store.entry_path(entry.stage, &entry.key).display().to_string());
    row("size", format!("{} in {}", amount::bytes(entry.bytes), amount::count(entry.files, "file")));
    match &entry.record {
        Err(Unread::Damaged(how)) => row("record", format!("{how}; the next run makes the entry again")),
        Err(Unread::Newer { schema }) => row("record", format!("of a newer version: its schema is {schema}")),
        Ok(record) => {
            row("made", format!("by {} in {}", record.run, amount::about_seconds(record.seconds)));
            row(
                "contents",
                match record.contents {
                    Some(digest) => digest.to_string(),
                    None => "not recorded".to_owned(),
                },
            );
            for (name, value) in record.ingredients.iter() {
                row(name, value.to_owned());
            }
        }
    }
    render::print(&table.render(0, Palette::stdout(settings)))?;
    Ok(ExitCode::Fine)
}

/// The one entry whose key begins so.
fn find(store: &Store, beginning: &str) -> Result<Listed, CliError> {
    let fits = |entry: &Listed| entry.key.to_string().starts_with(beginning);
    let mut found: Vec<Listed> = store.list()?.into_iter().filter(fits).collect();
    let usage = |message: String, help: &str| CliError::Usage { message, help: Some(help.to_owned()) };
    match (found.pop(), found.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(_), false) => Err(usage(
            format!("{} entries have keys that begin with `{beginning}`", found.len() + 1),
            "type more of the key: `rdna-build cache list --json` has whole ones",
        )),
        (None, _) => Err(usage(
            format!("no entry has a key that begins with `{beginning}`"),
            "`rdna-build cache list` shows keys",
        )),
    }
}
