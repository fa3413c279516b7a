//! Locks a toolchain: what its base means now goes into the lock file.

use std::sync::Arc;

use super::super::{ExecuteError, Workshop};
use crate::model::{Base, DebianBase, Event, LockedPackages, Toolchain};
use crate::source::debian::{self, DebianRequest, Keyring, Place, Progress, Resolved};

/// Debian's name of the one architecture there is ROCm for.
const ARCHITECTURE: &str = "amd64";

/// What a toolchain was locked to, and what that changed.
#[derive(Clone, Debug)]
pub struct Locked {
    pub packages: LockedPackages,
    pub before: Option<LockedPackages>,
}

/// Chooses a toolchain's packages as the mirror has them now, and writes them into the lock file.
pub async fn lock(toolchain: &Toolchain, workshop: &Workshop) -> Result<Locked, ExecuteError> {
    let Base::Debian(base) = &toolchain.base else {
        return Err(ExecuteError::NotLockable { toolchain: toolchain.id.to_string() });
    };
    workshop.online(|| format!("the package index of toolchain {}", toolchain.id))?;
    let limits = &workshop.limits;
    let mirror = debian::find_mirror(limits.debian_mirror.as_deref(), &limits.apt_folder)?;
    let downloads = workshop.store.downloads();
    let place = Place { mirror: &mirror, cache: &downloads };
    let silent: Progress = Arc::new(|_, _, _| {});
    let resolved = resolve(workshop, base, place, &silent).await?;
    for message in resolved.warnings {
        workshop.events.emit(Event::Warning { message, help: None });
    }
    let packages = LockedPackages { request: base.request(), set: resolved.set };
    let before = workshop.lock_packages(&toolchain.id, packages.clone())?;
    Ok(Locked { packages, before })
}

pub(super) async fn resolve(
    workshop: &Workshop,
    base: &DebianBase,
    place: Place<'_>,
    progress: &Progress,
) -> Result<Resolved, ExecuteError> {
    let keyring = Keyring::debian(&workshop.limits.keyrings)?;
    let suites = base.suites();
    let request = request(base, &suites, place, &keyring);
    Ok(debian::resolve(&request, workshop.client().await?, progress, &workshop.cancel).await?)
}

pub(super) fn request<'a>(
    base: &'a DebianBase,
    suites: &'a [String],
    place: Place<'a>,
    keyring: &'a Keyring,
) -> DebianRequest<'a> {
    DebianRequest {
        place,
        suites,
        components: &base.components,
        architecture: ARCHITECTURE,
        packages: &base.packages,
        check_valid_until: base.check_valid_until,
        keyring,
    }
}
