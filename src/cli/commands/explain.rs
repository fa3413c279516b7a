//! `rdna-build explain`: what a conflict, check, finding or failure is, and which conflict a log shows.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::args::ExplainArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::topic::{self, Topic};
use crate::cli::render::{self, Page, amount, conflict, printable};
use crate::cli::settings::Settings;
use crate::model::nearest;
use crate::toolchain::log::{self, Reading};

pub fn run(arguments: &ExplainArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    match (&arguments.log, &arguments.topic) {
        (Some(path), _) => from_log(path, settings),
        (None, Some(id)) => one(id, settings),
        (None, None) => list(settings),
    }
}

fn list(settings: &Settings) -> Result<ExitCode, CliError> {
    match settings.json() {
        true => render::print_json(&Topic::all().map(|topic| topic.document()).collect::<Vec<_>>())?,
        false => render::print(&topic::list(Page::stdout(settings)))?,
    }
    Ok(ExitCode::Fine)
}

fn one(id: &str, settings: &Settings) -> Result<ExitCode, CliError> {
    let topic = Topic::by_id(id).ok_or_else(|| CliError::Usage {
        message: format!("there is no conflict, check, finding or failure `{}`", printable(id, 100)),
        help: Some(match nearest(id, Topic::all().map(|topic| topic.id())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`rdna-build explain` lists those that are known, --log FILE reads a log".to_owned(),
        }),
    })?;
    match settings.json() {
        true => render::print_json(&topic.document())?,
        false => render::print(&topic.text(Page::stdout(settings)))?,
    }
    Ok(ExitCode::Fine)
}

fn from_log(path: &Path, settings: &Settings) -> Result<ExitCode, CliError> {
    let reading = read(path)?;
    let name = match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => printable(&path.display().to_string(), 1000),
    };
    if reading.is_cut {
        let limit = amount::bytes(log::LARGEST_LOG);
        render::complain(&format!("{name} is longer than {limit}: the rest was not read\n"));
    }
    match settings.json() {
        true => render::print_json(&reading.findings.iter().map(conflict::found).collect::<Vec<_>>())?,
        false if reading.findings.is_empty() => render::complain(&nothing(&name, &reading)),
        false => render::print(&conflict::findings(&name, &reading.findings, Page::stdout(settings)))?,
    }
    Ok(ExitCode::Fine)
}

fn read(path: &Path) -> Result<Reading, CliError> {
    let unreadable = |source: io::Error| CliError::Usage {
        message: format!("the log {} cannot be read: {source}", printable(&path.display().to_string(), 1000)),
        help: Some("give a file, or `-` for standard input".to_owned()),
    };
    let input: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(unreadable)?),
    };
    log::read(input).map_err(unreadable)
}

fn nothing(name: &str, reading: &Reading) -> String {
    let lines = amount::count(reading.lines, "line");
    format!(
        "{name}: none of the known conflicts shows in its {lines}\n\
         That does not prove that there is none. `rdna-build explain` lists what is known, `rdna-build toolchains inspect`\n\
         shows what a system holds.\n"
    )
}
