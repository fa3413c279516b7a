//! How the tool ends: exit codes, and the errors that decide them.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::args::nearest_command;
use super::settings::SettingsError;
use crate::engine::EngineError;
use crate::model::{Outcome, Report, nearest};

/// The exit codes, which scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything asked for was done.
    Fine = 0,
    /// A build failed; the tool did its work.
    BuildFailed = 1,
    /// The command line or the settings are wrong.
    Usage = 2,
    /// A recipe, patch or toolchain is invalid.
    Invalid = 3,
    /// The machine is not ready: engine, disk, network.
    NotReady = 4,
    /// What was built is not what it must be.
    VerificationFailed = 5,
    /// Nothing could be verified, e.g. for want of a GPU.
    NothingVerified = 77,
    /// Time ran out.
    TimedOut = 124,
    /// Interrupted, e.g. by Ctrl-C.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code as u8)
    }
}

impl ExitCode {
    /// The code of a run that came to its end.
    pub fn of_report(report: &Report) -> Self {
        let code = |outcome: &Outcome| match outcome {
            Outcome::Passed { .. } => ExitCode::Fine,
            Outcome::Failed { .. } => ExitCode::BuildFailed,
            Outcome::Skipped { .. } => ExitCode::NotReady,
        };
        let codes: Vec<_> = report.units.iter().map(|unit| code(&unit.outcome)).collect();
        // A failure says more than what was skipped beside it.
        [ExitCode::BuildFailed, ExitCode::NotReady]
            .into_iter()
            .find(|code| codes.contains(code))
            .unwrap_or(ExitCode::Fine)
    }
}

/// Why a command could not go on at all. A failed build is no error: it is in the report.
#[derive(Debug, Error, Diagnostic)]
pub enum CliError {
    #[error("{message}")]
    #[diagnostic(code(cli::usage))]
    Usage {
        message: String,
        #[help]
        help: Option<String>,
    },

    #[error("there is no recipe `{name}`")]
    #[diagnostic(code(cli::unknown_recipe))]
    UnknownRecipe {
        name: String,
        #[help]
        help: String,
    },

    #[error("there is no toolchain `{name}`")]
    #[diagnostic(code(cli::unknown_toolchain))]
    UnknownToolchain {
        name: String,
        #[help]
        help: String,
    },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Settings(#[from] SettingsError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Engine(#[from] EngineError),

    #[error("{} cannot be written", path.display())]
    #[diagnostic(code(cli::write))]
    Write { path: PathBuf, source: std::io::Error },

    #[error("standard output cannot be written")]
    #[diagnostic(code(cli::stdout))]
    Stdout { source: std::io::Error },

    #[error("timed out after {seconds} s while {doing}")]
    #[diagnostic(code(cli::timed_out), help("run again: it goes on from the last finished stage"))]
    TimedOut { seconds: u64, doing: String },

    #[error("interrupted")]
    #[diagnostic(code(cli::interrupted), help("run again: it goes on from the last finished stage"))]
    Interrupted,

    #[error("`{command}` is not in this version")]
    #[diagnostic(code(cli::not_here_yet))]
    NotHereYet { command: &'static str },
}

impl CliError {
    /// A recipe that is in no catalogue; suggests a recipe or a command that was meant.
    pub fn unknown_recipe<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let help = match (nearest(name, known), nearest_command(name)) {
            (Some(recipe), _) => format!("did you mean `{recipe}`?"),
            (None, Some(command)) => format!("did you mean the command `rdna-build {command}`?"),
            (None, None) => {
                "`rdna-build recipes` lists what can be built, --recipes adds a folder".to_owned()
            }
        };
        CliError::UnknownRecipe { name: name.to_owned(), help }
    }

    /// A toolchain that is in no catalogue; suggests the one that was meant.
    pub fn unknown_toolchain<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let help = match nearest(name, known) {
            Some(toolchain) => format!("did you mean `{toolchain}`?"),
            None => "`rdna-build toolchains` lists them, --toolchains adds a folder".to_owned(),
        };
        CliError::UnknownToolchain { name: name.to_owned(), help }
    }

    pub fn exit_code(&self) -> ExitCode {
        match self {
            CliError::Usage { .. }
            | CliError::UnknownRecipe { .. }
            | CliError::UnknownToolchain { .. }
            | CliError::Settings(_)
            | CliError::NotHereYet { .. } => ExitCode::Usage,
            CliError::Engine(error) => of_engine(error),
            CliError::Write { .. } | CliError::Stdout { .. } => ExitCode::NotReady,
            CliError::TimedOut { .. } => ExitCode::TimedOut,
            CliError::Interrupted => ExitCode::Interrupted,
        }
    }
}

fn of_engine(error: &EngineError) -> ExitCode {
    match error {
        EngineError::Address { .. } => ExitCode::Usage,
        // The Dockerfile is the toolchain's.
        EngineError::ImageBuild { .. } => ExitCode::Invalid,
        EngineError::NotFound { .. }
        | EngineError::Denied { .. }
        | EngineError::Lost { .. }
        | EngineError::DiskFull { .. }
        | EngineError::Pull { .. }
        | EngineError::Refused { .. } => ExitCode::NotReady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UnitReport;

    #[test]
    fn a_typo_is_told_what_was_meant() {
        let help =
            |name: &str| CliError::unknown_recipe(name, ["miopen", "selftest"]).help().unwrap().to_string();
        assert_eq!(help("miopne"), "did you mean `miopen`?");
        assert_eq!(help("plans"), "did you mean the command `rdna-build plan`?");
        assert!(help("pytorch").contains("rdna-build recipes"));
    }

    #[test]
    fn a_failed_unit_decides_over_a_skipped_one() {
        let unit = |outcome| UnitReport { unit: "u".into(), stages: Vec::new(), outcome };
        let skipped = || unit(Outcome::Skipped { missing: "disk".into() });
        let failed = unit(Outcome::Failed { why: "it broke".into(), help: None, log: None });
        let code = |units| ExitCode::of_report(&Report { run: "r".into(), units, seconds: 0.0 });
        assert_eq!(code(vec![skipped(), failed]), ExitCode::BuildFailed);
        assert_eq!(code(vec![skipped()]), ExitCode::NotReady);
        assert_eq!(code(Vec::new()), ExitCode::Fine);
    }
}
