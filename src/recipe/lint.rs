//! `rdna-build recipes lint`: one recipe, wherever it lies, with what is wrong and what could be better.

use super::error::RecipeError;
use super::parse::{FILE, parse};
use super::series::SERIES_FILE;
use crate::document::{FolderError, Mistake, read_folder};
use crate::model::{HostPath, Recipe};

/// A valid recipe and what is worth a warning.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the recipe `{}` can be built", recipe.name)]
#[diagnostic(severity(Warning))]
pub struct Linted {
    pub recipe: Recipe,
    /// With `Severity::Warning`, in the order of the text.
    #[related]
    pub warnings: Vec<Mistake>,
}

/// Reads the recipe in the folder `path`, or whose `recipe.toml` or series is `path`.
pub fn lint(path: &HostPath) -> Result<Linted, RecipeError> {
    let unreadable = |reason| FolderError::Read { path: path.clone(), reason };
    // The folder's name is part of the recipe, also where it is given as `.`.
    let real = path.as_path().canonicalize().map_err(unreadable)?;
    let folder = match (real.is_dir(), real.ends_with(FILE), real.ends_with(SERIES_FILE)) {
        (true, ..) => Some(real.as_path()),
        (false, true, _) => real.parent(),
        (false, false, true) => real.ancestors().nth(2),
        (false, false, false) => None,
    };
    let Some(folder) = folder else {
        return Err(FolderError::Missing { path: path.clone(), file: FILE }.into());
    };
    let shown = match path.to_string().strip_suffix(SERIES_FILE) {
        Some(before) => HostPath::new(format!("{before}{FILE}")),
        None if real.is_dir() => path.join(FILE),
        None => path.clone(),
    };
    let files = read_folder(&HostPath::new(folder))?;
    if files.get(FILE).is_none() {
        return Err(FolderError::Missing { path: path.clone(), file: FILE }.into());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let (recipe, warnings) = parse(&name, &shown.to_string(), files)?;
    Ok(Linted { recipe, warnings })
}
