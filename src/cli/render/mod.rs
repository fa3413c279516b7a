//! What people and programs read. Data goes to standard output, everything else to standard error.
//!
//! [`Human`], [`Json`] and [`Log`] are independent readers of events; `plan`, `report`, `config` and `diagnostic` turn
//! one value into text. None of them decides anything.

pub mod amount;
pub mod config;
pub mod conflict;
pub mod diagnostic;
pub mod doctor;
mod human;
pub mod inventory;
mod json;
mod log;
pub mod package_check;
mod page;
mod palette;
pub mod patch_status;
pub mod plan;
mod progress;
pub mod proofs;
pub mod report;
mod run_log;
mod screen;
pub mod step_summary;
pub mod table;
pub mod topic;
pub mod verification;

use std::io::Write;
use std::sync::Arc;

pub use crate::model::printable;
pub use human::Human;
pub use json::Json;
pub use log::Log;
pub use page::Page;
pub use palette::{Palette, Tone};
pub use run_log::{REPORT_NAME, RunLog};

use super::exit::CliError;
use super::settings::{Format, Settings};
use crate::model::EventSink;

/// The reader of events that the settings ask for, on the standard streams.
pub fn reader(settings: &Settings) -> Arc<dyn EventSink> {
    match settings.format {
        Format::Text => Arc::new(Human::standard(settings)),
        Format::Json => Arc::new(Json::new(std::io::stdout())),
    }
}

/// Writes data to standard output. A reader that went away, such as `head`, is no error.
pub fn print(text: &str) -> Result<(), CliError> {
    print_bytes(text.as_bytes())
}

/// Writes bytes as they are to standard output.
pub fn print_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(CliError::Stdout { source }),
        Ok(()) => Ok(()),
    }
}

/// Writes a JSON document to standard output, on one line.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(document).map_err(|error| CliError::Stdout { source: error.into() })?;
    print(&(text + "\n"))
}

/// Writes to standard error; where that is closed there is nobody to tell.
pub fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
