//! `[[patches]]`: in the order of application, every file in the recipe's folder. Their content is read when applied.

use std::collections::BTreeMap;

use super::keys::PATCH;
use super::parse::ranges;
use crate::document::{Field, Section};
use crate::model::{FileSet, PatchSpec, RecipeVersion, VersionRange, nearest};

pub(super) fn read(
    field: &Field<'_>,
    files: &FileSet,
    versions: Option<&[RecipeVersion]>,
) -> Option<Vec<PatchSpec>> {
    let mut seen: Vec<String> = Vec::new();
    field.each(|field| {
        let section = field.section(PATCH)?;
        let file = section.required("file", |field| {
            let file = file(&field, files)?;
            if seen.contains(&file) {
                return field.wrong(format!("`{file}` is applied twice"), None);
            }
            seen.push(file.clone());
            Some(file)
        });
        let why = section.or("why", String::new(), |field| field.line());
        if section.field("why").is_none() {
            let help = "say in one sentence what breaks without it: `why = \"…\"`".to_owned();
            section.mistakes().warn(section.span(), "this patch does not say why it is there", Some(help));
        }
        let range = section.or("versions", VersionRange::default(), |field| applicable(&field, versions));
        let when = section.or("when", BTreeMap::new(), |field| ranges(&field));
        let fuzz = section.or("fuzz", 0, |field| field.number(0..=2));
        Some(PatchSpec {
            file: file?,
            why: why?,
            versions: range?,
            when: when?,
            fuzz: u8::try_from(fuzz?).expect("the range was checked"),
        })
    })
}

fn file(field: &Field<'_>, files: &FileSet) -> Option<String> {
    let path = field.relative_path()?;
    if files.get(&path).is_some() {
        return Some(path);
    }
    let patches = files.iter().map(|(path, _)| path).filter(|path| path.ends_with(".patch"));
    let help = nearest(&path, patches).map(|nearest| format!("did you mean `{nearest}`?"));
    field.wrong(format!("the recipe's folder has no file `{path}`"), help)
}

fn applicable(field: &Field<'_>, versions: Option<&[RecipeVersion]>) -> Option<VersionRange> {
    let range: VersionRange = field.parse()?;
    if let Some(versions) = versions
        && !versions.iter().any(|listed| range.contains(&listed.version))
    {
        let message = format!("no version of this recipe is {range}: the patch is never applied");
        field.warn(message, None);
    }
    Some(range)
}

/// Warns of patch files that lie in the folder and are not named. `patches` is `None` where they have mistakes.
pub(super) fn warn_of_unused(section: &Section<'_>, patches: Option<&[PatchSpec]>, files: &FileSet) {
    let Some(patches) = patches else { return };
    let named = |path: &str| patches.iter().any(|patch| patch.file == path);
    for (path, _) in files.iter().filter(|(path, _)| path.starts_with("patches/") && path.ends_with(".patch"))
    {
        if !named(path) {
            let help = "name it in [[patches]], or remove the file".to_owned();
            section.mistakes().warn(section.span(), format!("`{path}` is never applied"), Some(help));
        }
    }
}
