//! The options of `build`, `plan` and `shell`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::cli::settings::{self, EngineText, Flags};
use crate::model::{Fit, GfxTarget, NameError, PatchName, RecipeName, ToolchainId, Version};
use crate::remote::Repository;

pub const BUILD_EXAMPLES: &str = "\
Examples:
  rdna-build build miopen --target gfx1010
  rdna-build build miopen --target gfx1010,gfx1012 --version 3.3.0
  rdna-build build miopen --target gfx1010 --jobs 4 --memory 8GiB
  rdna-build build miopen --target gfx1010 --format deb,rpm

  a folder as it lies, or a branch of your own:
  rdna-build build miopen --target gfx1010 --source ~/src/MIOpen
  rdna-build build miopen --target gfx1010 --source URL#my-branch

Paths of packages go to standard output, everything else to standard error.
A build that was stopped goes on from its last finished stage.";

pub const PLAN_EXAMPLES: &str = "\
Examples:
  rdna-build plan miopen --target gfx1010
  rdna-build plan miopen --target gfx1010 --json | jq '.units[].stages'

Nothing is fetched, built or changed.";

pub const SHELL_EXAMPLES: &str = "\
Examples:
  rdna-build shell miopen --target gfx1010

The container is the one a build runs in: same image, same user, no network.
It is gone when the shell ends.";

/// What to build, how, and with which settings.
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// The recipe, e.g. miopen; `rdna-build recipes` lists them
    #[arg(value_name = "RECIPE", value_parser = recipe_name)]
    pub recipe: RecipeName,
    /// GPUs to build for, e.g. gfx1010 or gfx1010,gfx1012
    #[arg(long = "target", value_name = "GFX", required = true, value_delimiter = ',')]
    pub targets: Vec<GfxTarget>,
    /// The recipe's version [default: the recipe's own choice]
    #[arg(long)]
    pub version: Option<Version>,
    /// Build these sources instead of the recipe's: a folder, a git address with #branch, #tag or #commit, or an
    /// archive's address with #sha256=DIGEST
    #[arg(long, value_name = "PATH|URL[#REF]", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,
    /// Use this toolchain [default: the one that fits best]
    #[arg(long, value_name = "ID")]
    pub toolchain: Option<ToolchainId>,
    /// Build and pack again, even where that is cached
    #[arg(long)]
    pub rebuild: bool,
    /// Keep the container of a failed build, to look inside
    #[arg(long)]
    pub keep_failed: bool,
    #[command(flatten)]
    pub patches: PatchOptions,
    #[command(flatten)]
    pub packages: PackageOptions,
    #[command(flatten)]
    pub settings: SettingsOptions,
}

/// What of a recipe's series is applied, and what is added to it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Patches")]
pub struct PatchOptions {
    /// Apply this patch of your own after the recipe's; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub patch: Vec<PathBuf>,
    /// What hunks of your own patches may give up: exact, offset, fuzz-1 or fuzz-2 [default: exact]
    #[arg(long, value_name = "FIT")]
    pub patch_fit: Option<Fit>,
    /// Apply this patch of the recipe, which is not applied by default, and what it needs; may be repeated
    #[arg(long, value_name = "NAME")]
    pub with_patch: Vec<PatchName>,
    /// Leave this patch of the recipe out; may be repeated
    #[arg(long, value_name = "NAME")]
    pub without_patch: Vec<PatchName>,
    /// Apply patches that were never proven on this version, too
    #[arg(long)]
    pub unproven_patches: bool,
}

/// Options that are settings as well: in the environment or a file they hold for every run.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsOptions {
    #[command(flatten)]
    pub machine: MachineOptions,
    #[command(flatten)]
    pub catalog: CatalogOptions,
    #[command(flatten)]
    pub store: StoreOptions,
    #[command(flatten)]
    pub output: OutputFolder,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Packages")]
pub struct PackageOptions {
    /// Formats of the packages: tar.zst, deb, rpm [default: tar.zst]
    #[arg(long = "format", value_name = "FORMAT", value_delimiter = ',', value_parser = settings::package_format)]
    pub formats: Vec<String>,
    /// Counts what is published of one version, as part of a .deb's or .rpm's version [default: 1]
    #[arg(long, value_name = "N", value_parser = settings::package_revision)]
    pub revision: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub struct MachineOptions {
    /// Compilations at the same time [default: what cores and memory allow]
    #[arg(short, long, value_name = "N", value_parser = settings::jobs)]
    pub jobs: Option<u32>,
    /// Memory a build container may use, e.g. 6GiB
    #[arg(long, value_name = "SIZE", value_parser = settings::size)]
    pub memory: Option<u64>,
    /// Container engine: auto, docker, podman, unix:///path/to.sock or tcp://host:port [default: auto]
    #[arg(long, value_name = "ENGINE", value_parser = engine)]
    pub engine: Option<EngineText>,
    #[command(flatten)]
    pub remote: RemoteOption,
    /// Also give the remote store what was made here
    #[arg(long)]
    pub remote_write: bool,
    /// Never use the network
    #[arg(long)]
    pub offline: bool,
    /// The Debian mirror for toolchains [default: that of the host's apt sources]
    #[arg(long, value_name = "URL", value_parser = settings::mirror, value_hint = ValueHint::Url)]
    pub debian_mirror: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Machine")]
pub struct RemoteOption {
    /// Look for what the store lacks in this repository of an OCI registry, e.g. ghcr.io/owner/name
    #[arg(long, global = true, value_name = "REGISTRY/PATH")]
    pub remote: Option<Repository>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Folders")]
pub struct CatalogOptions {
    /// A folder with recipes, put before those built in; may be repeated
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub recipes: Vec<PathBuf>,
    /// A folder with toolchains, put before those built in; may be repeated
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub toolchains: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Folders")]
pub struct StoreOptions {
    /// Where finished stages are kept [default: $XDG_CACHE_HOME/rdna-build]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub store: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Folders")]
pub struct OutputFolder {
    /// Where packages are put [default: out]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

impl BuildArguments {
    pub fn flags(&self) -> Flags {
        Flags {
            package_formats: self.packages.formats.clone(),
            revision: self.packages.revision.clone(),
            ..self.settings.flags()
        }
    }
}

impl SettingsOptions {
    pub fn flags(&self) -> Flags {
        Flags {
            engine: self.machine.engine.clone(),
            store: self.store.store.clone(),
            output: self.output.output.clone(),
            jobs: self.machine.jobs,
            memory: self.machine.memory,
            remote: self.machine.remote.remote.clone(),
            remote_write: self.machine.remote_write,
            offline: self.machine.offline,
            debian_mirror: self.machine.debian_mirror.clone(),
            ..self.catalog.flags()
        }
    }
}

impl CatalogOptions {
    pub fn flags(&self) -> Flags {
        Flags { recipes: self.recipes.clone(), toolchains: self.toolchains.clone(), ..Flags::default() }
    }
}

/// Projects are written `MIOpen`, recipes `miopen`: case does not matter.
pub fn recipe_name(text: &str) -> Result<RecipeName, NameError> {
    text.to_ascii_lowercase().parse()
}

pub(super) fn engine(text: &str) -> Result<EngineText, EmptyEngine> {
    match text.is_empty() {
        true => Err(EmptyEngine),
        false => Ok(EngineText(text.to_owned())),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("auto, docker, podman or an address is expected")]
pub(super) struct EmptyEngine;

/// A length of time in hours, days or weeks.
pub fn age(text: &str) -> Result<Duration, AgeError> {
    let hours = match text.trim().chars().last() {
        Some('h') => 1,
        Some('d') => 24,
        Some('w') => 7 * 24,
        Some(_) | None => return Err(AgeError),
    };
    let number: u64 = text.trim()[..text.trim().len() - 1].trim().parse().map_err(|_| AgeError)?;
    number.checked_mul(hours * 3600).map(Duration::from_secs).ok_or(AgeError)
}

#[derive(Debug, thiserror::Error)]
#[error("a number with h, d or w behind it is expected, e.g. 30d")]
pub struct AgeError;
