//! `rdna-build verify`: what is proven of a library, on what, and what is not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::logs::known;
use super::{doctor, sign};
use crate::attest::{self, SigningKey};
use crate::cli::args::{ReportForm, VerifyArguments};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, REPORT_NAME, step_summary, verification};
use crate::cli::settings::{Environment, Settings, Verbosity};
use crate::cli::wire::{self, Trace};
use crate::execute::{self, Computing, Emulator, Recipes, RuntimeChoice, VerifySubject, VerifyTask};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{
    GuestPath, HostPath, Manifest, Outcome, PackageFile, Recipe, Report, RunId, Tier, Toolchain,
    Verification, nearest,
};
use crate::recipe::RecipeBook;
use crate::store::Store;
use crate::toolchain::Catalog;
use crate::verify::{CHECKS, Check};

pub fn run(
    arguments: &VerifyArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let checks = checks(arguments)?;
    let store = Store::open(settings.store.as_path())?;
    let lock = LockFile::read(settings.lock_file.as_path())?;
    let shelf = Shelf::load(settings, &lock)?;
    let subject = subject(arguments, &store, environment)?;
    let source = arguments.source.as_deref().map(|folder| {
        wire::read_folder(&HostPath::new(environment.absolute(folder)), &store, Trace::StatCache)
    });
    // A key that cannot be used is told of before hours of computing.
    let key = match &subject {
        VerifySubject::Package(_) => sign::key(settings)?,
        VerifySubject::Installed(_) | VerifySubject::Library(_) | VerifySubject::InImage(_) => None,
    };
    let computing = computing(arguments, settings, environment)?;
    let task = VerifyTask {
        computing,
        source: source.transpose()?.map(|(local, _)| local),
        runtime: runtime(arguments, &shelf, &subject)?,
        target: arguments.target,
        recipes: &shelf,
        tiers: arguments.tiers(),
        checks,
        subject,
    };
    let workshop = wire::looking_workshop(settings, &store, Machine::look(), lock);
    let verified =
        interrupt::run_within(arguments.timeout, &workshop.cancel, execute::verify(&task, &workshop))?;
    let form = match (arguments.report, settings.json()) {
        (Some(form), _) => form,
        (None, true) => ReportForm::Json,
        (None, false) => ReportForm::Human,
    };
    match form {
        ReportForm::Human => render::print(&verification::text(&verified, Page::stdout(settings)))?,
        ReportForm::Json => render::print_json(&verified)?,
        ReportForm::Junit => render::print(&verification::junit(&verified))?,
    }
    step_summary::append(settings.step_summary.as_ref(), &step_summary::of_verification(&verified));
    if let VerifySubject::Package(archive) = &task.subject {
        record(archive, &verified, key.as_ref(), settings)?;
    }
    Ok(code(&verified))
}

/// What is to be computed on. The machine is looked at only where a card is asked for.
fn computing(
    arguments: &VerifyArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<Computing, CliError> {
    let host = match arguments.tiers().contains(&Tier::Gpu) {
        true => Some(doctor::host(settings, environment)?),
        false => None,
    };
    let emulator = arguments.emulator.as_deref().map(|prefix| Emulator {
        prefix: environment.absolute(prefix),
        configuration: arguments.emulator_config.as_deref().map(|file| environment.absolute(file)),
    });
    Ok(Computing {
        host,
        device: arguments.device.clone(),
        allow_override: arguments.allow_override,
        emulator,
        venv: arguments.venv.as_deref().map(|venv| environment.absolute(venv)),
        cases: arguments.cases.clone(),
    })
}

fn code(verified: &Verification) -> ExitCode {
    match (verified.failed(), verified.passed()) {
        (0, 0) => ExitCode::NothingVerified,
        (0, _) => ExitCode::Fine,
        _ => ExitCode::VerificationFailed,
    }
}

/// The checks of the tiers and of the filter.
fn checks(arguments: &VerifyArguments) -> Result<Vec<&'static Check>, CliError> {
    let tiers = arguments.tiers();
    let of_tiers = CHECKS.iter().copied().filter(|check| tiers.contains(&check.tier));
    if arguments.filter.is_empty() {
        return Ok(of_tiers.collect());
    }
    let of_tiers: Vec<&Check> = of_tiers.collect();
    for wanted in &arguments.filter {
        if !of_tiers.iter().any(|check| check.id.starts_with(wanted.as_str())) {
            let near = nearest(wanted, of_tiers.iter().map(|check| check.id));
            return Err(CliError::Usage {
                message: format!("no check of these tiers begins with `{wanted}`"),
                help: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`rdna-build explain` lists them".to_owned(),
                }),
            });
        }
    }
    let is_wanted =
        |check: &&'static Check| arguments.filter.iter().any(|id| check.id.starts_with(id.as_str()));
    Ok(of_tiers.into_iter().filter(is_wanted).collect())
}

fn subject(
    arguments: &VerifyArguments,
    store: &Store,
    environment: &Environment,
) -> Result<VerifySubject, CliError> {
    let absolute = |path: &Path| environment.absolute(path);
    Ok(match arguments {
        VerifyArguments { package: Some(package), .. } => {
            VerifySubject::Package(existing(absolute(package), "package")?)
        }
        VerifyArguments { installed: Some(folder), .. } => {
            VerifySubject::Installed(existing(absolute(folder), "folder")?)
        }
        VerifyArguments { library: Some(path), image: Some(_), .. } => {
            let path = path.to_string_lossy();
            if !path.starts_with('/') {
                return Err(CliError::Usage {
                    message: format!("--library {path}: a path in an image begins with `/`"),
                    help: Some("without --image it is a file of this machine".to_owned()),
                });
            }
            VerifySubject::InImage(Some(GuestPath::new(path)))
        }
        VerifyArguments { library: Some(path), .. } => {
            VerifySubject::Library(existing(absolute(path), "library")?)
        }
        VerifyArguments { image: Some(_), .. } => VerifySubject::InImage(None),
        VerifyArguments { build: Some(run), .. } => VerifySubject::Package(of_run(run, store)?),
        _ => VerifySubject::Package(last(store)?),
    })
}

pub(super) fn existing(path: PathBuf, what: &str) -> Result<PathBuf, CliError> {
    match path.exists() {
        true => Ok(path),
        false => Err(CliError::Usage {
            message: format!("there is no {what} {}", path.display()),
            help: (what == "package")
                .then(|| "a build says where it put its package: `rdna-build logs`".to_owned()),
        }),
    }
}

/// The package that a run made.
fn of_run(run: &RunId, store: &Store) -> Result<PathBuf, CliError> {
    known(run, &store.runs()?)?;
    package_of(run, store).ok_or_else(|| CliError::Usage {
        message: format!("the run {run} made no package that is still there"),
        help: Some("name the package itself: rdna-build verify PACKAGE".to_owned()),
    })
}

/// The package that was built last.
fn last(store: &Store) -> Result<PathBuf, CliError> {
    built_last(store)?.ok_or_else(|| CliError::Usage {
        message: "nothing was built here that could be verified".to_owned(),
        help: Some(
            "name a package, or what else to look at: --installed DIR, --library FILE, --image IMAGE"
                .to_owned(),
        ),
    })
}

/// The package that was built last, if any still is there.
pub(super) fn built_last(store: &Store) -> Result<Option<PathBuf>, CliError> {
    Ok(store.runs()?.iter().find_map(|run| package_of(run, store)))
}

fn package_of(run: &RunId, store: &Store) -> Option<PathBuf> {
    let text = fs::read(store.run_path(run).join(REPORT_NAME)).ok()?;
    let report: Report = serde_json::from_slice(&text).ok()?;
    // The first of a format holds the library; of several formats, the one that can be installed here, too.
    let is_usual = |package: &PackageFile| package.path.ends_with(crate::package::DEFAULT_FORMAT);
    let mut packages = report.units.iter().rev().filter_map(|unit| match &unit.outcome {
        Outcome::Passed { packages } => packages.iter().find(|one| is_usual(one)).or(packages.first()),
        Outcome::Failed { .. } | Outcome::Skipped { .. } => None,
    });
    packages.find(|package| Path::new(&package.path).exists()).map(|package| PathBuf::from(&package.path))
}

fn runtime<'a>(
    arguments: &VerifyArguments,
    shelf: &'a Shelf,
    subject: &VerifySubject,
) -> Result<RuntimeChoice<'a>, CliError> {
    if let Some(id) = &arguments.toolchain {
        return match shelf.toolchain(id.as_str()) {
            Some(toolchain) => Ok(RuntimeChoice::Toolchain(toolchain)),
            None => {
                Err(CliError::unknown_toolchain(id.as_str(), shelf.toolchains.keys().map(String::as_str)))
            }
        };
    }
    Ok(match (&arguments.image, subject) {
        (Some(image), _) => RuntimeChoice::Image(image.clone()),
        (None, VerifySubject::Package(_) | VerifySubject::Installed(_)) => RuntimeChoice::Own,
        (None, VerifySubject::Library(_) | VerifySubject::InImage(_)) => RuntimeChoice::None {
            missing: "no image to run it in was named: --toolchain ID or --image IMAGE".to_owned(),
        },
    })
}

/// Writes what was verified into the manifest beside the package, where there is one of this package.
fn record(
    archive: &Path,
    verified: &Verification,
    key: Option<&SigningKey>,
    settings: &Settings,
) -> Result<(), CliError> {
    let Some(beside) = crate::package::manifest_beside(archive) else { return Ok(()) };
    let Ok(text) = fs::read(&beside) else { return Ok(()) };
    let Ok(mut manifest) = serde_json::from_slice::<Manifest>(&text) else { return Ok(()) };
    manifest.verification = Some(verified.clone());
    let was_signed = attest::withdraw(archive)?;
    crate::package::replace(&beside, &manifest.text()).map_err(execute::ExecuteError::from)?;
    // Provenance names the report, and so does a signature.
    attest::attest(archive, attest::digest_of(archive)?, key)?;
    if was_signed && key.is_none() && settings.verbosity > Verbosity::Quiet {
        let package = archive.display();
        let warning = format!(
            "the signature was of the package without this report, and is removed: rdna-build sign {package}"
        );
        render::diagnostic::warn(&warning, render::Palette::stderr(settings).is_colored());
    }
    Ok(())
}

/// Every recipe and toolchain that is known, read.
#[derive(Debug)]
struct Shelf {
    recipes: BTreeMap<String, Recipe>,
    toolchains: BTreeMap<String, Toolchain>,
}

impl Shelf {
    fn load(settings: &Settings, lock: &LockFile) -> Result<Self, CliError> {
        let book = RecipeBook::load(&settings.recipes)?;
        let recipes = book.names().map(|name| Ok((name.to_string(), book.get(name.as_str())?)));
        let toolchains = wire::with_lock(Catalog::load(&settings.toolchains)?.all()?, lock);
        Ok(Self {
            recipes: recipes.collect::<Result<_, CliError>>()?,
            toolchains: toolchains.into_iter().map(|one| (one.id.to_string(), one)).collect(),
        })
    }
}

impl Recipes for Shelf {
    fn recipe(&self, name: &str) -> Option<&Recipe> {
        self.recipes.get(name)
    }

    fn toolchain(&self, id: &str) -> Option<&Toolchain> {
        self.toolchains.get(id)
    }
}
