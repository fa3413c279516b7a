//! Reads what an image holds and holds it against what its toolchain promises.

use std::collections::BTreeSet;

use super::super::inspect::never_started;
use super::super::{ExecuteError, Workshop};
use super::Image;
use crate::build::identity as image_identity;
use crate::engine::{ContainerId, Engine, ImageInfo};
use crate::model::Toolchain;
use crate::toolchain::{check_claims, identity, parse_dpkg_status};

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
    let image = read(engine, &container, toolchain, info, reference, base).await;
    engine.remove_container(&container).await?;
    image
}

async fn read(
    engine: &dyn Engine,
    container: &ContainerId,
    toolchain: &Toolchain,
    info: &ImageInfo,
    reference: &str,
    base: Option<String>,
) -> Result<Image, ExecuteError> {
    let Some(status) = image_identity::package_status(engine, container).await? else {
        return Err(ExecuteError::NoPackages { toolchain: toolchain.id.to_string() });
    };
    let packages = parse_dpkg_status(status.as_bytes())?;
    let files = toolchain.provides.values().filter_map(|claim| claim.file.as_ref());
    let mut present = BTreeSet::new();
    for path in files.chain([&toolchain.compilers.c, &toolchain.compilers.cxx]) {
        if image_identity::exists(engine, container, path).await? {
            present.insert(path.clone());
        }
    }
    let provides = check_claims(toolchain, &packages, &|path| present.contains(path))?;
    Ok(Image {
        id: info.id.clone(),
        reference: reference.to_owned(),
        definition: toolchain.definition(),
        identity: identity(&packages),
        base,
        provides: provides.0.iter().map(|(name, version)| (name.clone(), version.to_string())).collect(),
        packages,
    })
}
