//! The words of the command line: commands, options and their help. Knows settings only as flags.

mod build;
mod cache;
mod doctor;
mod explain;
mod install;
mod matrix;
mod patch;
mod publish;
mod shorthand;
mod sign;
mod toolchains;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};

pub use build::{BuildArguments, CatalogOptions, PackageOptions, PatchOptions, SettingsOptions};
pub use cache::{
    CacheArguments, CacheCommand, CheckArguments, GcArguments, LoginArguments, PullArguments, PushArguments,
    ShowEntryArguments,
};
pub use doctor::DoctorArguments;
pub use explain::ExplainArguments;
pub use install::{
    InstallArguments, InstalledArguments, PlaceOptions, RollbackArguments, RunArguments, UninstallArguments,
};
pub use matrix::{MatrixArguments, MatrixForm};
pub use patch::{
    EditArguments, PatchArguments, PatchCommand, ProveArguments, RefreshArguments, StatusArguments,
};
pub use publish::PublishArguments;
pub use shorthand::{early_color, early_json, nearest_command};
pub use sign::{SignArguments, VerifyPackageArguments};
pub use toolchains::{
    InspectArguments, LockArguments, ResolveArguments, ToolchainsArguments, ToolchainsCommand,
};
pub use verify::{ReportForm, VerifyArguments};

use super::exit::ExitCode;
use super::settings::{self, ColorChoice, Flags, Verbosity};

const EXAMPLES: &str = "\
Examples:
  rdna-build selftest --target gfx1010          try the whole chain first
  rdna-build plan miopen --target gfx1010       show what would be done, and why
  rdna-build miopen --target gfx1010            build MIOpen and pack it
  rdna-build miopen --target gfx1010,gfx1012    for several GPUs
  rdna-build recipes                            what can be built
  rdna-build verify                             what is proven of the package, and what is not
  rdna-build install                            put it where programs find it
  rdna-build run -- python3 train.py            start a program with it
  rdna-build doctor                             whether this machine can compute and build
  rdna-build config                             which settings hold, and why

`rdna-build RECIPE …` is short for `rdna-build build RECIPE …`.";

/// Builds ROCm libraries for RDNA1 GPUs
///
/// Patches, builds and packs ROCm libraries such as MIOpen for gfx1010, gfx1011 and gfx1012. Everything is compiled in
/// a container without network; what was made once is kept and not made again.
#[derive(Debug, Parser)]
#[command(
    name = "rdna-build",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", ExitCode::reference()),
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_value_name = "COMMAND",
    override_usage = "rdna-build [OPTIONS] <COMMAND>\n       rdna-build <RECIPE> --target <GFX>"
)]
pub struct Arguments {
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build a recipe and pack the result
    #[command(after_help = build::BUILD_EXAMPLES)]
    Build(BuildArguments),
    /// Show what a build would do, stage by stage, and why
    #[command(after_help = build::PLAN_EXAMPLES)]
    Plan(BuildArguments),
    /// List the builds of a recipe that are still to do, for CI
    #[command(after_help = matrix::MATRIX_EXAMPLES)]
    Matrix(Box<MatrixArguments>),
    /// Open a shell in a recipe's build container, sources prepared
    #[command(after_help = build::SHELL_EXAMPLES)]
    Shell(BuildArguments),
    /// See, prove and edit the patches of a recipe
    #[command(after_help = patch::PATCH_EXAMPLES)]
    Patch(PatchArguments),
    /// List, show and check recipes
    #[command(after_help = RECIPES_EXAMPLES)]
    Recipes(RecipesArguments),
    /// List, show and look into toolchains
    #[command(visible_alias = "toolchain", after_help = toolchains::TOOLCHAINS_EXAMPLES)]
    Toolchains(ToolchainsArguments),
    /// Say what a conflict, check, finding or failure is, or which conflict a log shows
    #[command(after_help = explain::EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Say why this machine can or cannot compute on its GPU, and whether it can build
    #[command(after_help = doctor::DOCTOR_EXAMPLES)]
    Doctor(DoctorArguments),
    /// Prove what a built or installed library is, as far as that can be done without its GPU
    #[command(after_help = verify::VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// Sign packages with a key of yours, and what they were made from
    #[command(after_help = sign::SIGN_EXAMPLES)]
    Sign(SignArguments),
    /// Hold a package against its digests, SBOM, provenance and signature
    #[command(after_help = sign::VERIFY_PACKAGE_EXAMPLES)]
    VerifyPackage(VerifyPackageArguments),
    /// Put packages into a repository for apt and dnf
    #[command(after_help = publish::PUBLISH_EXAMPLES)]
    Publish(PublishArguments),
    /// Put a package where programs find it, or its MIOpen into PyTorch
    #[command(after_help = install::INSTALL_EXAMPLES)]
    Install(InstallArguments),
    /// List what is installed, and which version is current
    #[command(after_help = install::INSTALLED_EXAMPLES)]
    Installed(InstalledArguments),
    /// Remove an installed package
    #[command(after_help = install::UNINSTALL_EXAMPLES)]
    Uninstall(UninstallArguments),
    /// Go back to the version that was current before, or to PyTorch's own library
    #[command(after_help = install::ROLLBACK_EXAMPLES)]
    Rollback(RollbackArguments),
    /// Start a program with the installed libraries first
    #[command(after_help = install::RUN_EXAMPLES)]
    Run(RunArguments),
    /// Show the log of a run
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(LogsArguments),
    /// See, free and share what earlier runs left in the store
    #[command(after_help = cache::CACHE_EXAMPLES)]
    Cache(CacheArguments),
    /// Show every setting and where it comes from
    #[command(after_help = CONFIG_EXAMPLES, after_long_help = format!("{CONFIG_EXAMPLES}\n\n{}", settings::reference()))]
    Config(ConfigArguments),
    /// Write the completions of a shell to standard output
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
    /// Write the manual pages
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArguments),
}

/// What is said, how, and for whom.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Show the output of containers as well
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but errors and the paths of packages
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Write for programs: one event a line, or one JSON document
    #[arg(long, global = true)]
    pub json: bool,
    /// Colour: auto, always or never [default: auto]
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true)]
    pub color: Option<ColorChoice>,
}

#[derive(Debug, Args)]
pub struct RecipesArguments {
    #[command(subcommand)]
    pub command: Option<RecipesCommand>,
    #[command(flatten)]
    pub catalog: CatalogOptions,
}

#[derive(Debug, Subcommand)]
pub enum RecipesCommand {
    /// Show one recipe: versions, targets, options, patches
    Show {
        #[arg(value_name = "NAME", value_parser = build::recipe_name)]
        recipe: crate::model::RecipeName,
    },
    /// Check a recipe's folder and list every mistake
    Lint {
        /// The recipe's folder, or its recipe.toml
        #[arg(value_hint = ValueHint::AnyPath)]
        path: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct LogsArguments {
    /// The run; the last one where none is named
    pub run: Option<crate::model::RunId>,
    /// Write the path of the log instead of the log
    #[arg(long)]
    pub path: bool,
}

#[derive(Debug, Args)]
pub struct ConfigArguments {
    #[command(flatten)]
    pub settings: build::SettingsOptions,
}

const RECIPES_EXAMPLES: &str = "\
Examples:
  rdna-build recipes
  rdna-build recipes show miopen
  rdna-build recipes lint recipes/my-library";

const LOGS_EXAMPLES: &str = "\
Examples:
  rdna-build logs | less
  less \"$(rdna-build logs --path)\"";

const CONFIG_EXAMPLES: &str = "\
Examples:
  rdna-build config
  RDNA_BUILD_JOBS=4 rdna-build config --json";

const MAN_EXAMPLES: &str = "\
Examples:
  rdna-build man | man -l -
  rdna-build man ~/.local/share/man/man1";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  rdna-build completions bash > ~/.local/share/bash-completion/completions/rdna-build
  rdna-build completions zsh > ~/.zfunc/_rdna-build
  rdna-build completions fish > ~/.config/fish/completions/rdna-build.fish";

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// Where to put a page for every command; without it the main page goes to standard output
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

/// Reads a command line; its first word is the program.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(shorthand::expand(arguments.into_iter().collect()))
}

/// The commands as `completions` sees them: the options of `build` also follow a bare recipe.
pub fn completions_command() -> clap::Command {
    let command = Arguments::command();
    let build = command.find_subcommand("build").expect("build is a command").clone();
    let options = build
        .get_arguments()
        // The tool's own --version stands at the top.
        .filter(|argument| !argument.is_positional() && argument.get_id() != "version")
        .map(|argument| argument.clone().required(false));
    command.args(options)
}

impl Arguments {
    /// What the command line says about settings.
    pub fn flags(&self) -> Flags {
        let mut flags = match &self.command {
            Command::Build(build) | Command::Plan(build) | Command::Shell(build) => build.flags(),
            Command::Matrix(matrix) => matrix.flags(),
            Command::Config(config) => config.settings.flags(),
            Command::Patch(patch) => patch.settings().map(SettingsOptions::flags).unwrap_or_default(),
            Command::Recipes(recipes) => recipes.catalog.flags(),
            Command::Toolchains(toolchains) => toolchains.flags(),
            Command::Doctor(doctor) => doctor.flags(),
            Command::Verify(verify) => verify.flags(),
            Command::Cache(cache) => cache.flags(),
            Command::Sign(sign) => sign.flags(),
            Command::VerifyPackage(verify) => verify.flags(),
            Command::Publish(publish) => publish.flags(),
            Command::Install(install) => install.flags(),
            Command::Explain(_)
            | Command::Installed(_)
            | Command::Uninstall(_)
            | Command::Rollback(_)
            | Command::Run(_)
            | Command::Logs(_)
            | Command::Completions(_)
            | Command::Man(_) => Flags::default(),
        };
        flags.color = self.output.color;
        flags.json = self.output.json;
        flags.verbosity = match (self.output.quiet, self.output.verbose) {
            (true, _) => Some(Verbosity::Quiet),
            (false, true) => Some(Verbosity::Verbose),
            (false, false) => None,
        };
        flags
    }
}

#[cfg(test)]
mod tests;
