//! The words of `rdna-build verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::build::{self, CatalogOptions, StoreOptions};
use crate::cli::settings::{self, EngineText, Flags};
use crate::model::{GfxTarget, RunId, Tier, TierError, ToolchainId};
use crate::verify::CHECKS;

pub const VERIFY_EXAMPLES: &str = "\
Examples:
  rdna-build verify                                  what was built last
  rdna-build verify miopen-3.3.0-gfx1010-debian-sid.tar.zst
  rdna-build verify --installed /opt/rdna-build/miopen-3.3.0-gfx1010
  rdna-build verify --library /usr/lib/x86_64-linux-gnu/libMIOpen.so.1 --toolchain debian-sid
  rdna-build verify --image my/rocm:latest           the MIOpen of an image
  rdna-build verify --tier gpu                       compute on the card, in a container that gets it
  rdna-build verify --tier emulated --emulator ~/rocjitsu
  rdna-build verify --report junit > verify.xml

Exits with 0 when something was verified and nothing failed, 5 when something failed, 77 when nothing could be
verified, 124 when time ran out. `rdna-build explain CHECK` says what a check asks and what it does not prove.";

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// A package of rdna-build [default: the one that was built last]
    #[arg(value_name = "PACKAGE", value_hint = ValueHint::FilePath)]
    pub package: Option<PathBuf>,
    /// The package that a run made; `rdna-build logs` names runs
    #[arg(long, value_name = "RUN", conflicts_with_all = ["package", "installed", "library"])]
    pub build: Option<RunId>,
    /// A package that was unpacked: its prefix
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with_all = ["package", "library"])]
    pub installed: Option<PathBuf>,
    /// A library of others; with --image, a path in that image
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "package")]
    pub library: Option<PathBuf>,
    /// How far: static, kernels, emulated, gpu or all; several with commas [default: static]
    #[arg(long = "tier", value_name = "TIER", value_delimiter = ',', value_parser = tier)]
    pub tiers: Vec<TierChoice>,
    /// The GPU that the library is for [default: a package's own, else gfx1010]
    #[arg(long, value_name = "GFX")]
    pub target: Option<GfxTarget>,
    /// Run it in the image of this toolchain [default: a package's own]
    #[arg(long, value_name = "ID", conflicts_with = "image")]
    pub toolchain: Option<ToolchainId>,
    /// Run it in this image of the engine's; without a package or library, verify the MIOpen in it
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["build", "installed"])]
    pub image: Option<String>,
    /// The folder that the package was built from, where it was built from one: for the tier kernels
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: Option<PathBuf>,
    /// Tier gpu: the card with this render node, e.g. renderD128 [default: the first of the target]
    #[arg(long, value_name = "NODE", value_parser = render_node)]
    pub device: Option<String>,
    /// Tier gpu: compute although HSA_OVERRIDE_GFX_VERSION is set, and hand it on
    #[arg(long)]
    pub allow_override: bool,
    /// Tier gpu: compute with the PyTorch of this virtual environment, too; the container reads it and its Python
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub venv: Option<PathBuf>,
    /// Tier emulated: the folder that ROCm's rocjitsu was installed to
    #[arg(long, value_name = "PREFIX", value_hint = ValueHint::DirPath)]
    pub emulator: Option<PathBuf>,
    /// Tier emulated: the emulator's configuration [default: made for the target]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "emulator")]
    pub emulator_config: Option<PathBuf>,
    /// Tiers gpu and emulated: only these cases, by name or the beginning of one; may be repeated
    #[arg(long = "case", value_name = "CASE")]
    pub cases: Vec<String>,
    /// Only these checks, by id or the beginning of one; may be repeated
    #[arg(long, value_name = "CHECK")]
    pub filter: Vec<String>,
    /// Stop after this long, e.g. 10m [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = limit)]
    pub timeout: Option<Duration>,
    /// How to say what came of it: human, json or junit [default: human]
    #[arg(long, value_name = "FORM")]
    pub report: Option<ReportForm>,
    /// Compilations at the same time [default: what cores and memory allow]
    #[arg(short, long, value_name = "N", value_parser = settings::jobs)]
    pub jobs: Option<u32>,
    /// Container engine: auto, docker, podman, unix:///path/to.sock or tcp://host:port [default: auto]
    #[arg(long, value_name = "ENGINE", value_parser = build::engine)]
    pub engine: Option<EngineText>,
    /// Never use the network
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub catalog: CatalogOptions,
    #[command(flatten)]
    pub store: StoreOptions,
}

/// A tier, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierChoice {
    One(Tier),
    All,
}

fn tier(text: &str) -> Result<TierChoice, String> {
    let tier: Tier = match text {
        "all" => return Ok(TierChoice::All),
        text => text.parse().map_err(|error: TierError| error.to_string())?,
    };
    match CHECKS.iter().any(|check| check.tier == tier) {
        true => Ok(TierChoice::One(tier)),
        false => Err(format!("this version has no check of the tier `{tier}`")),
    }
}

/// `renderD128`, also with its folder.
fn render_node(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("/dev/dri/").unwrap_or(text);
    match name.strip_prefix("renderD").is_some_and(|number| number.parse::<u16>().is_ok()) {
        true => Ok(name.to_owned()),
        false => Err("a render node is expected, e.g. renderD128; `ls /dev/dri` lists them".to_owned()),
    }
}

/// A length of time in seconds, minutes or hours.
fn limit(text: &str) -> Result<Duration, String> {
    let wrong = || "a number with s, m or h behind it is expected, e.g. 10m".to_owned();
    let text = text.trim();
    let seconds = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some(_) | None => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs).ok_or_else(wrong)
}

/// How a report is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    Human,
    Json,
    Junit,
}

impl VerifyArguments {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            jobs: self.jobs,
            engine: self.engine.clone(),
            offline: self.offline,
            store: self.store.store.clone(),
            ..self.catalog.flags()
        }
    }

    /// The tiers that were asked for, each once, in their order.
    pub fn tiers(&self) -> Vec<Tier> {
        let is_asked = |tier: &Tier| match self.tiers.as_slice() {
            [] => *tier == Tier::Static,
            asked => asked.contains(&TierChoice::All) || asked.contains(&TierChoice::One(*tier)),
        };
        Tier::ALL.into_iter().filter(is_asked).collect()
    }
}
