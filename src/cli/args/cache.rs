//! The words of `rdna-build cache`.

use clap::{Args, Subcommand};

use super::build::{self, BuildArguments, RemoteOption, StoreOptions};
use crate::cli::settings::{self, Flags};
use crate::model::Key;
use crate::remote::{AddressError, check_host};

pub const CACHE_EXAMPLES: &str = "\
Examples:
  rdna-build cache list
  rdna-build cache gc --older-than 30d
  rdna-build cache push miopen --remote ghcr.io/owner/name";

const PUSH_EXAMPLES: &str = "\
Examples:
  rdna-build cache push miopen
  rdna-build cache push 9ca0c017420f --force
  rdna-build cache push --all --remote localhost:5000/store

A recipe stands for its packages, its builds, and what they were made from. Prepared sources and what is known of images
are not shared. The remote is that of the settings: `rdna-build config`.";

const PULL_EXAMPLES: &str = "\
Examples:
  rdna-build cache pull \"$(rdna-build plan miopen --target gfx1010 --json | jq -r '.units[].stages[-1].state.key')\"

A build does so by itself. Exits with 4 when the remote does not have all of them.";

const LOGIN_EXAMPLES: &str = "\
Examples:
  rdna-build cache login ghcr.io
  rdna-build cache login ghcr.io --username me --password-stdin < token

The password is kept as Docker keeps it: by the helper that its configuration names, else in that file. `docker login` and
`podman login` do as well.";

#[derive(Debug, Args)]
pub struct CacheArguments {
    #[command(subcommand)]
    pub command: CacheCommand,
    #[command(flatten)]
    pub store: StoreOptions,
    #[command(flatten)]
    pub remote: RemoteOption,
}

#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List what is kept: stage, key, size, last use
    List,
    /// Write the path of the store
    Path,
    /// Show one entry: what it was made from, by which run, how large it is
    Show(ShowEntryArguments),
    /// Read everything again, and remove or heal what is not what was committed
    #[command(
        after_help = "Examples:\n  rdna-build cache verify\n  rdna-build cache verify --keep --json\n\nWhat is damaged is taken anew from the remote, where one is set and has it; else the next run makes it again.\nExits with 5 when something is damaged and still there."
    )]
    Verify(CheckArguments),
    /// Say what of a recipe would be made again, and what changed since
    #[command(after_help = "Examples:\n  rdna-build cache why selftest --target gfx1010")]
    Why(Box<BuildArguments>),
    /// Remove what is used least until the rest is small or young enough
    #[command(
        after_help = "Examples:\n  rdna-build cache gc --max-size 20GiB\n  rdna-build cache gc --older-than 30d"
    )]
    Gc(GcArguments),
    /// Give entries to the remote
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArguments),
    /// Take entries from the remote
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArguments),
    /// Keep the password of a registry
    #[command(after_help = LOGIN_EXAMPLES)]
    Login(LoginArguments),
}

#[derive(Debug, Args)]
pub struct ShowEntryArguments {
    /// The entry's key, or its beginning
    #[arg(value_name = "KEY")]
    pub key: String,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Remove nothing
    #[arg(long)]
    pub keep: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct GcArguments {
    /// Keep at most this much, e.g. 20GiB
    #[arg(long, value_name = "SIZE", value_parser = settings::size)]
    pub max_size: Option<u64>,
    /// Remove what was not used for this long, e.g. 30d, 12h or 2w
    #[arg(long, value_name = "AGE", value_parser = build::age)]
    pub older_than: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
pub struct PushArguments {
    /// Recipes, or keys of entries or their beginnings
    #[arg(value_name = "RECIPE|KEY", required_unless_present = "all", conflicts_with = "all")]
    pub what: Vec<String>,
    /// Everything in the store that can be shared
    #[arg(long)]
    pub all: bool,
    /// Replace what the remote has already
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct PullArguments {
    /// Whole keys, as `plan --json` and `cache list --json` tell them
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<Key>,
}

#[derive(Debug, Args)]
pub struct LoginArguments {
    /// The registry, e.g. ghcr.io or localhost:5000
    #[arg(value_name = "REGISTRY", value_parser = registry)]
    pub registry: String,
    /// The account; asked for without it
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

fn registry(text: &str) -> Result<String, AddressError> {
    check_host(text).map(|()| text.to_owned())
}

impl CacheArguments {
    pub(super) fn flags(&self) -> Flags {
        let own = match &self.command {
            CacheCommand::Why(build) => build.flags(),
            CacheCommand::List
            | CacheCommand::Path
            | CacheCommand::Show(_)
            | CacheCommand::Verify(_)
            | CacheCommand::Gc(_)
            | CacheCommand::Push(_)
            | CacheCommand::Pull(_)
            | CacheCommand::Login(_) => Flags::default(),
        };
        Flags {
            store: own.store.clone().or_else(|| self.store.store.clone()),
            remote: own.remote.clone().or_else(|| self.remote.remote.clone()),
            ..own
        }
    }
}
