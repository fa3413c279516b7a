//! The words of `rdna-build toolchains`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::build::{self, CatalogOptions, StoreOptions};
use crate::cli::settings::{EngineText, Flags};
use crate::model::ToolchainId;

pub const TOOLCHAINS_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains
  rdna-build toolchains show debian-sid
  rdna-build toolchains inspect --host
  rdna-build toolchains --toolchains my-toolchains";

const INSPECT_EXAMPLES: &str = "\
Examples:
  rdna-build toolchains inspect --host                  this machine
  rdna-build toolchains inspect --root /mnt/unpacked    a root file system
  rdna-build toolchains inspect debian-sid              a toolchain whose image was made
  rdna-build toolchains inspect rocm/dev-ubuntu-24.04:6.4.3-complete --json

Nothing found is run, and no container is started.";

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
            Some(ToolchainsCommand::Show { .. }) | None => {}
        }
        flags
    }
}
