//! `rdna-build patch new` and `patch edit`: a folder to write or change a patch in.

use std::path::{Path, PathBuf};

use crate::cli::args::{BuildArguments, EditArguments, PackageOptions};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render;
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::document::Origin;
use crate::execute::{self, ExecuteError, Materials, SourceFolder};
use crate::facts::Machine;
use crate::model::{Fit, PatchSpec, PlannedPatch};
use crate::plan::patches::planned;
use crate::recipe::RecipeBook;
use crate::source::patch::{FolderBase, Layered, PatchInput, Patched, Trial, apply_series, desk, header};
use crate::store::Store;

/// Starts a patch that the series does not have.
pub fn new(arguments: &EditArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut job = resolve(arguments, settings, &store)?;
    if job.recipe.patches.iter().any(|patch| patch.name == arguments.name) {
        return Err(CliError::Usage {
            message: format!("{} has a patch `{}` already", job.recipe.name, arguments.name),
            help: Some(format!("rdna-build patch edit {} {}", job.recipe.name, arguments.name)),
        });
    }
    let number = job.recipe.patches.len() + 1;
    let version = &job.version.version;
    let file = format!("patches/{version}/{number:04}-{}.patch", arguments.name);
    let earlier = std::mem::take(&mut job.units[0].patches.patches);
    let place = place(arguments, settings, &file)?;
    let series = place.recipe.as_ref().map(|folder| folder.join("patches/series.toml"));
    let note = note(arguments, &job, place.file, new_header(arguments), series);
    set_up(arguments, settings, &store, &mut job, &earlier, None, &note)
}

/// Opens a patch of the series. Where it has no form for the version, or does not fit, the folder begins without it.
pub fn edit(arguments: &EditArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let store = Store::open(settings.store.as_path())?;
    let mut job = resolve(arguments, settings, &store)?;
    let patch = find(&job, arguments)?.clone();
    let version = job.version.version.clone();
    let own = patch.variant(&version);
    let form = own.or_else(|| patch.variants.last()).expect("a patch has a form");
    let bytes = job.recipe.files.get(&form.file).expect("a valid recipe holds its patches").to_owned();
    let earlier = before(&mut job, &patch);
    let file = match own {
        Some(variant) => variant.file.clone(),
        None => {
            let name = Path::new(&form.file).file_name().unwrap_or_default().to_string_lossy();
            render::complain(&format!(
                "{} has no form for {version}: the folder begins without it; its head is that of {}\n",
                patch.name, form.file
            ));
            format!("patches/{version}/{name}")
        }
    };
    let place = place(arguments, settings, &file)?;
    let note = note(arguments, &job, place.file, prose(&form.file, &bytes)?, None);
    let planned = own.map(|variant| planned(&job.recipe, &version, &patch, variant));
    set_up(arguments, settings, &store, &mut job, &earlier, planned, &note)
}

/// The text of a patch before its first difference.
fn prose(name: &str, bytes: &[u8]) -> Result<String, CliError> {
    let header = header(name, bytes).map_err(ExecuteError::from)?;
    Ok(String::from_utf8_lossy(header).into_owned())
}

fn resolve(arguments: &EditArguments, settings: &Settings, store: &Store) -> Result<Job, CliError> {
    let book = RecipeBook::load(&settings.recipes)?;
    let recipe = wire::recipe(&book, &arguments.recipe)?;
    let build = BuildArguments {
        recipe: arguments.recipe.clone(),
        targets: recipe.targets.first().copied().into_iter().collect(),
        version: arguments.version.clone(),
        source: arguments.source.clone(),
        toolchain: None,
        rebuild: false,
        keep_failed: false,
        patches: arguments.patches.clone(),
        packages: PackageOptions::default(),
        settings: arguments.settings.clone(),
    };
    Job::resolve(&build, settings, store, Trace::StatCache)
}

fn find<'j>(job: &'j Job, arguments: &EditArguments) -> Result<&'j PatchSpec, CliError> {
    let known = || job.recipe.patches.iter().map(|patch| patch.name.as_str());
    job.recipe.patches.iter().find(|patch| patch.name == arguments.name).ok_or_else(|| {
        let near = crate::model::nearest(arguments.name.as_str(), known());
        CliError::Usage {
            message: format!("{} has no patch `{}`", job.recipe.name, arguments.name),
            help: Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "a new one is begun with: rdna-build patch new {} {}",
                    job.recipe.name, arguments.name
                ),
            }),
        }
    })
}

/// The patches of the plan that come before this one in the series.
fn before(job: &mut Job, patch: &PatchSpec) -> Vec<PlannedPatch> {
    let at = |name: &crate::model::PatchName| job.recipe.patches.iter().position(|other| other.name == *name);
    let here = at(&patch.name);
    let earlier = |planned: &PlannedPatch| at(&planned.name).is_some_and(|place| Some(place) < here);
    job.units[0].patches.patches.iter().filter(|planned| earlier(planned)).cloned().collect()
}

/// Where the finished patch goes.
struct Place {
    file: PathBuf,
    /// The recipe's folder, where it is one on disk.
    recipe: Option<PathBuf>,
}

fn place(arguments: &EditArguments, settings: &Settings, file: &str) -> Result<Place, CliError> {
    let book = RecipeBook::load(&settings.recipes)?;
    Ok(match book.origin(arguments.recipe.as_str())? {
        Origin::Folder(folder) => {
            let folder = folder.as_path().to_owned();
            Place { file: folder.join(file), recipe: Some(folder) }
        }
        Origin::Embedded => {
            let file = settings.current_folder.join(format!("{}.patch", arguments.name));
            Place { file: file.as_path().to_owned(), recipe: None }
        }
    })
}

fn note(
    arguments: &EditArguments,
    job: &Job,
    file: PathBuf,
    header: String,
    series: Option<PathBuf>,
) -> desk::Note {
    desk::Note {
        schema: 1,
        recipe: job.recipe.name.clone(),
        version: job.version.version.clone(),
        name: arguments.name.clone(),
        file,
        header,
        series,
    }
}

fn new_header(arguments: &EditArguments) -> String {
    format!(
        "Subject: [PATCH] {}\n\nSay what is wrong, why it is put right so, and what nobody knows.\n---\n",
        arguments.name
    )
}

fn set_up(
    arguments: &EditArguments,
    settings: &Settings,
    store: &Store,
    job: &mut Job,
    earlier: &[PlannedPatch],
    own: Option<PlannedPatch>,
    note: &desk::Note,
) -> Result<ExitCode, CliError> {
    let source = job.source.clone();
    let (lock, local) = (job.lock.clone(), job.local.take());
    let materials = job.materials();
    let source = match local {
        Some(local) => SourceFolder { root: local.folder.as_path().to_owned(), tree: local.tree.tree },
        None => {
            let workshop = wire::looking_workshop(settings, store, Machine::look(), lock);
            interrupt::run(&workshop.cancel, execute::source_folder(&source, &materials, &workshop))?
        }
    };
    let scratch =
        tempfile::tempdir().map_err(|error| CliError::Read { path: std::env::temp_dir(), source: error })?;
    let apply = |patches: &[PlannedPatch], into: &str| {
        applied(&materials, &source, patches, &scratch.path().join(into)).map_err(CliError::from)
    };
    let before = apply(earlier, "before")?;
    let changed = match own {
        None => None,
        Some(own) => match unfit(&materials, &source, earlier, &own)? {
            Some(trial) => {
                render::complain(&format!(
                    "{} does not fit this source ({trial}): the folder begins without it\n",
                    own.name
                ));
                None
            }
            None => Some(apply(&[earlier, &[own]].concat(), "changed")?),
        },
    };
    let folder = match &arguments.into {
        Some(folder) => settings.current_folder.join(folder),
        None => settings.current_folder.join(format!("{}-{}-{}", note.recipe, note.version, note.name)),
    };
    desk::set_up(folder.as_path(), &source.root, &source.tree, &before, changed.as_ref(), note)?;
    render::complain(&format!(
        "edit in {folder}; `git diff` there shows the patch, `rdna-build patch refresh` writes {}\n",
        note.file.display()
    ));
    render::print(&format!("{folder}\n"))?;
    Ok(ExitCode::Fine)
}

fn applied(
    materials: &Materials<'_>,
    source: &SourceFolder,
    patches: &[PlannedPatch],
    into: &Path,
) -> Result<Patched, ExecuteError> {
    let inputs: Vec<PatchInput<'_>> = patches.iter().map(|planned| input(materials, planned)).collect();
    Ok(apply_series(&inputs, &FolderBase(&source.root), into)?)
}

fn input<'a>(materials: &'a Materials<'_>, planned: &'a PlannedPatch) -> PatchInput<'a> {
    // A person who edits wants to see where hunks land now, not to be sent away.
    PatchInput { name: &planned.file, bytes: materials.patch(planned), fit: Fit::Fuzz2 }
}

/// Why a patch cannot be applied behind the earlier ones, in a word.
fn unfit(
    materials: &Materials<'_>,
    source: &SourceFolder,
    earlier: &[PlannedPatch],
    own: &PlannedPatch,
) -> Result<Option<String>, CliError> {
    let base = FolderBase(&source.root);
    let mut tree = Layered::new(&base);
    for planned in earlier {
        tree.apply(&input(materials, planned)).map_err(ExecuteError::from)?;
    }
    let trial = tree.try_next(&input(materials, own)).map_err(ExecuteError::from)?;
    Ok(match trial {
        Trial::Applies { .. } => None,
        Trial::Conflict(conflict) => Some(conflict.to_string()),
        Trial::AlreadyUpstream => Some("the source has it already".to_owned()),
        Trial::PartlyUpstream { file } | Trial::Missing { file } => Some(file),
        Trial::Looser(looser) => Some(looser.to_string()),
        Trial::Occupied { reason, .. } | Trial::Invalid { reason } => Some(reason),
    })
}
