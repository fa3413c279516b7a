//! `rdna-build doctor`: why this machine can or cannot compute on its GPU, and whether it can build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::Diagnostic as _;

use crate::cli::args::DoctorArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::render::{self, Page};
use crate::cli::settings::{Environment, Settings};
use crate::cli::wire;
use crate::doctor::{self, EngineAnswer, Needs, Patient, Place, Severity};
use crate::engine::docker::{self, EngineChoice};
use crate::engine::{Engine as _, EngineError, EngineInfo};
use crate::execute::ExecuteError;
use crate::facts::Host;
use crate::facts::variables::{self, Variable};
use crate::inspect::{self, InspectError};
use crate::model::{HostPath, SourceSpec};
use crate::recipe::RecipeBook;
use crate::source::debian::find_mirror;
use crate::source::reach;

/// An engine that works answers in some milliseconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// The recipe whose needs are held against the machine.
const RECIPE: &str = "miopen";

/// Where engines of the machine keep images and build folders unless told otherwise.
const ENGINE_FOLDERS: [&str; 2] = ["/var/lib/docker", "/var/lib/containers"];

pub fn run(
    arguments: &DoctorArguments,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let root = arguments.root.as_deref().map(|root| environment.absolute(root));
    let root = root.filter(|root| root != Path::new("/"));
    let needs = needs(settings)?;
    let place = root.clone().unwrap_or_else(|| PathBuf::from("/"));
    // What the programs of this machine see does not hold for those of another system.
    let steering = match root {
        None => inspect::VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), environment.text(name)?)))
            .collect(),
        Some(_) => BTreeMap::new(),
    };
    let choice = wire::engine_choice(settings);
    // Each waits for other things: the engine, the disk, the kernel.
    let (host, inventory, engine) = std::thread::scope(|threads| {
        let engine = threads.spawn(|| match root {
            None => ask(&choice),
            Some(_) => Ok(EngineAnswer::NotAsked),
        });
        let inventory = threads.spawn(|| inspect::likely_places(&place, &steering));
        let host = match &root {
            None => Host::machine(of_environment(environment), &disks(settings)),
            Some(folder) => Host::tree(folder),
        };
        (host, inventory.join().expect("looking never panics"), engine.join().expect("asking never panics"))
    });
    let host = host.map_err(|error| ExecuteError::from(InspectError::Root { path: place, error }))?;
    let (inventory, engine) = (inventory.map_err(ExecuteError::from)?, engine?);
    let places = if arguments.network { places(settings)? } else { vec![] };
    let patient =
        Patient { host: &host, inventory: &inventory, engine: &engine, needs: &needs, places: &places };
    let diagnosis = doctor::diagnose(&patient);
    if settings.json() {
        render::print_json(&render::doctor::document(&patient, &diagnosis))?;
    } else {
        render::print(&render::doctor::text(&patient, &diagnosis, Page::stdout(settings)))?;
    }
    Ok(match diagnosis.findings.iter().any(|found| found.severity == Severity::Error) {
        true => ExitCode::NotReady,
        false => ExitCode::Fine,
    })
}

/// This machine, as far as computing on its GPU goes.
pub(super) fn host(settings: &Settings, environment: &Environment) -> Result<Host, CliError> {
    let host = Host::machine(of_environment(environment), &disks(settings));
    let root = || PathBuf::from("/");
    Ok(host.map_err(|error| ExecuteError::from(InspectError::Root { path: root(), error }))?)
}

fn needs(settings: &Settings) -> Result<Needs, CliError> {
    let recipe = RecipeBook::load(&settings.recipes)?.get(RECIPE)?;
    Ok(Needs {
        recipe: format!("{} {}", recipe.name, recipe.default_version),
        memory_per_job: recipe.build.memory_per_job,
        disk: recipe.build.disk,
    })
}

/// Where a build of the recipe fetches from, asked whether it answers.
fn places(settings: &Settings) -> Result<Vec<Place>, CliError> {
    let recipe = RecipeBook::load(&settings.recipes)?.get(RECIPE)?;
    let mut addresses: Vec<String> =
        match recipe.version(&recipe.default_version).map(|version| &version.source) {
            Some(SourceSpec::Git { url, .. }) => vec![url.clone()],
            Some(SourceSpec::Tarball { urls, .. }) => urls.clone(),
            Some(SourceSpec::Bundled { .. } | SourceSpec::Folder { .. }) | None => vec![],
        };
    let mirror = find_mirror(settings.debian_mirror.as_deref(), &HostPath::new("/etc/apt"));
    addresses.extend(mirror.ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::Threads { source })?;
    let reached = runtime.block_on(reach(&addresses)).map_err(ExecuteError::from)?;
    runtime.shutdown_background();
    Ok(reached.into_iter().map(|one| Place { address: one.address, trouble: one.trouble }).collect())
}

/// Only the variables that matter are ever taken: others hold secrets.
fn of_environment(environment: &Environment) -> Vec<Variable> {
    let variable = |name: &str| {
        let value = environment.text(name)?;
        Some(Variable { name: name.to_owned(), value, place: "environment".to_owned() })
    };
    environment.names().filter(|name| variables::matters(name)).filter_map(variable).collect()
}

fn disks(settings: &Settings) -> Vec<(&'static str, &Path)> {
    let folders = ENGINE_FOLDERS.iter().map(Path::new).filter(|folder| folder.exists());
    std::iter::once(("store", settings.store.as_path()))
        .chain(folders.map(|folder| ("engine", folder)))
        .collect()
}

/// Asks the engine who it is. Only an address that is none stops us.
fn ask(choice: &EngineChoice) -> Result<EngineAnswer, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| CliError::Threads { source })?;
    let asked = async { docker::connect(choice).await?.info().await };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
    Ok(match answer {
        Ok(Ok(info)) => answered(&info),
        Ok(Err(error @ EngineError::Address { .. })) => return Err(error.into()),
        Ok(Err(error)) => {
            let (reason, help) =
                (error.to_string(), error.help().map(|help| help.to_string()).unwrap_or_default());
            match error {
                EngineError::Denied { .. } => EngineAnswer::Denied { reason, help },
                _ => EngineAnswer::Unreachable { reason, help },
            }
        }
        Err(_) => EngineAnswer::Unreachable {
            reason: format!("no answer within {:.1} s", PATIENCE.as_secs_f64()),
            help: "see whether it hangs: `docker info`, `systemctl status docker`".to_owned(),
        },
    })
}

fn answered(info: &EngineInfo) -> EngineAnswer {
    let rootless = if info.rootless { ", rootless" } else { "" };
    EngineAnswer::Answers {
        name: format!("{:?} {}{rootless}", info.kind, info.version),
        cores: info.cpus,
        memory: info.memory,
    }
}
