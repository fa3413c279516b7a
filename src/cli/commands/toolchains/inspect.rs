//! `rdna-build toolchains inspect`: what a toolchain really holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::args::InspectArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, inventory};
use crate::cli::settings::{Environment, Settings};
use crate::cli::wire;
use crate::execute::{self, ExecuteError, Inspected};
use crate::facts::Machine;
use crate::inspect;
use crate::lockfile::LockFile;
use crate::store::Store;
use crate::toolchain::Catalog;
use crate::toolchain::rules::{Scene, conflicts};

pub fn run(
    arguments: &InspectArguments,
    catalog: &Catalog,
    settings: &Settings,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    let (what, found) = match &arguments.what {
        None => folder(arguments.root.as_deref(), environment)?,
        Some(name) => named(name, catalog, settings)?,
    };
    let conflicts = conflicts(&Scene::of(&found.inventory));
    if settings.json() {
        render::print_json(&inventory::document(&found.inventory, &conflicts))?;
        return Ok(ExitCode::Fine);
    }
    let page = Page::stdout(settings);
    render::print(&inventory::text(&what, &found.inventory, &conflicts, page))?;
    let from = if found.remembered { "remembered" } else { "looked into" };
    render::complain(&format!(
        "{what}: {from} in {:.2} s, nothing in it was run\n",
        started.elapsed().as_secs_f64()
    ));
    Ok(ExitCode::Fine)
}

/// This machine, or the system in a folder.
fn folder(root: Option<&Path>, environment: &Environment) -> Result<(String, Inspected), CliError> {
    let (root, variables) = match root {
        // What the programs of this machine see does not hold for those of another system.
        Some(root) if root != Path::new("/") => (environment.absolute(root), BTreeMap::new()),
        Some(_) | None => (PathBuf::from("/"), steering(environment)),
    };
    let inventory = inspect::folder(&root, &variables).map_err(ExecuteError::from)?;
    let what = match root == Path::new("/") {
        true => "this machine".to_owned(),
        false => root.display().to_string(),
    };
    let found = Inspected { id: what.clone(), size: None, inventory, remembered: false };
    Ok((what, found))
}

/// Only the variables that matter are ever taken: others hold secrets.
fn steering(environment: &Environment) -> BTreeMap<String, String> {
    let variable = |name: &&str| environment.text(name).map(|value| ((*name).to_owned(), value));
    inspect::VARIABLES.iter().filter_map(variable).collect()
}

fn named(name: &str, catalog: &Catalog, settings: &Settings) -> Result<(String, Inspected), CliError> {
    let store = Store::open(settings.store.as_path())?;
    let lock = LockFile::read(settings.lock_file.as_path())?;
    let (what, reference) = match catalog.ids().any(|id| id.as_str() == name) {
        true => (name.to_owned(), made(name, catalog, &store, &lock)?),
        false => (name.to_owned(), name.to_owned()),
    };
    let workshop = wire::looking_workshop(settings, &store, Machine::look(), lock);
    let found = interrupt::run(&workshop.cancel, execute::inspect(&reference, &workshop))?;
    match found {
        Some(found) => Ok((what, found)),
        None => Err(CliError::Usage {
            message: format!(
                "`{name}` is no toolchain, and the engine has neither an image nor a container of this name"
            ),
            help: Some("`rdna-build toolchains` lists toolchains, `docker images` images".to_owned()),
        }),
    }
}

/// The engine's id of a toolchain's image.
fn made(id: &str, catalog: &Catalog, store: &Store, lock: &LockFile) -> Result<String, CliError> {
    let toolchains = wire::with_lock(vec![catalog.get(id)?], lock);
    let toolchain = &toolchains[0];
    execute::stored_image(store, toolchain.definition())?.ok_or_else(|| CliError::Usage {
        message: format!("the image of the toolchain {id} was not made yet"),
        help: Some(format!("`rdna-build selftest --target gfx1010 --toolchain {id}` makes it")),
    })
}
