//! `rdna-build logs`: the log of a run, the newest by default.

use std::fs;
use std::io::{self, Read as _};

use crate::cli::args::LogsArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::model::{RunId, nearest};
use crate::store::Store;

pub fn run(arguments: &LogsArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::peek(settings.store.as_path());
    let runs = store.runs()?;
    let run = match &arguments.run {
        Some(asked) => known(asked, &runs)?,
        None => runs.first().cloned().ok_or_else(|| CliError::Usage {
            message: "no run left a log".to_owned(),
            help: Some("`rdna-build selftest --target gfx1010` makes one".to_owned()),
        })?,
    };
    let path = store.run_path(&run).join("log.txt");
    if arguments.path {
        render::print(&format!("{}\n", path.display()))?;
        return Ok(ExitCode::Fine);
    }
    let mut file = fs::File::open(&path).map_err(|source| CliError::Read { path: path.clone(), source })?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(CliError::Read { path, source }),
        };
        render::print_bytes(&buffer[..read])?;
    }
    Ok(ExitCode::Fine)
}

/// The run that a person named.
pub(super) fn known(asked: &RunId, runs: &[RunId]) -> Result<RunId, CliError> {
    runs.iter().find(|run| *run == asked).cloned().ok_or_else(|| CliError::Usage {
        message: format!("there is no run `{asked}`"),
        help: nearest(asked.as_str(), runs.iter().map(|run| run.as_str()))
            .map(|near| format!("did you mean `{near}`?")),
    })
}
