//! How the tool ends: exit codes, and the errors that decide them.

mod codes;

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use super::args::nearest_command;
use super::settings::SettingsError;
use crate::attest::AttestError;
use crate::engine::EngineError;
use crate::execute::{ExchangeError, ExecuteError};
use crate::install::InstallError;
use crate::lockfile::LockFileError;
use crate::model::{Outcome, Report, nearest};
use crate::plan::patches::ChoiceError;
use crate::recipe::RecipeError;
use crate::remote::RemoteError;
use crate::remote::credentials::CredentialsError;
use crate::repository::RepositoryError;
use crate::source::patch::desk::DeskError;
use crate::source::{ArgumentError, TreeError};
use crate::store::StoreError;
use crate::toolchain::{ResolveError, ToolchainError};

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
    /// Every code, in the order of their numbers.
    pub const ALL: [ExitCode; 9] = [
        ExitCode::Fine,
        ExitCode::BuildFailed,
        ExitCode::Usage,
        ExitCode::Invalid,
        ExitCode::NotReady,
        ExitCode::VerificationFailed,
        ExitCode::NothingVerified,
        ExitCode::TimedOut,
        ExitCode::Interrupted,
    ];

    /// What the code says, in a few words.
    pub fn meaning(&self) -> &'static str {
        match self {
            ExitCode::Fine => "fine",
            ExitCode::BuildFailed => "a build failed",
            ExitCode::Usage => "the command line or a setting is wrong",
            ExitCode::Invalid => "a recipe, patch or toolchain is invalid",
            ExitCode::NotReady => "the machine is not ready: engine, disk, network",
            ExitCode::VerificationFailed => "verification failed",
            ExitCode::NothingVerified => "nothing could be verified",
            ExitCode::TimedOut => "timed out",
            ExitCode::Interrupted => "interrupted",
        }
    }

    /// All codes as a table for the help.
    pub fn reference() -> String {
        let lines = Self::ALL.map(|code| format!("  {:>3}  {}\n", code as u8, code.meaning()));
        format!("Exit codes:\n{}", lines.concat())
    }

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

    #[error("{} cannot be read", path.display())]
    #[diagnostic(code(cli::read))]
    Read { path: PathBuf, source: std::io::Error },

    #[error("no threads can be started")]
    #[diagnostic(code(cli::threads), help("see `ulimit -u`"))]
    Threads { source: std::io::Error },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Toolchain(#[from] ToolchainError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Resolve(#[from] ResolveError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Patches(#[from] ChoiceError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Desk(#[from] DeskError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Lock(#[from] LockFileError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] ArgumentError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Tree(#[from] TreeError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Store(#[from] StoreError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Execute(#[from] ExecuteError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Install(#[from] InstallError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Attest(#[from] AttestError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Repository(#[from] RepositoryError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Exchange(#[from] ExchangeError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Remote(#[from] RemoteError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Credentials(#[from] CredentialsError),

    #[error("{} cannot be started: {source}", program.display())]
    #[diagnostic(code(cli::program), help("behind `--` comes the program, as you would type it"))]
    Program { program: PathBuf, source: std::io::Error },
}

/// A mistake in the command line, without the usage that people are shown with it.
impl From<&clap::Error> for CliError {
    fn from(error: &clap::Error) -> Self {
        let text = error.to_string();
        let mut paragraphs = text.split("\n\n").map(str::trim);
        let message = paragraphs.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let help = paragraphs.find_map(|paragraph| paragraph.strip_prefix("tip: ")).map(str::to_owned);
        CliError::Usage { message, help }
    }
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
            | CliError::Settings(_)
            | CliError::Patches(_)
            | CliError::Source(_)
            | CliError::Tree(_)
            | CliError::Program { .. } => ExitCode::Usage,
            CliError::Lock(LockFileError::Io { .. }) => ExitCode::NotReady,
            CliError::Recipe(_)
            | CliError::UnknownToolchain { .. }
            | CliError::Toolchain(_)
            | CliError::Resolve(_)
            | CliError::Lock(_) => ExitCode::Invalid,
            CliError::Desk(error) => codes::of_desk(error),
            CliError::Engine(error) => codes::of_engine(error),
            CliError::Execute(error) => codes::of_execute(error),
            CliError::Install(error) => codes::of_install(error),
            CliError::Attest(error) => codes::of_attest(error),
            CliError::Repository(error) => codes::of_repository(error),
            CliError::Exchange(error) => codes::of_exchange(error),
            CliError::Remote(error) => codes::of_remote(error),
            CliError::Credentials(_)
            | CliError::Write { .. }
            | CliError::Stdout { .. }
            | CliError::Read { .. }
            | CliError::Threads { .. }
            | CliError::Store(_) => ExitCode::NotReady,
            CliError::TimedOut { .. } => ExitCode::TimedOut,
            CliError::Interrupted => ExitCode::Interrupted,
        }
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
