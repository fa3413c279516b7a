//! The options of `patch`: the series of a recipe, seen, proven and edited.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::build::{PatchOptions, SettingsOptions, recipe_name};
use crate::model::{GfxTarget, PatchName, RecipeName, ToolchainId, Version};

pub const PATCH_EXAMPLES: &str = "\
Examples:
  rdna-build patch status miopen
  rdna-build patch status miopen --repository ~/src/MIOpen
  rdna-build patch prove miopen batchnorm-dpp-only-gfx8-gfx9
  rdna-build patch edit miopen host-workspace-noncoherent && cd miopen-3.3.0-*
  rdna-build patch refresh";

#[derive(Debug, Args)]
pub struct PatchArguments {
    #[command(subcommand)]
    pub command: PatchCommand,
}

#[derive(Debug, Subcommand)]
pub enum PatchCommand {
    /// Show which patches apply to which versions, and what became of those that do not
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArguments),
    /// Run the proofs of patches: each fails without its patch and passes with it
    #[command(after_help = PROVE_EXAMPLES)]
    Prove(ProveArguments),
    /// Make a folder to write a new patch in
    #[command(after_help = NEW_EXAMPLES)]
    New(EditArguments),
    /// Make a folder to change a patch in
    #[command(after_help = EDIT_EXAMPLES)]
    Edit(EditArguments),
    /// Write the patch of what was changed in such a folder
    #[command(after_help = REFRESH_EXAMPLES)]
    Refresh(RefreshArguments),
}

const STATUS_EXAMPLES: &str = "\
Examples:
  rdna-build patch status miopen
  rdna-build patch status miopen --version 3.2.0 --version 3.3.0
  rdna-build patch status miopen --source ~/src/MIOpen --version 3.3.0

  every version whose commit a clone of yours has, without a checkout:
  rdna-build patch status miopen --repository ~/src/MIOpen

Versions whose source is neither here nor asked for with --version are left out, and named.";

const PROVE_EXAMPLES: &str = "\
Examples:
  rdna-build patch prove selftest
  rdna-build patch prove miopen --source ~/src/MIOpen
  rdna-build patch prove miopen batchnorm-dpp-only-gfx8-gfx9 --version 3.2.0
  rdna-build patch prove my-recipe --recipes . --record

What was observed once is kept: a second run of the same proof on the same tree looks it up.";

const NEW_EXAMPLES: &str = "\
Examples:
  rdna-build patch new miopen my-fix --version 3.3.0
  cd miopen-3.3.0-my-fix; edit; rdna-build patch refresh

The folder is a git checkout whose last commit has every earlier patch: `git diff` shows yours.";

const EDIT_EXAMPLES: &str = "\
Examples:
  rdna-build patch edit miopen host-workspace-noncoherent
  cd miopen-3.3.0-host-workspace-noncoherent; edit; rdna-build patch refresh

The folder is a git checkout whose last commit has every earlier patch: `git diff` shows this one.";

const REFRESH_EXAMPLES: &str = "\
Examples:
  rdna-build patch refresh
  rdna-build patch refresh miopen-3.3.0-my-fix

The head of the patch is kept. A patch of a recipe in a folder is written there, any other into the current folder.";

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// The recipe, e.g. miopen
    #[arg(value_name = "RECIPE", value_parser = recipe_name)]
    pub recipe: RecipeName,
    /// Versions to look at; fetched where they are not here [default: those that are here]
    #[arg(long = "version", value_name = "VERSION", value_delimiter = ',')]
    pub versions: Vec<Version>,
    /// Look at these sources, as one version
    #[arg(long, value_name = "PATH|URL[#REF]", value_hint = ValueHint::AnyPath, conflicts_with = "repository")]
    pub source: Option<String>,
    /// Look the versions' tags and commits up in this clone, without a checkout
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repository: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingsOptions,
}

#[derive(Debug, Args)]
pub struct ProveArguments {
    /// The recipe, e.g. miopen
    #[arg(value_name = "RECIPE", value_parser = recipe_name)]
    pub recipe: RecipeName,
    /// Patches to prove [default: all of the version that have a proof and are for the toolchain]
    #[arg(value_name = "NAME")]
    pub names: Vec<PatchName>,
    /// The GPU to build for, where a proof builds the library [default: the recipe's first]
    #[arg(long, value_name = "GFX")]
    pub target: Option<GfxTarget>,
    /// The recipe's version [default: the recipe's own choice]
    #[arg(long)]
    pub version: Option<Version>,
    /// Prove on these sources instead of the recipe's
    #[arg(long, value_name = "PATH|URL[#REF]", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,
    /// Use this toolchain [default: the one that fits best]
    #[arg(long, value_name = "ID")]
    pub toolchain: Option<ToolchainId>,
    /// Write what is proven to `patches/proven.toml` of the recipe, which must be a folder (`--recipes DIR`)
    #[arg(long)]
    pub record: bool,
    /// Observe again also what was observed before
    #[arg(long)]
    pub again: bool,
    #[command(flatten)]
    pub settings: SettingsOptions,
}

#[derive(Debug, Args)]
pub struct EditArguments {
    /// The recipe, e.g. miopen
    #[arg(value_name = "RECIPE", value_parser = recipe_name)]
    pub recipe: RecipeName,
    /// The patch's name
    #[arg(value_name = "NAME")]
    pub name: PatchName,
    /// The recipe's version [default: the recipe's own choice]
    #[arg(long)]
    pub version: Option<Version>,
    /// Start from these sources instead of the recipe's
    #[arg(long, value_name = "PATH|URL[#REF]", value_hint = ValueHint::AnyPath)]
    pub source: Option<String>,
    /// The folder to make [default: RECIPE-VERSION-NAME]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub into: Option<PathBuf>,
    #[command(flatten)]
    pub patches: PatchOptions,
    #[command(flatten)]
    pub settings: SettingsOptions,
}

#[derive(Debug, Args)]
pub struct RefreshArguments {
    /// A folder that `patch new` or `patch edit` made [default: the current one]
    #[arg(value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

impl PatchArguments {
    pub fn settings(&self) -> Option<&SettingsOptions> {
        match &self.command {
            PatchCommand::Status(status) => Some(&status.settings),
            PatchCommand::Prove(prove) => Some(&prove.settings),
            PatchCommand::New(edit) | PatchCommand::Edit(edit) => Some(&edit.settings),
            PatchCommand::Refresh(_) => None,
        }
    }
}
