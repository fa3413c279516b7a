//! `rdna-build patch status`: every patch on every version, as a table or as JSON.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::cli::args::StatusArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, patch_status};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute::{self, Materials};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{CommitId, PinnedSource, Recipe, RecipeVersion, SourceSpec};
use crate::recipe::RecipeBook;
use crate::source;
use crate::source::git::{self, CommitBase, GitError};
use crate::source::patch::{Base, FolderBase, status};
use crate::store::Store;

pub fn run(arguments: &StatusArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let recipe = wire::recipe(&RecipeBook::load(&settings.recipes)?, &arguments.recipe)?;
    let report = patch_status::Report {
        recipe: recipe.name.clone(),
        versions: wanted(&recipe, arguments)?
            .into_iter()
            .map(|version| one(&recipe, version, arguments, settings))
            .collect::<Result<_, _>>()?,
    };
    match settings.json() {
        true => render::print_json(&report)?,
        false => render::print(&patch_status::text(&report, Page::stdout(settings), settings.terminal))?,
    }
    Ok(if report.is_broken() { ExitCode::Invalid } else { ExitCode::Fine })
}

/// The versions to look at, in the recipe's order.
fn wanted<'r>(recipe: &'r Recipe, arguments: &StatusArguments) -> Result<Vec<&'r RecipeVersion>, CliError> {
    if !arguments.versions.is_empty() {
        let wanted = arguments.versions.iter();
        return wanted.map(|version| wire::listed_version(recipe, version)).collect();
    }
    Ok(match arguments.source {
        Some(_) => recipe.version(&recipe.default_version).into_iter().collect(),
        None => recipe.versions.iter().collect(),
    })
}

fn one(
    recipe: &Recipe,
    version: &RecipeVersion,
    arguments: &StatusArguments,
    settings: &Settings,
) -> Result<patch_status::Column, CliError> {
    let column = |patches| patch_status::Column { version: version.version.clone(), patches };
    let judged = |base: &dyn Base| -> Result<_, CliError> {
        let patches = status(recipe, &version.version, base).map_err(execute::ExecuteError::from)?;
        Ok(column(Ok(patches)))
    };
    if let Some(repository) = &arguments.repository {
        let repository = settings.current_folder.join(repository);
        return match in_repository(repository.as_path(), version)? {
            Ok(base) => judged(&base),
            Err(missing) => Ok(column(Err(missing))),
        };
    }
    let store = Store::open(settings.store.as_path())?;
    let lock = LockFile::read(settings.lock_file.as_path())?;
    let spec = match &arguments.source {
        Some(text) => source::parse_source_argument(text, settings.current_folder.as_path())?,
        None => version.source.clone(),
    };
    if let SourceSpec::Folder { path } = &spec {
        return judged(&FolderBase(path.as_path()));
    }
    let pinned = execute::pin(&spec, &lock);
    if let Some(pinned) = &pinned
        && let Some(folder) = execute::stored_source(&store, pinned)?
    {
        return judged(&FolderBase(&folder));
    }
    let is_bundled = matches!(pinned, Some(PinnedSource::Bundled { .. }));
    if !is_bundled && arguments.versions.is_empty() && arguments.source.is_none() {
        let how = format!("its source is not here; --version {} fetches it", version.version);
        return Ok(column(Err(how)));
    }
    let materials = Materials { recipe, toolchains: vec![], own_patches: &[], local: None };
    let workshop = wire::looking_workshop(settings, &store, Machine::look(), lock);
    let wanted = pinned.ok_or(spec);
    let folder = interrupt::run(&workshop.cancel, execute::source_folder(&wanted, &materials, &workshop))?;
    judged(&FolderBase(&folder.root))
}

/// The version's commit in a clone, or why it is not there. A tag may have another commit there than the one that is
/// pinned: the pin is looked for first.
fn in_repository(repository: &Path, version: &RecipeVersion) -> Result<Result<CommitBase, String>, CliError> {
    let SourceSpec::Git { reference, commit, subdir, .. } = &version.source else {
        return Ok(Err("its source is no git repository".to_owned()));
    };
    let url = repository.to_string_lossy();
    let open = |commit: &CommitId| CommitBase::open(&url, commit, subdir.as_deref());
    let mut missing = String::new();
    if let Some(commit) = commit {
        match open(commit) {
            Ok(base) => return Ok(Ok(base)),
            Err(GitError::NoSuchCommit { .. }) => missing = commit.short().to_owned(),
            Err(error) => return Err(execute::ExecuteError::from(error).into()),
        }
    }
    if let Some(reference) = reference {
        match git::resolve(&url, Some(reference), &CancellationToken::new()).and_then(|commit| open(&commit))
        {
            Ok(base) => return Ok(Ok(base)),
            Err(GitError::UnknownReference { .. }) => missing = reference.clone(),
            Err(error) => return Err(execute::ExecuteError::from(error).into()),
        }
    }
    Ok(Err(format!("the clone does not have {missing}")))
}
