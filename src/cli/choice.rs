//! From options and settings to what a person wants of a recipe's patches; reads the patches they bring.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;

use super::args::PatchOptions;
use super::exit::CliError;
use super::settings::Settings;
use crate::model::{Fit, HostPath, OwnPatch, PatchName, Recipe};
use crate::plan::patches::PatchChoice;

/// No patch that a person writes is larger; a larger one is refused when it is applied, too.
const LARGEST: u64 = 16 << 20;

/// Settings come first, then `--patch`, each in the order they are written.
pub fn patch_choice(
    options: &PatchOptions,
    settings: &Settings,
    recipe: &Recipe,
) -> Result<PatchChoice, CliError> {
    let configured =
        settings.patches.iter().filter(|own| own.recipe == recipe.name).map(|own| own.path.clone());
    let given = options.patch.iter().map(|path| settings.current_folder.join(path));
    let mut own: Vec<OwnPatch> = Vec::new();
    for path in configured.chain(given) {
        let patch = read(&path, options.patch_fit.unwrap_or_default(), own.len())?;
        own.push(patch);
    }
    Ok(PatchChoice {
        with: options.with_patch.iter().cloned().collect::<BTreeSet<_>>(),
        without: options.without_patch.iter().cloned().collect(),
        unproven: options.unproven_patches,
        own,
    })
}

fn read(path: &HostPath, fit: Fit, before: usize) -> Result<OwnPatch, CliError> {
    let wrong = |reason: String| CliError::Usage {
        message: format!("the patch {path} cannot be read: {reason}"),
        help: Some("name a file that `git diff` or `git format-patch` made".to_owned()),
    };
    let file = File::open(path.as_path()).map_err(|error| wrong(error.to_string()))?;
    if !file.metadata().map_err(|error| wrong(error.to_string()))?.is_file() {
        return Err(wrong("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(format!("it is larger than {LARGEST} bytes")));
    }
    let stem = path.as_path().file_stem().unwrap_or_default().to_string_lossy();
    let name = name_of(&stem);
    // The number keeps apart two files of one name, and says in which order they are applied.
    let file = format!("own/{:04}-{name}.patch", before + 1);
    Ok(OwnPatch { name, file, bytes, fit })
}

/// A patch's name from that of its file: `0001-Fix_it.patch` is `fix-it`.
fn name_of(stem: &str) -> PatchName {
    let text: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let text = text.trim_matches(|c: char| c.is_ascii_digit() || c == '-');
    let text: String = text.chars().take(60).collect();
    text.parse().unwrap_or_else(|_| "own".parse().expect("`own` is a name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_becomes_a_patch_s_name() {
        for (stem, name) in
            [("0001-Fix_it", "fix-it"), ("mine", "mine"), ("42", "own"), ("", "own"), ("ä.b", "b")]
        {
            assert_eq!(name_of(stem).as_str(), name, "{stem}");
        }
    }
}
