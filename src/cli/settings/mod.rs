//! Settings: flags over environment over the project's file over the user's file over defaults.
//!
//! [`table`] lists them all; `reader` finds the strongest value of each and remembers where it came from. What a
//! setting does is decided elsewhere.

mod environment;
mod error;
mod file;
mod reader;
pub mod table;
mod value;

use std::path::PathBuf;

pub use environment::{Environment, Terminal, from_process};
pub use error::{Mistake, Place, SettingsError};
pub use table::{redact, reference};
pub use value::{
    ColorChoice, EngineText, Format, OwnPatchFile, Progress, ValueError, Verbosity, jobs, mirror,
    package_format, package_revision, size,
};

use crate::attest::Passphrase;
use crate::model::{HostPath, nearest};
use crate::package;
use crate::remote::Repository;
use reader::Reader;

/// What the command line said; `None` where it said nothing.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub engine: Option<EngineText>,
    pub store: Option<PathBuf>,
    pub output: Option<PathBuf>,
    pub jobs: Option<u32>,
    pub memory: Option<u64>,
    pub remote: Option<Repository>,
    pub remote_write: bool,
    pub offline: bool,
    pub debian_mirror: Option<String>,
    /// Empty where nothing was said.
    pub package_formats: Vec<String>,
    pub revision: Option<String>,
    pub recipes: Vec<PathBuf>,
    pub toolchains: Vec<PathBuf>,
    pub sign_key: Option<PathBuf>,
    pub sign_passphrase_file: Option<PathBuf>,
    pub trusted_keys: Vec<PathBuf>,
    pub color: Option<ColorChoice>,
    pub verbosity: Option<Verbosity>,
    pub json: bool,
}

/// Every decision that is not the command itself. All paths are absolute.
#[derive(Clone, Debug)]
pub struct Settings {
    pub engine: EngineText,
    pub store: HostPath,
    /// The lock file's folder where there is no project.
    pub state: HostPath,
    pub output: HostPath,
    pub lock_file: HostPath,
    pub jobs: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    /// What the store is shared through.
    pub remote: Option<Repository>,
    pub remote_write: bool,
    pub offline: bool,
    pub debian_mirror: Option<String>,
    pub recipes: Vec<HostPath>,
    pub toolchains: Vec<HostPath>,
    /// Patches of the person's own, in the order of application.
    pub patches: Vec<OwnPatchFile>,
    /// At least one, each once.
    pub package_formats: Vec<String>,
    pub revision: String,
    /// `Name <address>`.
    pub maintainer: String,
    pub ccache_dir: Option<HostPath>,
    pub source_date_epoch: Option<u64>,
    pub sign_key: Option<HostPath>,
    pub sign_passphrase_file: Option<HostPath>,
    /// `RDNA_BUILD_SIGN_PASSPHRASE`.
    pub sign_passphrase: Option<Passphrase>,
    pub trusted_keys: Vec<HostPath>,
    pub color: ColorChoice,
    pub progress: Progress,
    pub verbosity: Verbosity,
    pub format: Format,
    /// The folder of the nearest `rdna-build.toml`.
    pub project: Option<HostPath>,
    /// Where Docker and Podman keep the passwords of registries, Docker's own file first where there can be one.
    pub credential_files: Vec<PathBuf>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `XDG_RUNTIME_DIR`, where rootless engines listen.
    pub runtime_folder: Option<HostPath>,
    /// `GITHUB_STEP_SUMMARY`: a file that a CI server shows beside the job.
    pub step_summary: Option<HostPath>,
    pub current_folder: HostPath,
    pub terminal: Terminal,
    /// Every setting as it is shown, with its origin.
    pub shown: Vec<Shown>,
    /// Worth a person's attention, stopping nothing.
    pub warnings: Vec<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Origin {
    Flag,
    Environment { variable: String },
    Project { path: HostPath, line: usize },
    User { path: HostPath, line: usize },
    Default,
}

/// A setting as `rdna-build config` shows it: secrets are gone, `value` is `None` where nothing is set.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    pub name: &'static str,
    pub value: Option<String>,
    pub origin: Origin,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag => f.write_str("command line"),
            Origin::Environment { variable } => write!(f, "{variable}"),
            Origin::Project { path, line } | Origin::User { path, line } => write!(f, "{path}:{line}"),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl Settings {
    /// Decides every setting, or lists everything that is wrong.
    pub fn resolve(flags: &Flags, environment: &Environment) -> Result<Settings, SettingsError> {
        let mut reader = Reader::new(environment);
        let flag_path = |path: &Option<PathBuf>| path.as_ref().map(|path| absolute(environment, path));
        let flag_paths = |paths: &[PathBuf]| {
            (!paths.is_empty()).then(|| paths.iter().map(|path| absolute(environment, path)).collect())
        };

        let engine = reader.read(&table::ENGINE, flags.engine.clone(), || EngineText("auto".to_owned()));
        let store = reader.read_folder(&table::STORE, flag_path(&flags.store), "XDG_CACHE_HOME", ".cache");
        let state = reader.read_folder(&table::STATE, None, "XDG_STATE_HOME", ".local/state");
        let output = reader.read(&table::OUTPUT, flag_path(&flags.output), || {
            HostPath::new(environment.absolute("out".as_ref()))
        });
        let project = reader.project();
        let lock_file = reader
            .read(&table::LOCK_FILE, None, || project.as_ref().unwrap_or(&state).join("rdna-build.lock"));
        let jobs = reader.read_optional(&table::JOBS, flags.jobs);
        let memory = reader.read_optional(&table::MEMORY, flags.memory);
        let remote = reader.read_optional(&table::REMOTE, flags.remote.clone());
        let remote_write = reader.read(&table::REMOTE_WRITE, flags.remote_write.then_some(true), || false);
        let offline = reader.read(&table::OFFLINE, flags.offline.then_some(true), || false);
        let debian_mirror = reader.read_optional(&table::DEBIAN_MIRROR, flags.debian_mirror.clone());
        let recipes = reader.read(&table::RECIPES, flag_paths(&flags.recipes), Vec::new);
        let toolchains = reader.read(&table::TOOLCHAINS, flag_paths(&flags.toolchains), Vec::new);
        let patches = reader.read(&table::PATCHES, None, Vec::new);
        let asked = (!flags.package_formats.is_empty()).then(|| flags.package_formats.clone());
        let package_formats =
            reader.read(&table::PACKAGE_FORMATS, asked, || vec![package::DEFAULT_FORMAT.to_owned()]);
        let revision = reader.read(&table::REVISION, flags.revision.clone(), || "1".to_owned());
        let maintainer = reader.read(&table::MAINTAINER, None, || table::MAINTAINER.about.default.to_owned());
        let ccache_dir = reader.read_optional(&table::CCACHE, None);
        let source_date_epoch = reader.read_optional(&table::SOURCE_DATE_EPOCH, None);
        let sign_key = reader.read_optional(&table::SIGN_KEY, flag_path(&flags.sign_key));
        let sign_passphrase_file =
            reader.read_optional(&table::SIGN_PASSPHRASE_FILE, flag_path(&flags.sign_passphrase_file));
        let trusted_keys = reader.read(&table::TRUSTED_KEYS, flag_paths(&flags.trusted_keys), Vec::new);
        let color = reader.read(&table::COLOR, flags.color, || ColorChoice::Auto);
        let progress = reader.read(&table::PROGRESS, None, || Progress::Auto);
        let verbosity = reader.read(&table::VERBOSITY, flags.verbosity, || Verbosity::Normal);
        let format = reader.read(&table::FORMAT, flags.json.then_some(Format::Json), || Format::Text);

        let shown = reader.finish()?;
        Ok(Settings {
            engine,
            store,
            state,
            output,
            lock_file,
            jobs,
            memory,
            remote,
            remote_write,
            offline,
            debian_mirror,
            recipes,
            toolchains,
            patches,
            package_formats,
            revision,
            maintainer,
            ccache_dir,
            source_date_epoch,
            sign_key,
            sign_passphrase_file,
            sign_passphrase: environment.text(table::PASSPHRASE).map(Passphrase::new),
            trusted_keys,
            color,
            progress,
            verbosity,
            format,
            project,
            credential_files: environment.credential_files(),
            docker_host: environment.text("DOCKER_HOST"),
            step_summary: environment.folder("GITHUB_STEP_SUMMARY").map(HostPath::new),
            runtime_folder: environment.folder("XDG_RUNTIME_DIR").map(HostPath::new),
            current_folder: HostPath::new(&environment.current_folder),
            terminal: environment.terminal,
            shown,
            warnings: unknown_variables(environment),
        })
    }

    pub fn json(&self) -> bool {
        self.format == Format::Json
    }
}

/// Whether a stream that is or is not a terminal gets colour.
pub fn colored(choice: ColorChoice, terminal: bool) -> bool {
    match choice {
        ColorChoice::Auto => terminal,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    }
}

/// The colour for messages about the command line and the settings themselves, before those are known.
pub fn early_color(flag: Option<ColorChoice>, environment: &Environment) -> ColorChoice {
    flag.or_else(|| reader::from_environment(&table::COLOR, environment)?.0.ok()).unwrap_or(ColorChoice::Auto)
}

fn absolute(environment: &Environment, path: &std::path::Path) -> HostPath {
    HostPath::new(environment.absolute(path))
}

/// A misspelt variable would be ignored in silence; it may also be a newer version's, so it stops nothing.
fn unknown_variables(environment: &Environment) -> Vec<String> {
    let known = || table::ALL.iter().map(|about| about.variable);
    environment
        .names()
        .filter(|name| {
            name.starts_with("RDNA_BUILD_")
                && *name != table::PASSPHRASE
                && !known().any(|variable| variable == *name)
        })
        .map(|name| match nearest(name, known()) {
            Some(near) => format!("the variable {name} means nothing here, did you mean {near}?"),
            None => format!("the variable {name} means nothing here"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
