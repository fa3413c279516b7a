//! Reads what an image holds, holds it against what its toolchain promises and against the conflict rules, and binds builds
//! to it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::inspect::{inspect_image, never_started};
use super::super::{ExecuteError, Materials, Workshop};
use super::Image;
use crate::build::identity as image_identity;
use crate::engine::{ContainerId, Engine, ImageInfo};
use crate::model::{Event, GuestPath, Inventory, PlannedUnit, Toolchain, Version};
use crate::toolchain::rules::{Conflict, Requirements, Scene, Severity, conflicts};
use crate::toolchain::{check_claims, identity, pin};

/// Reads what an image holds from a container that is never started, and holds it against what was promised.
pub(super) async fn inspect(
    engine: &dyn Engine,
    workshop: &Workshop,
    toolchain: &Toolchain,
    info: &ImageInfo,
    reference: &str,
    base: Option<String>,
) -> Result<Image, ExecuteError> {
    let container = engine.create_container(&never_started(info, workshop.labels())).await?;
    let present = present(engine, &container, toolchain).await;
    engine.remove_container(&container).await?;
    let present = present?;
    let inventory = inspect_image(info, workshop).await?.inventory;
    if inventory.packages.is_empty() {
        return Err(no_packages(toolchain, &inventory));
    }
    let packages = inventory.packages.clone();
    let provides = check_claims(toolchain, &packages, &inventory, &|path| present.contains(path))?;
    let pins = pin::pins(toolchain, &pin::with_environment(toolchain, inventory.clone()));
    Ok(Image {
        id: info.id.clone(),
        reference: reference.to_owned(),
        definition: toolchain.definition(),
        identity: identity(&packages, &inventory, &pins),
        base,
        provides: provides.0.iter().map(|(name, version)| (name.clone(), version.to_string())).collect(),
        packages,
        pins,
    })
}

/// What the image holds: remembered, or read once more.
pub(in crate::execute) async fn inventory(
    workshop: &Workshop,
    image: &Image,
) -> Result<Inventory, ExecuteError> {
    match workshop.engine().await?.image(&image.id).await? {
        Some(info) => Ok(inspect_image(&info, workshop).await?.inventory),
        None => Ok(Inventory::default()),
    }
}

/// Files that the toolchain names and that are there, some of which no rule knows.
async fn present(
    engine: &dyn Engine,
    container: &ContainerId,
    toolchain: &Toolchain,
) -> Result<BTreeSet<GuestPath>, ExecuteError> {
    let files = toolchain.provides.values().filter_map(|claim| claim.file.as_ref());
    let mut present = BTreeSet::new();
    for path in files.chain([&toolchain.compilers.c, &toolchain.compilers.cxx]) {
        if image_identity::exists(engine, container, path).await? {
            present.insert(path.clone());
        }
    }
    Ok(present)
}

fn no_packages(toolchain: &Toolchain, inventory: &Inventory) -> ExecuteError {
    let toolchain = toolchain.id.to_string();
    match inventory.unread.iter().find(|unread| unread.path.as_str().ends_with("/dpkg/status")) {
        Some(unread) => ExecuteError::DamagedPackages { toolchain, reason: unread.reason.clone() },
        None => ExecuteError::NoPackages { toolchain },
    }
}

/// A build that a conflict will kill is never started; what only may go wrong is said.
pub(super) async fn check_conflicts(
    workshop: &Workshop,
    materials: &Materials<'_>,
    unit: &PlannedUnit,
    image: &Image,
) -> Result<(), ExecuteError> {
    let toolchain = materials.toolchain(&unit.id.toolchain);
    // What another version of the tool saw is not taken for what this one sees: then it looks again.
    let Some(info) = workshop.engine().await?.image(&image.id).await? else { return Ok(()) };
    let inventory = pin::with_environment(toolchain, inspect_image(&info, workshop).await?.inventory);
    let inventory = pin::pinned(&inventory, &image.pins);
    // A claim is only the beginning of a version; what was found is held against the range once more.
    let found = image.provides.iter();
    let provided: BTreeMap<String, Version> =
        found.filter_map(|(name, version)| Some((name.clone(), version.parse().ok()?))).collect();
    let scene = Scene {
        inventory: &inventory,
        compiler: Some(&toolchain.compilers.cxx),
        target: Some(unit.id.target),
        requirements: Some(Requirements {
            by: format!("{} {}", unit.id.recipe, unit.id.version),
            ranges: &materials.recipe.requirements(&unit.id.version),
            provided: &provided,
        }),
    };
    let (refusing, warnings): (Vec<Conflict>, Vec<Conflict>) =
        conflicts(&scene).into_iter().partition(|conflict| conflict.severity == Severity::Refuse);
    for conflict in warnings {
        workshop.events.emit(Event::Warning {
            message: format!("toolchain {}: {}", toolchain.id, conflict.what),
            help: Some(format!("rdna-build explain {}", conflict.rule)),
        });
    }
    match refusing.is_empty() {
        true => Ok(()),
        false => Err(ExecuteError::Conflicts {
            toolchain: toolchain.id.to_string(),
            conflicts: refusing.into_iter().map(ConflictFault).collect(),
        }),
    }
}

/// A conflict as an error tells it.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.0))]
pub struct ConflictFault(pub Conflict);

impl miette::Diagnostic for ConflictFault {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(format!("conflict::{}", self.0.rule)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let remedies: Vec<String> = self.0.remedies.iter().map(|remedy| format!("- {remedy}")).collect();
        Some(Box::new(format!("{}\n`rdna-build explain {}` says why", remedies.join("\n"), self.0.rule)))
    }
}

fn told(conflict: &Conflict) -> String {
    let evidence =
        conflict.evidence.iter().map(|evidence| format!("\n{}: {}", evidence.place, evidence.says));
    format!("{}{}", conflict.what, evidence.collect::<String>())
}
