//! The composition root: settings and arguments become the values that `plan` and `execute` work on.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::args::BuildArguments;
use super::choice::patch_choice;
use super::exit::CliError;
use super::render::{self, RunLog};
use super::settings::Settings;
use crate::engine::docker::{self, EngineChoice};
use crate::engine::{Engine, EngineError};
use crate::execute::{
    self, Connect, Exchange, Limits, LocalSource, Materials, Network, RemoteAccess, SharedStore, Workshop,
};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{
    Digest, Event, EventSink, Events, GfxTarget, HostPath, Key, Plan, Recipe, RecipeName, RecipeVersion,
    RunId, SourceSpec, Stage, Toolchain, ToolchainId, Version, nearest,
};
use crate::plan::patches::{Chosen, PatchChoice};
use crate::plan::{self, DEFAULT_EPOCH, Facts, History, Request, RequestedUnit};
use crate::recipe::RecipeBook;
use crate::remote::credentials::Credentials;
use crate::remote::{Patience, Remote};
use crate::source;
use crate::store::{Holder, Store};
use crate::toolchain::{Availability, Catalog, choose};

/// The numeric user of every build container.
const BUILD_USER: u32 = 1000;

/// What a command line asks for, with every name resolved and the source read.
pub struct Job {
    pub recipe: Recipe,
    pub toolchains: Vec<Toolchain>,
    pub units: Vec<JobUnit>,
    pub choice: PatchChoice,
    pub version: RecipeVersion,
    pub local: Option<LocalSource>,
    pub source: Result<crate::model::PinnedSource, SourceSpec>,
    pub lock: LockFile,
    pub rebuild: bool,
    /// Identities of images by the keys of their toolchains, known from elsewhere than the store.
    pub identities: BTreeMap<Key, Digest>,
}

/// What is built for one target.
pub struct JobUnit {
    pub target: GfxTarget,
    /// Index among the job's toolchains.
    pub toolchain: usize,
    /// Why that one.
    pub reason: String,
    pub patches: Chosen,
}

/// Whether looking may leave caches behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Touches nothing: for `plan`.
    None,
    /// Remembers what `stat` said of a source folder.
    StatCache,
}

/// Toolchains with the packages that the lock file pins them to.
pub fn with_lock(mut toolchains: Vec<Toolchain>, lock: &LockFile) -> Vec<Toolchain> {
    for toolchain in &mut toolchains {
        toolchain.locked = lock.packages_for(&toolchain.id).cloned();
    }
    toolchains
}

impl Job {
    /// Resolves names, chooses toolchains and pins what needs no network.
    pub fn resolve(
        arguments: &BuildArguments,
        settings: &Settings,
        store: &Store,
        trace: Trace,
    ) -> Result<Self, CliError> {
        let book = RecipeBook::load(&settings.recipes)?;
        let recipe = recipe(&book, &arguments.recipe)?;
        let wanted = arguments.version.as_ref().unwrap_or(&recipe.default_version);
        let version = listed_version(&recipe, wanted)?.clone();
        let targets = targets(&recipe, arguments)?;
        let catalog = Catalog::load(&settings.toolchains)?;
        if let Some(id) = &arguments.toolchain {
            check_toolchain(&catalog, id)?;
        }
        let lock = LockFile::read(settings.lock_file.as_path())?;
        let candidates = with_lock(catalog.all()?, &lock);
        let ready = |toolchain: &Toolchain| {
            execute::stored_image(store, toolchain.definition()).ok().flatten().is_some()
        };
        let pick = |offline: bool| {
            let available = |toolchain: &Toolchain| match (ready(toolchain), offline) {
                (true, _) => Availability::Ready,
                (false, false) => Availability::Obtainable,
                (false, true) => Availability::Unavailable {
                    why: "its image is not here, and --offline was given".to_owned(),
                },
            };
            let wanted = arguments.toolchain.as_ref();
            choose(&recipe, &version.version, &version.rocm, &candidates, wanted, &available)
        };
        // Where --offline leaves none, the engine may still hold an image that this store knows nothing of.
        let found = match settings.offline {
            true => pick(true).or_else(|_| pick(false))?,
            false => pick(false)?,
        };
        let (reason, chosen) = (found.reason.clone(), found.toolchain.clone());
        let choice = patch_choice(&arguments.patches, settings, &recipe)?;
        let patches = plan::patches::choose(&recipe, &version.version, &chosen, &choice)?;
        let units = targets
            .into_iter()
            .map(|target| JobUnit { target, toolchain: 0, reason: reason.clone(), patches: patches.clone() })
            .collect();
        let spec = match &arguments.source {
            Some(text) => source::parse_source_argument(text, settings.current_folder.as_path())?,
            None => version.source.clone(),
        };
        let (local, source) = match &spec {
            SourceSpec::Folder { path } => {
                let (local, pinned) = read_folder(path, store, trace)?;
                (Some(local), Ok(pinned))
            }
            SourceSpec::Git { .. } | SourceSpec::Tarball { .. } | SourceSpec::Bundled { .. } => {
                (None, execute::pin(&spec, &lock).ok_or(spec))
            }
        };
        let rebuild = arguments.rebuild;
        let toolchains = vec![chosen];
        let identities = BTreeMap::new();
        Ok(Self { recipe, toolchains, units, choice, version, local, source, lock, rebuild, identities })
    }

    /// Plans the job against what the store holds.
    pub fn plan(&self, settings: &Settings, store: &Store, machine: &Machine) -> Result<Plan, CliError> {
        let request = Request {
            recipe: &self.recipe,
            version: &self.version,
            units: self
                .units
                .iter()
                .map(|unit| RequestedUnit {
                    target: unit.target,
                    toolchain: &self.toolchains[unit.toolchain],
                    reason: unit.reason.clone(),
                    patches: unit.patches.clone(),
                })
                .collect(),
            source: self.source.clone(),
            source_date_epoch: settings.source_date_epoch.unwrap_or(DEFAULT_EPOCH),
            formats: &settings.package_formats,
            revision: &settings.revision,
            maintainer: &settings.maintainer,
            jobs: settings.jobs,
            memory: settings.memory,
            rebuild: self.rebuild,
        };
        let mut facts = Facts { cores: machine.cores, memory: machine.memory, ..Facts::default() };
        facts.identities.extend(&self.identities);
        for toolchain in &self.toolchains {
            if let Some(identity) = execute::stored_identity(store, toolchain.definition())? {
                facts.identities.insert(plan::key::toolchain(toolchain.definition()).key, identity);
            }
        }
        let first = plan::plan(&request, &facts);
        for (stage, key) in plan::wanted(&first) {
            let Some(entry) = store.lookup(stage, &key)?.entry() else { continue };
            // What is known of another engine's image is no image of this one's.
            if stage != Stage::Toolchain || execute::image_of(entry.record()).is_some() {
                facts.held.insert((stage, key));
            }
        }
        for unit in first.units {
            if let Some(last) = store.history(&unit.id).stages.get(&Stage::Build) {
                let history = History {
                    ingredients: last.ingredients.clone(),
                    seconds: last.seconds.unwrap_or_default(),
                };
                facts.history.insert(unit.id.file_stem(), history);
            }
        }
        Ok(plan::plan(&request, &facts))
    }

    /// What a plan of this job refers to by name.
    pub fn materials(&mut self) -> Materials<'_> {
        Materials {
            recipe: &self.recipe,
            toolchains: self.toolchains.iter().collect(),
            own_patches: &self.choice.own,
            local: self.local.take(),
        }
    }
}

/// The recipe of this name; an unknown one may also have been meant as a command.
pub fn recipe(book: &RecipeBook, name: &RecipeName) -> Result<Recipe, CliError> {
    if !book.names().any(|known| known == name) {
        return Err(CliError::unknown_recipe(name.as_str(), book.names().map(|known| known.as_str())));
    }
    Ok(book.get(name.as_str())?)
}

/// Whether there is a toolchain of this id.
pub fn check_toolchain(catalog: &Catalog, id: &ToolchainId) -> Result<(), CliError> {
    if catalog.ids().any(|known| known == id) {
        return Ok(());
    }
    Err(CliError::unknown_toolchain(id.as_str(), catalog.ids().map(|known| known.as_str())))
}

/// The version of a recipe that a person named.
pub fn listed_version<'r>(recipe: &'r Recipe, wanted: &Version) -> Result<&'r RecipeVersion, CliError> {
    recipe.version(wanted).ok_or_else(|| {
        let known: Vec<String> = recipe.versions.iter().map(|known| known.version.to_string()).collect();
        let text = wanted.to_string();
        let help = match nearest(&text, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}? It has {}", known.join(", ")),
            None => format!("it has {}", known.join(", ")),
        };
        CliError::Usage { message: format!("{} has no version {text}", recipe.name), help: Some(help) }
    })
}

/// Whether a recipe is made for this target.
pub fn check_target(recipe: &Recipe, target: GfxTarget) -> Result<(), CliError> {
    if recipe.targets.contains(&target) {
        return Ok(());
    }
    let known: Vec<&str> = recipe.targets.iter().map(GfxTarget::as_str).collect();
    let help = match nearest(target.as_str(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? It is made for {}", known.join(", ")),
        None => format!("it is made for {}", known.join(", ")),
    };
    let message = format!("recipe {} is not made for {target}", recipe.name);
    Err(CliError::Usage { message, help: Some(help) })
}

/// The targets asked for, each once.
fn targets(recipe: &Recipe, arguments: &BuildArguments) -> Result<Vec<GfxTarget>, CliError> {
    let mut targets = Vec::new();
    for target in &arguments.targets {
        check_target(recipe, *target)?;
        if !targets.contains(target) {
            targets.push(*target);
        }
    }
    Ok(targets)
}

/// Reads a source folder as it lies.
pub fn read_folder(
    path: &HostPath,
    store: &Store,
    trace: Trace,
) -> Result<(LocalSource, crate::model::PinnedSource), CliError> {
    let real = path.as_path().canonicalize().map_err(|error| CliError::Usage {
        message: format!("--source {path}: {error}"),
        help: Some("check that every folder on the way there may be entered".to_owned()),
    })?;
    let place = store.stat_cache(&Digest::of(real.to_string_lossy().as_bytes()));
    let known = source::StatCache::read(&place);
    let tree = source::read_local(&real, &known, &CancellationToken::new())?;
    if let (Trace::StatCache, Some(cache)) = (trace, tree.stat_cache()) {
        // A cache that cannot be written costs time later and nothing else.
        let _ = cache.write(&place);
    }
    let pinned = crate::model::PinnedSource::Folder {
        tree: tree.digest,
        commit: tree.commit.clone(),
        dirty: tree.dirty,
    };
    Ok((LocalSource { folder: HostPath::new(real), tree }, pinned))
}

/// Connects to the engine that the settings name.
struct Connector {
    choice: EngineChoice,
}

#[async_trait]
impl Connect for Connector {
    async fn connect(&self) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(docker::connect(&self.choice).await?))
    }
}

/// Puts a workshop together: a new run with its readers of events.
pub fn workshop(
    arguments: &BuildArguments,
    settings: &Settings,
    store: &Store,
    machine: Machine,
    lock: LockFile,
) -> Workshop {
    let mut workshop = workshop_with(vec![render::reader(settings)], settings, store, machine, lock);
    workshop.limits.rebuild = arguments.rebuild;
    workshop.limits.keep_failed = arguments.keep_failed;
    workshop
}

/// A workshop for what builds nothing: where standard output is one document, no events go there.
pub fn looking_workshop(settings: &Settings, store: &Store, machine: Machine, lock: LockFile) -> Workshop {
    let readers = if settings.json() { vec![] } else { vec![render::reader(settings)] };
    workshop_with(readers, settings, store, machine, lock)
}

/// What entries move between, where a remote is set and the network may be used.
pub fn exchange(
    settings: &Settings,
    store: &Store,
    holder: Holder,
    cancel: CancellationToken,
) -> Option<Exchange> {
    let repository = settings.remote.clone().filter(|_| !settings.offline)?;
    let credentials = Credentials::Files(settings.credential_files.clone());
    let remote = Remote::new(repository, credentials, Patience::default());
    Some(Exchange::new(remote, store.clone(), holder, cancel))
}

fn workshop_with(
    mut readers: Vec<Arc<dyn EventSink>>,
    settings: &Settings,
    store: &Store,
    machine: Machine,
    lock: LockFile,
) -> Workshop {
    let run = run_id();
    let log = RunLog::new(store.run_path(&run));
    readers.push(Arc::new(log));
    let events = Events::new(readers);
    let limits = Limits {
        network: if settings.offline { Network::Offline } else { Network::Online },
        rebuild: false,
        keep_failed: false,
        jobs: settings.jobs,
        memory: settings.memory,
        debian_mirror: settings.debian_mirror.clone(),
        apt_folder: HostPath::new("/etc/apt"),
        keyrings: HostPath::new("/usr/share/keyrings"),
        output: settings.output.clone(),
        lock_file: settings.lock_file.clone(),
        ccache: usable_ccache(settings, &events),
    };
    let connector = Connector { choice: engine_choice(settings) };
    let (holder, cancel) = (Holder::this_process(run), CancellationToken::new());
    let access = if settings.remote_write { RemoteAccess::ReadAndWrite } else { RemoteAccess::Read };
    let shared = exchange(settings, store, holder.clone(), cancel.clone());
    let connector = Box::new(connector);
    let mut workshop = Workshop::new(store.clone(), events, holder, machine, cancel, limits, lock, connector);
    workshop.shared = shared.map(|exchange| SharedStore::new(exchange, access));
    workshop
}

/// The person's own compiler cache, if a build can write to it: builds run as user 1000 of the engine's machine. Many
/// have `CCACHE_DIR` set for other reasons, so one that does not fit is no error.
fn usable_ccache(settings: &Settings, events: &Events) -> Option<HostPath> {
    let folder = settings.ccache_dir.clone()?;
    let owner = std::fs::metadata(folder.as_path()).map(|metadata| metadata.uid());
    let reason = match owner {
        Ok(BUILD_USER) => return Some(folder),
        Ok(other) => format!("it belongs to user {other}, and builds run as user {BUILD_USER}"),
        Err(error) => error.to_string(),
    };
    events.emit(Event::Warning {
        message: format!("the compiler cache {folder} is not used: {reason}"),
        help: Some("the engine's volume rdna-build-ccache is used instead".to_owned()),
    });
    None
}

/// The engine that the settings name.
pub fn engine_choice(settings: &Settings) -> EngineChoice {
    let docker_host = settings.docker_host.clone();
    let runtime_folder = settings.runtime_folder.clone();
    match settings.engine.0.as_str() {
        "auto" => EngineChoice::Auto { docker_host, runtime_folder },
        "docker" => EngineChoice::Docker { docker_host, runtime_folder },
        "podman" => EngineChoice::Podman { runtime_folder },
        address => EngineChoice::Address(address.to_owned()),
    }
}

/// A name for this run: when it started and which process it is, so that names sort by time and never meet.
pub fn run_id() -> RunId {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("r{seconds}-{}", std::process::id()).parse().expect("made of letters, digits and a hyphen")
}
