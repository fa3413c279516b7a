//! The recipe as a whole, and its `[build]`. Every part is read, whatever the parts before it hold.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::error::RecipeError;
use super::keys::{BUILD, RECIPE, SCHEMA, TARGETS};
use super::{calls, checks, kernels, outputs, packaging, proof, proven, series, suites, versions};
use crate::document::{Field, Mistake, Mistakes, Section, capability, read, variable};
use crate::model::{
    BuildSpec, FileSet, GfxTarget, OptionValue, Proof, Recipe, RecipeName, RecipeVersion, Version,
    VersionRange,
};

pub(super) const FILE: &str = "recipe.toml";

/// Reads all files of the folder called `folder` that people write; `shown` is how its `recipe.toml` is called in reports.
/// Gives the recipe and what is worth a warning, or the mistakes of all files.
pub(super) fn parse(
    folder: &str,
    shown: &str,
    files: FileSet,
) -> Result<(Recipe, Vec<Mistake>), RecipeError> {
    let beside = |path: &str| format!("{}{path}", shown.strip_suffix(FILE).unwrap_or_default());
    let mistakes_of = |path: &str| Mistakes::new(beside(path), files.get(path).unwrap_or_default());
    let mut all = Findings::default();

    let mistakes = Mistakes::new(shown, files.get(FILE).unwrap_or_default());
    let written = read(files.get(FILE).unwrap_or_default(), &mistakes, SCHEMA, RECIPE, |section| {
        recipe(section, folder, &files)
    });
    let versions = written.as_ref().map(|recipe| recipe.versions.clone());
    let written = all.take(mistakes, written);

    let mistakes = mistakes_of(series::SERIES_FILE);
    let patches = series::parse(&mistakes, &files, versions.as_deref());
    let patches = all.take(mistakes, patches);

    let ids: Vec<&str> = files.iter().filter_map(|(path, _)| proof::id_of(path)).collect();
    let proofs = ids.iter().filter_map(|id| {
        let mistakes = mistakes_of(&format!("{}{id}.toml", proof::FOLDER));
        let proof = proof::parse(id, &mistakes, &files);
        all.take(mistakes, proof)
    });
    let proofs: Vec<Proof> = proofs.collect();

    let mistakes = mistakes_of(checks::LIBRARY_FILE);
    let library = checks::parse(&mistakes, &files);
    let library = all.take(mistakes, library);

    let matrices = files.iter().filter_map(|(path, _)| kernels::id_of(path));
    let matrices = matrices.filter_map(|id| {
        let mistakes = mistakes_of(&kernels::path_of(id));
        let matrix = kernels::parse(id, &mistakes, &files);
        all.take(mistakes, matrix)
    });
    let matrices = matrices.collect();

    let programs = files.iter().filter_map(|(path, _)| calls::id_of(path));
    let programs = programs.filter_map(|id| {
        let mistakes = mistakes_of(&calls::path_of(id));
        let program = calls::parse(id, &mistakes, &files);
        all.take(mistakes, program)
    });
    let programs = programs.collect();

    let found = files.iter().filter_map(|(path, _)| suites::id_of(path));
    let found = found.filter_map(|id| {
        let mistakes = mistakes_of(&suites::path_of(id));
        let suite = suites::parse(id, &mistakes, &files);
        all.take(mistakes, suite)
    });
    let found = found.collect();

    let mistakes = mistakes_of(proven::PROVEN_FILE);
    let records = proven::parse(&mistakes, &files);
    let patches = patches.map(|mut patches| {
        proven::mark(&mut patches, records.as_deref().unwrap_or_default(), &proofs, &files, &mistakes);
        patches
    });
    all.take(mistakes, records);

    match (written, patches) {
        (Some(mut recipe), Some(patches)) if all.mistakes.is_empty() => {
            recipe.patches = patches;
            recipe.proofs = proofs;
            recipe.library = library.flatten();
            recipe.kernels = matrices;
            recipe.calls = programs;
            recipe.suites = found;
            Ok((recipe, all.warnings))
        }
        _ => Err(RecipeError::Invalid { name: folder.to_owned(), mistakes: all.mistakes }),
    }
}

/// What was found in all files so far.
#[derive(Default)]
struct Findings {
    mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

impl Findings {
    /// Closes the book on one file.
    fn take<T>(&mut self, mistakes: Mistakes, value: Option<T>) -> Option<T> {
        match mistakes.finish(value) {
            Ok((value, warnings)) => {
                self.warnings.extend(warnings);
                Some(value)
            }
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                None
            }
        }
    }
}

/// A recipe without its series and proofs.
fn recipe(section: &Section<'_>, folder: &str, files: &FileSet) -> Option<Recipe> {
    // All reads come before the first `?`: a mistake in one must not hide those of the others.
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let name = section.required("name", |field| name(&field, folder));
    let summary = section.required("summary", |field| field.line());
    let homepage = section.required("homepage", |field| field.url(&["https", "http"]));
    let license = section.required("license", |field| license(&field));
    let versions = section.required("versions", |field| versions::read(&field, files));
    let default_version = section.required("default-version", |field| default(&field, versions.as_deref()));
    let requires = section.or("requires", BTreeMap::new(), |field| ranges(&field));
    let targets = section.required("targets", |field| targets(&field));
    let build = section.required("build", |field| build(&field));
    let outputs = section.required("outputs", |field| outputs::read(&field));
    let packaging = section.or("package", packaging::absent(), |field| packaging::read(&field));

    schema?;
    Some(Recipe {
        name: name?,
        summary: summary?,
        homepage: homepage?,
        license: license?,
        default_version: default_version?,
        versions: versions?,
        requires: requires?,
        targets: targets?,
        build: build?,
        patches: Vec::new(),
        proofs: Vec::new(),
        outputs: outputs?,
        packaging: packaging?,
        library: None,
        kernels: Vec::new(),
        calls: Vec::new(),
        suites: Vec::new(),
        files: files.clone(),
    })
}

fn name(field: &Field<'_>, folder: &str) -> Option<RecipeName> {
    let name: RecipeName = field.parse()?;
    if name.as_str() == folder {
        return Some(name);
    }
    field.wrong(
        format!("the name `{name}` is not that of the folder `{folder}`"),
        Some("a recipe is found by its folder: give both the same name".to_owned()),
    )
}

fn license(field: &Field<'_>) -> Option<String> {
    let text = field.line()?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "-.+() ".contains(c)) {
        return Some(text);
    }
    field.wrong(
        format!("`{text}` is not an SPDX expression"),
        Some("e.g. `MIT` or `Apache-2.0 WITH LLVM-exception`".to_owned()),
    )
}

/// `versions` is `None` where they have mistakes of their own.
fn default(field: &Field<'_>, versions: Option<&[RecipeVersion]>) -> Option<Version> {
    let version: Version = field.parse()?;
    let versions = versions?;
    if versions.iter().any(|listed| listed.version == version) {
        return Some(version);
    }
    let listed: Vec<String> = versions.iter().map(|listed| listed.version.to_string()).collect();
    field.wrong(
        format!("the default version {version} is not among the versions"),
        Some(format!("listed are {}", listed.join(", "))),
    )
}

/// Capability → range, for `requires` and a patch's `when`.
pub(super) fn ranges(field: &Field<'_>) -> Option<BTreeMap<String, VersionRange>> {
    field.map(capability, |field| field.parse())
}

fn targets(field: &Field<'_>) -> Option<Vec<GfxTarget>> {
    field.section(TARGETS)?.required("supported", |list| {
        let mut seen = Vec::new();
        let targets = list.each(|field| {
            let target: GfxTarget = field.parse()?;
            if seen.contains(&target) {
                return field.wrong(format!("{target} is listed twice"), None);
            }
            seen.push(target);
            Some(target)
        })?;
        if targets.is_empty() {
            return list.wrong("a recipe without a target builds nothing", None);
        }
        Some(targets)
    })
}

fn build(field: &Field<'_>) -> Option<BuildSpec> {
    let section = field.section(BUILD)?;
    let system = section.required("system", |field| field.choice(&[("cmake", ())]));
    let prefix = section.required("prefix", |field| prefix(&field));
    let source_subdir = section.or("source-subdir", ".".to_owned(), |field| field.relative_folder());
    let host_only = section.or("host-only", false, |field| field.switch());
    let memory_per_job = section.required("memory-per-job", |field| field.size());
    let disk = section.required("disk", |field| field.size());
    let minutes = section.required("minutes", |field| field.number(1..=100_000));
    let options =
        section.or("options", BTreeMap::new(), |field| field.map(cmake_name, |value| option(&value)));
    let environment =
        section.or("environment", BTreeMap::new(), |field| field.map(variable, |value| value.line()));

    system?;
    Some(BuildSpec {
        prefix: prefix?,
        source_subdir: source_subdir?,
        host_only: host_only?,
        memory_per_job: memory_per_job?,
        disk: disk?,
        minutes: u32::try_from(minutes?).expect("the range was checked"),
        options: options?,
        environment: environment?,
    })
}

fn prefix(field: &Field<'_>) -> Option<String> {
    let prefix = field.template(&["name", "version", "target"])?;
    field.guest_path()?;
    if prefix.contains(char::is_whitespace) {
        return field.wrong("the prefix contains blanks, which break CMake files of what is installed", None);
    }
    Some(prefix)
}

fn cmake_name(name: &str) -> Result<(), String> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if good {
        Ok(())
    } else {
        Err(format!("`{name}` cannot name a CMake option: letters, digits, `_`, `.`, `-`"))
    }
}

fn option(field: &Field<'_>) -> Option<OptionValue> {
    match field.value() {
        DeValue::Boolean(value) => Some(OptionValue::Switch(*value)),
        DeValue::Integer(_) => field.number(i64::MIN..=i64::MAX).map(OptionValue::Number),
        _ => field.template(&["target", "prefix", "version"]).map(OptionValue::Text),
    }
}
