//! The words of `rdna-build install`, `installed`, `uninstall`, `rollback` and `run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::build::StoreOptions;
use crate::cli::settings::Flags;

pub const INSTALL_EXAMPLES: &str = "\
Examples:
  rdna-build install                                 what was built last
  rdna-build install miopen-3.3.0-gfx1010-debian-sid.tar.zst
  rdna-build install --prefix ~/rocm PACKAGE.tar.zst
  rdna-build install --into-venv ~/venv PACKAGE.tar.zst

The path of what was installed goes to standard output. `rdna-build uninstall` takes it away again.";

pub const INSTALLED_EXAMPLES: &str = "\
Examples:
  rdna-build installed
  rdna-build installed --user --json";

pub const UNINSTALL_EXAMPLES: &str = "\
Examples:
  rdna-build uninstall miopen
  rdna-build uninstall miopen-3.3.0-gfx1010";

pub const ROLLBACK_EXAMPLES: &str = "\
Examples:
  rdna-build rollback miopen                         the version before is current again
  rdna-build rollback --into-venv ~/venv             PyTorch has its own library again";

pub const RUN_EXAMPLES: &str = "\
Examples:
  rdna-build run -- python3 train.py
  rdna-build run miopen -- ./my-program --its-option
  rdna-build run miopen-3.2.0 -- env

It becomes the program: signals and the exit code are the program's own.";

/// Where packages are installed.
#[derive(Clone, Debug, Default, Args)]
pub struct PlaceOptions {
    /// The folder that packages are installed below [default: /opt/rdna-build for root, else --user's]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "user")]
    pub prefix: Option<PathBuf>,
    /// Install below ~/.local/opt/rdna-build
    #[arg(long)]
    pub user: bool,
}

#[derive(Debug, Args)]
pub struct InstallArguments {
    /// A package of rdna-build, a .tar.zst [default: the one that was built last]
    #[arg(value_name = "PACKAGE", value_hint = ValueHint::FilePath)]
    pub package: Option<PathBuf>,
    /// Put the package's MIOpen in the place of that of the PyTorch in this virtual environment
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["prefix", "user"])]
    pub into_venv: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceOptions,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Debug, Args)]
pub struct InstalledArguments {
    #[command(flatten)]
    pub place: PlaceOptions,
}

#[derive(Debug, Args)]
pub struct UninstallArguments {
    /// NAME, NAME-VERSION or NAME-VERSION-TARGET; `rdna-build installed` lists them
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Remove the folder although others put or changed files there
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub place: PlaceOptions,
}

#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// NAME, or NAME-TARGET where it is installed for several
    #[arg(value_name = "NAME", required_unless_present = "into_venv")]
    pub name: Option<String>,
    /// Give the PyTorch in this virtual environment its own MIOpen back
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["name", "prefix", "user"])]
    pub into_venv: Option<PathBuf>,
    #[command(flatten)]
    pub place: PlaceOptions,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// Whose libraries come first: NAME, NAME-VERSION or NAME-TARGET [default: all that are current]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true, value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub place: PlaceOptions,
}

impl InstallArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags { store: self.store.store.clone(), ..Flags::default() }
    }
}
