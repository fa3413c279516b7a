//! The words of `rdna-build toolchains`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::build::{self, CatalogOptions, StoreOptions};
use crate::cli::settings::{self, EngineText, Flags};
use crate::model::{GfxTarget, RecipeName, ToolchainId, Version};

pub const TOOLCHAINS_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains
  rdna-build toolchains show debian-sid
  rdna-build toolchains inspect --host
  rdna-build toolchains resolve miopen
  rdna-build toolchains --toolchains my-toolchains";

const INSPECT_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains inspect --host                  this machine
  rdna-build toolchains inspect --root /mnt/unpacked    a root file system
  rdna-build toolchains inspect debian-sid              a toolchain whose image was made
  rdna-build toolchains inspect rocm/dev-ubuntu-24.04:6.4.3-complete --json

Nothing found is run, and no container is started.";

const RESOLVE_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains resolve miopen
  rdna-build toolchains resolve miopen --version 3.2.0 --target gfx1010";

const LOCK_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains lock debian-sid
  rdna-build toolchains lock                 follow the mirror with all that are locked";

#[derive(Debug, Args)]
pub struct ToolchainsArguments {
    #[command(subcommand)]
    pub command: Option<ToolchainsCommand>,
    #[command(flatten)]
    pub catalog: CatalogOptions,
}

#[derive(Debug, Subcommand)]
pub enum ToolchainsCommand {
    /// Show one toolchain: base, packages, what it provides
    Show {
        #[arg(value_name = "ID")]
        toolchain: ToolchainId,
    },
    /// Look into a toolchain, an image, a container or a system: every LLVM, device library and ROCm in it
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArguments),
    /// Weigh every toolchain against what a recipe needs: chosen, or refused by which file
    #[command(after_help = RESOLVE_EXAMPLES)]
    Resolve(ResolveArguments),
    /// Write the packages that toolchains are made from now into the lock file, each with its digest
    #[command(after_help = LOCK_EXAMPLES)]
    Lock(LockArguments),
}

#[derive(Debug, Args)]
pub struct LockArguments {
    /// The toolchains; all that the lock file has where none is named
    #[arg(value_name = "ID")]
    pub ids: Vec<ToolchainId>,
    /// The Debian mirror [default: that of the host's apt sources]
    #[arg(long, value_name = "URL", value_parser = settings::mirror, value_hint = ValueHint::Url)]
    pub debian_mirror: Option<String>,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Debug, Args)]
pub struct ResolveArguments {
    /// The recipe, e.g. miopen
    #[arg(value_name = "RECIPE", value_parser = build::recipe_name)]
    pub recipe: RecipeName,
    /// The recipe's version [default: the recipe's own choice]
    #[arg(long)]
    pub version: Option<Version>,
    /// Also weigh whether compiler and libraries serve this GPU, e.g. gfx1010
    #[arg(long, value_name = "GFX")]
    pub target: Option<GfxTarget>,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// The id of a toolchain, or the name of an image or container
    #[arg(value_name = "ID|IMAGE|CONTAINER", required_unless_present_any = ["host", "root"])]
    pub what: Option<String>,
    /// Look into this machine
    #[arg(long, conflicts_with = "what")]
    pub host: bool,
    /// Look into the root file system in this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "what")]
    pub root: Option<PathBuf>,
    /// Container engine: auto, docker, podman, unix:///path/to.sock or tcp://host:port [default: auto]
    #[arg(long, value_name = "ENGINE", value_parser = build::engine)]
    pub engine: Option<EngineText>,
    #[command(flatten)]
    pub store: StoreOptions,
}

impl ToolchainsArguments {
    pub(super) fn flags(&self) -> Flags {
        let mut flags = self.catalog.flags();
        match &self.command {
            Some(ToolchainsCommand::Inspect(inspect)) => {
                flags.engine = inspect.engine.clone();
                flags.store = inspect.store.store.clone();
            }
            Some(ToolchainsCommand::Resolve(resolve)) => flags.store = resolve.store.store.clone(),
            Some(ToolchainsCommand::Lock(lock)) => {
                flags.debian_mirror = lock.debian_mirror.clone();
                flags.store = lock.store.store.clone();
            }
            Some(ToolchainsCommand::Show { .. }) | None => {}
        }
        flags
    }
}
