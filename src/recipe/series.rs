//! `patches/series.toml`: the patches of a recipe in the order of application, each in the forms it takes for the
//! recipe's versions. Their content is read when they are applied.

use std::collections::BTreeMap;

use super::keys::{PATCH, SCHEMA, SERIES, VARIANT};
use super::parse::ranges;
use crate::document::{Field, Mistakes, Section, read};
use crate::model::{FileSet, PatchName, PatchSpec, PatchVariant, RecipeVersion, VersionRange, nearest};

pub(super) const SERIES_FILE: &str = "patches/series.toml";
const FOLDER: &str = "patches/";

/// Reads the series of a recipe. `versions` is `None` where they have mistakes of their own.
pub(super) fn parse(
    mistakes: &Mistakes,
    files: &FileSet,
    versions: Option<&[RecipeVersion]>,
) -> Option<Vec<PatchSpec>> {
    let Some(bytes) = files.get(SERIES_FILE) else {
        warn_of_unused(mistakes, 0..0, &[], files);
        return Some(Vec::new());
    };
    read(bytes, mistakes, SCHEMA, SERIES, |section| series(section, files, versions))
}

fn series(
    section: &Section<'_>,
    files: &FileSet,
    versions: Option<&[RecipeVersion]>,
) -> Option<Vec<PatchSpec>> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let mut reader = Reader { files, versions, names: Vec::new(), used: Vec::new() };
    let mut needs = Vec::new();
    let patches = section.required("patches", |field| {
        field.each(|field| {
            let patch = reader.patch(&field)?;
            needs.extend(field.section(PATCH).and_then(|section| section.field("needs")));
            Some(patch)
        })
    });
    let patches = patches?;
    warn_of_unused(section.mistakes(), section.span(), &reader.used, files);
    let ordered = check_needs(&patches, &needs);
    schema?;
    ordered.then_some(patches)
}

struct Reader<'f> {
    files: &'f FileSet,
    versions: Option<&'f [RecipeVersion]>,
    names: Vec<PatchName>,
    used: Vec<String>,
}

impl Reader<'_> {
    fn patch(&mut self, field: &Field<'_>) -> Option<PatchSpec> {
        let section = field.section(PATCH)?;
        let name = section.required("name", |field| {
            let name: PatchName = field.parse()?;
            if self.names.contains(&name) {
                return field.wrong(format!("two patches are named `{name}`"), None);
            }
            self.names.push(name.clone());
            Some(name)
        });
        let why = section.or("why", String::new(), |field| field.line());
        if section.field("why").is_none() {
            let help = "say in one sentence what breaks without it: `why = \"…\"`".to_owned();
            section.mistakes().warn(section.span(), "this patch does not say why it is there", Some(help));
        }
        let upstream = section.or("upstream", String::new(), |field| field.line());
        let opt_in = section.or("opt-in", false, |field| field.switch());
        let when = section.or("when", BTreeMap::new(), |field| ranges(&field));
        let needs = section.or("needs", Vec::new(), |field| field.each(|field| field.parse()));
        let mark = section.optional("mark", |field| super::mark::read(&field));
        let variants = section.required("variants", |field| {
            let variants = field.each(|field| self.variant(&field))?;
            if variants.is_empty() {
                return field.wrong("a patch without a variant is never applied", None);
            }
            Some(variants)
        });
        Some(PatchSpec {
            name: name?,
            why: why?,
            upstream: upstream?,
            opt_in: opt_in?,
            when: when?,
            needs: needs?,
            variants: variants?,
            mark: mark?,
        })
    }

    fn variant(&mut self, field: &Field<'_>) -> Option<PatchVariant> {
        let section = field.section(VARIANT)?;
        let file = section.required("file", |field| self.file(&field));
        let range = section.or("versions", VersionRange::default(), |field| self.applicable(&field));
        let fit = section.or("fit", crate::model::Fit::Exact, |field| field.parse());
        let proofs = section.or("proofs", Vec::new(), |field| field.each(|field| self.proof(&field)));
        // `proven` comes from a file of its own.
        Some(PatchVariant { file: file?, versions: range?, fit: fit?, proven: Vec::new(), proofs: proofs? })
    }

    /// The same file may serve two ranges of versions: of a patch only one variant is applied.
    fn file(&mut self, field: &Field<'_>) -> Option<String> {
        let path = format!("{FOLDER}{}", field.relative_path()?);
        if self.files.get(&path).is_none() {
            let patches = self.files.iter().filter_map(|(path, _)| path.strip_prefix(FOLDER));
            let near = nearest(&path[FOLDER.len()..], patches.filter(|path| path.ends_with(".patch")));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            return field.wrong(format!("the recipe's folder has no file `{path}`"), help);
        }
        self.used.push(path.clone());
        Some(path)
    }

    fn applicable(&self, field: &Field<'_>) -> Option<VersionRange> {
        let range: VersionRange = field.parse()?;
        let is_listed =
            |versions: &[RecipeVersion]| versions.iter().any(|listed| range.contains(&listed.version));
        if !self.versions.is_none_or(is_listed) {
            let message = format!("no version of this recipe is {range}: the patch is never applied");
            field.warn(message, None);
        }
        Some(range)
    }

    fn proof(&self, field: &Field<'_>) -> Option<String> {
        let id = field.text()?;
        let path = format!("proofs/{id}.toml");
        if self.files.get(&path).is_some() {
            return Some(id.to_owned());
        }
        let known =
            self.files.iter().filter_map(|(path, _)| path.strip_prefix("proofs/")?.strip_suffix(".toml"));
        let help = nearest(id, known).map(|near| format!("did you mean `{near}`?"));
        field.wrong(format!("the recipe's folder has no file `{path}`"), help)
    }
}

/// Whether every patch comes after those it needs. `fields` are the `needs` of those patches that have some.
fn check_needs(patches: &[PatchSpec], fields: &[Field<'_>]) -> bool {
    let mut fields = fields.iter();
    let mut good = true;
    for (index, patch) in patches.iter().enumerate() {
        let Some(field) = (!patch.needs.is_empty()).then(|| fields.next()).flatten() else { continue };
        for need in &patch.needs {
            let message = match patches.iter().position(|other| other.name == *need) {
                Some(at) if at < index => continue,
                Some(at) => match circle(patches, index, at) {
                    Some(circle) => format!("patches need each other in a circle: {circle}"),
                    None => format!("`{need}` comes later in the series than `{}`", patch.name),
                },
                None => format!("no patch of the series is named `{need}`"),
            };
            let near = nearest(need.as_str(), patches.iter().map(|patch| patch.name.as_str()));
            let help =
                near.filter(|near| *near != need.as_str()).map(|near| format!("did you mean `{near}`?"));
            field.wrong::<()>(message, help);
            good = false;
        }
    }
    good
}

/// The way from patch `to` back to patch `from` by what each needs, if there is one.
fn circle(patches: &[PatchSpec], from: usize, to: usize) -> Option<String> {
    let mut way = vec![to];
    let mut seen = vec![to];
    while let Some(&last) = way.last() {
        if last == from {
            let names = std::iter::once(&from).chain(&way).map(|index| patches[*index].name.as_str());
            return Some(names.collect::<Vec<_>>().join(" → "));
        }
        let next = patches[last]
            .needs
            .iter()
            .filter_map(|need| patches.iter().position(|patch| patch.name == *need))
            .find(|index| *index == from || !seen.contains(index));
        match next {
            Some(next) => {
                seen.push(next);
                way.push(next);
            }
            None => {
                way.pop();
            }
        }
    }
    None
}

/// Warns of patch files that lie in the folder and are not named.
fn warn_of_unused(mistakes: &Mistakes, span: std::ops::Range<usize>, used: &[String], files: &FileSet) {
    let is_patch = |path: &&str| path.starts_with(FOLDER) && path.ends_with(".patch");
    for path in files.iter().map(|(path, _)| path).filter(is_patch) {
        if !used.iter().any(|used| used == path) {
            let help = format!("name it in {SERIES_FILE}, or remove the file");
            mistakes.warn(span.clone(), format!("`{path}` is never applied"), Some(help));
        }
    }
}
