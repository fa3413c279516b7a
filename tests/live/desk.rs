//! A place to run the tool at: a store, folders and a home of its own, and nothing left in the engine afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use rdna_build::build::session::work_volume;
use rdna_build::engine::docker::DockerEngine;
use rdna_build::engine::{Engine as _, Leftover, LeftoverKind, RUN_LABEL};
use rdna_build::facts::Machine;
use rdna_build::plan::key;
use rdna_build::toolchain::Catalog;
use tempfile::TempDir;

use crate::support::{environment, require_engine, skip};
use crate::tool::{Ended, Started, start};

/// The smallest toolchain with a device compiler.
pub const TOOLCHAIN: &str = "debian-sid-hip";

/// Variables of ours that the tool needs to find engine and mirror.
const PASSED: [&str; 7] = [
    "PATH",
    "DOCKER_HOST",
    "XDG_RUNTIME_DIR",
    "RDNA_BUILD_DEBIAN_MIRROR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

pub struct Desk {
    folder: TempDir,
    pub store: PathBuf,
}

/// The store that all tests share, and the run that made the selftest's package for gfx1010 in it.
struct Shared {
    store: PathBuf,
    first: Ended,
}

/// Made once; the image stays in the engine and is remembered by the store, for the next time the tests run too.
fn shared() -> Option<&'static Shared> {
    static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();
    block_on(require_engine())?;
    let shared = SHARED.get_or_init(|| {
        let catalog = Catalog::load(&[]).expect("the built-in toolchains");
        let toolchain = catalog
            .all()
            .expect("valid")
            .into_iter()
            .find(|toolchain| toolchain.id.as_str() == TOOLCHAIN)
            .expect("it is built in");
        let key = key::toolchain(toolchain.definition()).key;
        let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("live-store-{}", key.short()));
        let desk = Desk { folder: folder(), store };
        let first = desk.selftest("gfx1010", &[]);
        let store = desk.store.clone();
        match first.status.code() {
            Some(0) => Ok(Shared { store, first }),
            // No engine to pull with and no mirror: nothing that a test could change.
            Some(4) => Err(first.stderr),
            _ => panic!("the first run failed: {}", first.stderr),
        }
    });
    match shared {
        Ok(shared) => Some(shared),
        Err(why) => skip(&format!("no toolchain can be had: {why}")),
    }
}

impl Desk {
    /// A desk at the shared store, which holds the selftest's package for gfx1010.
    pub fn shared() -> Option<Self> {
        Some(Self { folder: folder(), store: shared()?.store.clone() })
    }

    /// A desk with an empty store of its own that only knows the toolchain's image.
    pub fn fresh() -> Option<Self> {
        let desk = Self::without_toolchain()?;
        let entries = desk.store.join("v1/entries");
        fs::create_dir_all(&entries).expect("a folder");
        copy(&["-a"], &shared()?.store.join("v1/entries/toolchain"), &entries);
        Some(desk)
    }

    /// A desk whose store must make the toolchain's image, from packages that were downloaded before.
    pub fn without_toolchain() -> Option<Self> {
        let shared = shared()?;
        let folder = folder();
        let store = folder.path().join("store");
        fs::create_dir_all(store.join("v1")).expect("a folder");
        copy(&["-al"], &shared.store.join("v1/downloads"), &store.join("v1"));
        Some(Self { folder, store })
    }

    /// The run that made the shared store's package, or found it.
    pub fn first_run() -> Option<&'static Ended> {
        Some(&shared()?.first)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn output(&self) -> PathBuf {
        self.path("out")
    }

    /// The tool with this desk's folders and words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rdna-build"));
        command.args(words);
        self.prepare(command)
    }

    /// A script of bash that finds the tool on its path, with this desk's folders.
    pub fn script(&self, text: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-eo", "pipefail", "-c", text]);
        let mut command = self.prepare(command);
        let folder = Path::new(env!("CARGO_BIN_EXE_rdna-build")).parent().expect("it lies in one");
        let path = environment("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", folder.display()));
        command
    }

    fn prepare(&self, mut command: Command) -> Command {
        command.env_clear().current_dir(self.folder.path());
        for name in PASSED {
            command.envs(environment(name).map(|value| (name, value)));
        }
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(name, self.path(folder));
        }
        command.env("RDNA_BUILD_STORE", &self.store).env("RDNA_BUILD_OUTPUT", self.output());
        for (name, folder) in [("RDNA_BUILD_RECIPES", "recipes"), ("RDNA_BUILD_TOOLCHAINS", "toolchains")] {
            command.envs(self.path(folder).exists().then(|| (name, self.path(folder))));
        }
        command
    }

    /// Starts a build with the shared toolchain.
    pub fn start(&self, recipe: &str, target: &str, more: &[&str]) -> Started {
        let words = ["build", recipe, "--target", target, "--toolchain", TOOLCHAIN];
        start(self.command(&[&words, more].concat()))
    }

    pub fn build(&self, recipe: &str, more: &[&str]) -> Ended {
        self.start(recipe, "gfx1010", more).end()
    }

    pub fn selftest(&self, target: &str, more: &[&str]) -> Ended {
        self.start("selftest", target, more).end()
    }

    /// The work volume of a unit of version 1.0.0.
    pub fn work_volume(&self, recipe: &str) -> String {
        let unit = format!("{recipe}-1.0.0-gfx1010-{TOOLCHAIN}");
        work_volume(&unit, &Machine::look().host, &self.store)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // A second failure while a test fails would end all the tests.
        if std::thread::panicking() || !self.store.starts_with(self.folder.path()) {
            return;
        }
        let place = work_volume("", &Machine::look().host, &self.store);
        let place = place.rsplit('-').next().expect("a digest").to_owned();
        with_engine(async |engine| {
            for leftover in engine.leftovers().await.expect("listed") {
                if leftover.kind == LeftoverKind::Volume && leftover.id.ends_with(&place) {
                    engine.remove_volume(&leftover.id).await.expect("removed");
                }
            }
        });
    }
}

/// What is in the engine of the runs of a process: nothing, once it is over.
pub fn leftovers_of(process: u32) -> Vec<Leftover> {
    let process = process.to_string();
    let own = |one: &Leftover| match one.kind {
        LeftoverKind::Container | LeftoverKind::Volume => one.labels.get("rdna-build.pid") == Some(&process),
        LeftoverKind::Image => one.id.contains("/rootfs:") && one.id.ends_with(&format!("-{process}")),
    };
    with_engine(async |engine| engine.leftovers().await.expect("listed").into_iter().filter(own).collect())
}

/// The containers of a run.
pub fn containers_of(run: &str) -> Vec<String> {
    let own = |one: &Leftover| one.labels.get(RUN_LABEL).is_some_and(|label| label == run);
    let containers = with_engine(async |engine| engine.leftovers().await.expect("listed"));
    containers.into_iter().filter(own).map(|one| one.id).collect()
}

pub fn with_engine<T>(work: impl AsyncFnOnce(&DockerEngine) -> T) -> T {
    block_on(async { work(&require_engine().await.expect("it was there before")).await })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn folder() -> TempDir {
    // Cargo makes it when it builds, and someone may have cleaned up since.
    std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn copy(options: &[&str], from: &Path, into: &Path) {
    let status = Command::new("cp").args(options).args([from, into]).status().expect("cp runs");
    assert!(status.success(), "{} cannot be copied", from.display());
}
