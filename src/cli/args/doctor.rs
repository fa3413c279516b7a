//! The words of `rdna-build doctor`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::build::{self, StoreOptions};
use crate::cli::settings::{EngineText, Flags};

pub const DOCTOR_EXAMPLES: &str = "\
Examples:
  rdna-build doctor
  rdna-build doctor --json | jq '.findings[].finding'
  rdna-build doctor --network                      whether sources can be fetched, too
  rdna-build doctor --root /mnt/other-system       what its files tell

Nothing is changed, and no device is opened. The container engine is asked whether it answers.
Exits with 0 when nothing is known that keeps the machine from computing and building, otherwise with 4.";

#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Look at the files of another system in this folder; its engine, disks and environment are not known then
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// Also ask the places that sources come from whether they answer
    #[arg(long, conflicts_with = "root")]
    pub network: bool,
    /// Container engine: auto, docker, podman, unix:///path/to.sock or tcp://host:port [default: auto]
    #[arg(long, value_name = "ENGINE", value_parser = build::engine)]
    pub engine: Option<EngineText>,
    #[command(flatten)]
    pub store: StoreOptions,
}

impl DoctorArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags { engine: self.engine.clone(), store: self.store.store.clone(), ..Flags::default() }
    }
}
