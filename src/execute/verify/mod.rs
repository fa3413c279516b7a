//! Verifies a library: what it is, read from its file; what it needs, asked of a container that holds it.

mod calls;
mod computing;
mod error;
mod kernels;
mod library;
mod patches;
mod runtime;
mod subject;

use std::path::PathBuf;
use std::time::Instant;

pub use computing::{Computing, Emulator};
pub use error::VerifyError;

use super::workshop::blocking;
use super::{ExecuteError, LocalSource, Workshop, cleanup, guarded};
use crate::model::{
    Digest, GfxTarget, GuestPath, Manifest, Recipe, Runtime, Tier, Toolchain, Verification, Verified,
};
use crate::plan::TOOL;
use crate::verify::{
    CallsState, Check, ComputingState, KernelsState, Packaged, Provenance, RuntimeSeen, RuntimeState,
    Subject, wanted_texts,
};

use library::Origin;
use subject::Opened;

/// What is to be verified, how far, and where.
#[derive(Debug)]
pub struct VerifyTask<'a> {
    pub subject: VerifySubject,
    /// Of a package, its own.
    pub target: Option<GfxTarget>,
    /// Finds the recipe that a library belongs to.
    pub recipes: &'a dyn Recipes,
    pub runtime: RuntimeChoice<'a>,
    /// The folder that the package was made from, where a person names it.
    pub source: Option<LocalSource>,
    pub computing: Computing,
    pub tiers: Vec<Tier>,
    pub checks: Vec<&'static Check>,
}

/// Gives recipes by their name.
pub trait Recipes: std::fmt::Debug + Sync {
    fn recipe(&self, name: &str) -> Option<&Recipe>;
    fn toolchain(&self, id: &str) -> Option<&Toolchain>;
}

/// Where a library is.
#[derive(Clone, Debug)]
pub enum VerifySubject {
    /// In an archive of ours.
    Package(PathBuf),
    /// In a package that was unpacked; the folder is its prefix.
    Installed(PathBuf),
    /// A file of this machine.
    Library(PathBuf),
    /// A file of the runtime image; the MIOpen of that image where none is named.
    InImage(Option<GuestPath>),
}

/// Where a library is to run.
#[derive(Clone, Debug)]
pub enum RuntimeChoice<'a> {
    /// The toolchain that a package was made with.
    Own,
    Toolchain(&'a Toolchain),
    /// As a person named it.
    Image(String),
    /// Nowhere: what is said about it.
    None {
        missing: String,
    },
}

/// Verifies a library. What a check comes to is data.
///
/// # Errors
/// What makes going on pointless: no library, no engine, an interrupt. Nothing of the run is left in the engine.
pub async fn verify(task: &VerifyTask<'_>, workshop: &Workshop) -> Result<Verification, ExecuteError> {
    let started = Instant::now();
    let result = guarded(workshop, work(task, workshop, started)).await;
    cleanup::run(workshop, result.is_err()).await;
    result
}

async fn work(
    task: &VerifyTask<'_>,
    workshop: &Workshop,
    started: Instant,
) -> Result<Verification, ExecuteError> {
    let opened = subject::open(&task.subject, task.recipes, workshop).await?;
    let recipe = opened.recipe(task.recipes);
    let target = target(task, &opened)?;
    let is_asked = |of: fn(&Check) -> bool| task.checks.iter().any(|check| of(check));
    let facts = recipe.and_then(|recipe| recipe.library.as_ref());
    let mut patches = patches::seen(recipe, opened.manifest.as_ref())?;
    let wanted = wanted_texts(facts, &patches);
    let asked = patches::calls(&patches);

    let enter = async {
        let is_needed =
            opened.file.is_none() || is_asked(|check| check.tier != Tier::Kernels || is_call(check));
        let room = if is_needed { runtime::enter(task, &opened, workshop).await? } else { None };
        let loader = runtime::ask(room.as_ref()).await?;
        Ok::<_, ExecuteError>((room, loader))
    };
    let shown = opened.shown.clone();
    // A library of this machine is read while the container gets it.
    let (read, (room, loader)) = match &opened.file {
        Some(file) => {
            let read = library::read(Origin::File(file.clone()), shown, wanted, asked, workshop);
            let (read, entered) = tokio::join!(read, enter);
            (read?, entered?)
        }
        None => {
            let entered = enter.await?;
            let origin = Origin::of_image(&opened, entered.0.as_ref())?;
            (library::read(origin, shown, wanted, asked, workshop).await?, entered)
        }
    };
    let not_asked = || "it was not asked for".to_owned();
    let kernels = match is_asked(|check| check.id.starts_with("kernels-")) {
        true => kernels::compile(task, &opened, recipe, target, read.bytes.clone(), workshop).await?,
        false => KernelsState::None { missing: not_asked() },
    };
    let calls = match is_asked(is_call) {
        true => calls::run(task, &opened, recipe, target, read.sha256, room.as_ref(), workshop).await?,
        false => CallsState::None { missing: not_asked() },
    };
    let mut devices = Vec::new();
    let mut emulated = ComputingState::None { missing: not_asked() };
    if is_asked(|check| check.tier == Tier::Emulated) {
        let (state, device) =
            computing::on_emulator(task, &opened, recipe, target, room.as_ref(), workshop).await?;
        emulated = state;
        devices.extend(device);
    }
    let mut gpu = ComputingState::None { missing: not_asked() };
    if is_asked(|check| check.tier == Tier::Gpu) {
        let (state, device) =
            computing::on_card(task, &opened, recipe, target, read.sha256, room.as_ref(), workshop).await?;
        gpu = state;
        devices.extend(device);
    }
    for (patch, calls) in patches.iter_mut().zip(read.calls) {
        patch.calls = calls;
    }
    let runtime = match &room {
        Some(room) => RuntimeSeen::Image(Box::new(RuntimeState {
            name: room.name.clone(),
            inventory: room.inventory.clone(),
            loader,
        })),
        None => RuntimeSeen::None { missing: missing(task) },
    };
    let subject = Subject {
        target,
        library: &read.library,
        facts,
        provenance: match (&opened.manifest, &opened.tree) {
            (Some(manifest), Some(tree)) => Provenance::Package(Packaged {
                manifest,
                files: &tree.files,
                headers: tree.headers(facts, manifest),
            }),
            _ => Provenance::Foreign,
        },
        patches,
        runtime: &runtime,
        kernels,
        calls,
        emulated,
        gpu,
    };
    let checks = task.checks.iter().map(|check| check.report(&subject)).collect();
    let runtime = room.as_ref().map(|room| Runtime { name: room.name.clone(), image: room.image.clone() });
    if let Some(room) = room {
        room.leave().await?;
    }
    Ok(Verification {
        schema: 1,
        tool: TOOL.to_owned(),
        subject: Verified { name: opened.name, sha256: read.sha256, size: read.size },
        target: target.to_string(),
        tiers: task.tiers.clone(),
        devices,
        kernel: kernel(),
        runtime,
        checks,
        kernels: subject.kernels.counts(),
        cases: [(&subject.emulated, Tier::Emulated), (&subject.gpu, Tier::Gpu)]
            .into_iter()
            .flat_map(|(state, tier)| state.reports(tier))
            .collect(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Whether a check is of programs that run in the container.
fn is_call(check: &Check) -> bool {
    check.id == "api-calls"
}

fn missing(task: &VerifyTask<'_>) -> String {
    match &task.runtime {
        RuntimeChoice::None { missing } => missing.clone(),
        RuntimeChoice::Own | RuntimeChoice::Toolchain(_) | RuntimeChoice::Image(_) => {
            "the toolchain it was made with is not known here: name one with --toolchain, or an image with --image"
                .to_owned()
        }
    }
}

/// A package says itself what it is for.
fn target(task: &VerifyTask<'_>, opened: &Opened) -> Result<GfxTarget, ExecuteError> {
    let own = opened.manifest.as_ref().map(|manifest: &Manifest| manifest.target.parse::<GfxTarget>());
    match (task.target, own) {
        (Some(target), _) => Ok(target),
        (None, Some(Ok(target))) => Ok(target),
        (None, Some(Err(error))) => {
            Err(VerifyError::NotInstalled { prefix: opened.name.clone(), reason: error.to_string() }.into())
        }
        (None, None) => Ok("gfx1010".parse().expect("a target known here")),
    }
}

fn kernel() -> Option<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(release.trim().to_owned())
}

/// The digest of a file's bytes.
async fn digest_of(bytes: std::sync::Arc<Vec<u8>>) -> Result<Digest, ExecuteError> {
    blocking(move || Digest::of(bytes.as_slice())).await
}

/// For each patch the function, and which argument of it, whose calls say something of the patch.
type Calls = Vec<Option<(String, u8)>>;
