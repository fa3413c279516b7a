//! The words of `rdna-build matrix`.

use clap::{Args, ValueEnum};

use super::build::{BuildArguments, PackageOptions, PatchOptions, SettingsOptions, recipe_name};
use crate::cli::settings::Flags;
use crate::model::{GfxTarget, RecipeName, ToolchainId, Version};

pub const MATRIX_EXAMPLES: &str = "\
Examples:
  rdna-build matrix miopen                                       each target of the recipe
  rdna-build matrix miopen --target gfx1010,gfx1012 --toolchain debian-sid,rocm-6.4
  rdna-build matrix miopen --format github >> \"$GITHUB_OUTPUT\"
  rdna-build matrix miopen --format gitlab > child-pipeline.yml

What the store or the remote holds already is left out; --all lists it, too. Nothing is fetched, built or changed.";

#[derive(Debug, Args)]
pub struct MatrixArguments {
    /// The recipe, e.g. miopen; `rdna-build recipes` lists them
    #[arg(value_name = "RECIPE", value_parser = recipe_name)]
    pub recipe: RecipeName,
    /// GPUs to build for [default: all of the recipe's]
    #[arg(long = "target", visible_alias = "targets", value_name = "GFX", value_delimiter = ',')]
    pub targets: Vec<GfxTarget>,
    /// Toolchains to build with [default: the one that fits best]
    #[arg(long = "toolchain", value_name = "ID", value_delimiter = ',')]
    pub chosen: Vec<ToolchainId>,
    /// The recipe's version [default: the recipe's own choice]
    #[arg(long)]
    pub version: Option<Version>,
    /// List what is there already, too
    #[arg(long)]
    pub all: bool,
    /// How to say it: github, gitlab or json [default: json]
    #[arg(long, value_name = "FORM", default_value = "json", hide_default_value = true)]
    pub format: MatrixForm,
    #[command(flatten)]
    pub patches: PatchOptions,
    #[command(flatten)]
    pub settings: SettingsOptions,
}

/// Who is to read a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MatrixForm {
    /// `matrix=…`, as a step of GitHub Actions sets an output.
    Github,
    /// A child pipeline of GitLab's.
    Gitlab,
    /// A list of jobs.
    Json,
}

impl MatrixArguments {
    pub(super) fn flags(&self) -> Flags {
        self.settings.flags()
    }

    /// The build of all targets with one toolchain.
    pub fn build(&self, targets: Vec<GfxTarget>, toolchain: Option<ToolchainId>) -> BuildArguments {
        BuildArguments {
            recipe: self.recipe.clone(),
            targets,
            version: self.version.clone(),
            source: None,
            toolchain,
            rebuild: false,
            keep_failed: false,
            patches: self.patches.clone(),
            packages: PackageOptions::default(),
            settings: self.settings.clone(),
        }
    }
}
