//! `rdna-build toolchains lock`: pins toolchains to the packages that the mirror has now.

use std::collections::BTreeMap;

use crate::cli::args::LockArguments;
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, Tone, table::Table};
use crate::cli::settings::Settings;
use crate::cli::wire;
use crate::execute::{self, Locked};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{LockedPackages, ToolchainId};
use crate::store::Store;
use crate::toolchain::Catalog;

pub fn run(arguments: &LockArguments, catalog: &Catalog, settings: &Settings) -> Result<ExitCode, CliError> {
    let lock = LockFile::read(settings.lock_file.as_path())?;
    let mut wanted = arguments.ids.clone();
    if wanted.is_empty() {
        wanted = catalog.ids().filter(|id| lock.packages_for(id).is_some()).cloned().collect();
    }
    if wanted.is_empty() {
        return Err(CliError::Usage {
            message: format!("no toolchain is named, and {} has none", settings.lock_file),
            help: Some("name one: `rdna-build toolchains lock debian-sid`".to_owned()),
        });
    }
    for id in &wanted {
        wire::check_toolchain(catalog, id)?;
    }
    let toolchains = wanted.iter().map(|id| catalog.get(id.as_str())).collect::<Result<Vec<_>, _>>()?;
    let store = Store::open(settings.store.as_path())?;
    let workshop = wire::looking_workshop(settings, &store, Machine::look(), lock);
    let locked = interrupt::run(&workshop.cancel, async {
        let mut locked = Vec::new();
        for toolchain in &toolchains {
            locked.push((toolchain.id.clone(), execute::lock(toolchain, &workshop).await?));
        }
        Ok::<_, execute::ExecuteError>(locked)
    })?;
    if settings.json() {
        render::print_json(&locked.iter().map(document).collect::<Vec<_>>())?;
    } else {
        render::print(&text(&locked, settings))?;
    }
    Ok(ExitCode::Fine)
}

/// One line a toolchain, and one for every package that is another than before.
fn text(locked: &[(ToolchainId, Locked)], settings: &Settings) -> String {
    let page = Page::stdout(settings);
    let mut text = String::new();
    for (id, Locked { packages, before }) in locked {
        let size = render::amount::bytes(packages.set.size());
        let count = packages.set.packages.len();
        text += &format!("{id}: {count} packages, {size}, locked in {}\n", settings.lock_file);
        let Some(before) = before else { continue };
        let mut table = Table::default();
        for (name, was, is) in changes(before, packages) {
            let absent = || "-".to_owned();
            table.row([
                (Tone::Plain, name),
                (Tone::Faint, was.unwrap_or_else(absent)),
                (Tone::Plain, is.unwrap_or_else(absent)),
            ]);
        }
        text += &table.render(2, page);
    }
    text
}

/// Packages that differ: name, version before, version now.
fn changes(before: &LockedPackages, now: &LockedPackages) -> Vec<(String, Option<String>, Option<String>)> {
    let mut changes: BTreeMap<&str, (Option<&_>, Option<&_>)> = BTreeMap::new();
    for package in &before.set.packages {
        changes.entry(&package.name).or_default().0 = Some(package);
    }
    for package in &now.set.packages {
        changes.entry(&package.name).or_default().1 = Some(package);
    }
    let version =
        |package: Option<&crate::model::DebianPackage>| package.map(|package| package.version.clone());
    changes
        .into_iter()
        .filter(|(_, (was, is))| was.map(|package| package.sha256) != is.map(|package| package.sha256))
        .map(|(name, (was, is))| (name.to_owned(), version(was), version(is)))
        .collect()
}

fn document((id, locked): &(ToolchainId, Locked)) -> serde_json::Value {
    let packages: Vec<_> = locked
        .packages
        .set
        .packages
        .iter()
        .map(|package| {
            serde_json::json!({
                "name": package.name,
                "version": package.version,
                "suite": package.suite,
                "size": package.size,
                "sha256": package.sha256,
                "file": package.file,
            })
        })
        .collect();
    serde_json::json!({ "id": id, "date": locked.packages.set.date, "packages": packages })
}
