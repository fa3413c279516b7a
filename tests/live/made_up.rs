//! A made-up toolchain and recipe: the whole chain in seconds, without Debian, compiler or network.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rdna_build::engine::docker::DockerEngine;
use rdna_build::engine::{ContainerId, Engine as _, EngineError, IMAGE_PREFIX, LeftoverKind};
use tokio::runtime::Runtime;

use crate::home::{Home, Ran, tiny_recipe};
use crate::support::{self, BUSYBOX, Entry};

/// What the image's package database says, where a test does not say otherwise.
pub const STATUS: &str = "\
Package: libamdhip64-dev
Status: install ok installed
Architecture: amd64
Version: 6.4.3-2+b1

";

/// Stands in for CMake: installs the image's marker and the source's README.
const CMAKE: &str = r#"#!/bin/sh
set -e
mkdir -p /work/build
case "$1" in
-G) for word; do case "$word" in
    -DCMAKE_INSTALL_PREFIX=*) echo "${word#*=}" > /work/build/prefix ;;
    esac; done ;;
--install)
    into=$DESTDIR$(cat /work/build/prefix)
    mkdir -p "$into"
    cp /marker /work/src/README "$into/" ;;
esac
"#;

/// The shell, with a `find FOLDER… -mindepth 1 -delete`, which busybox's own cannot and prefers to any other program.
const SHELL: &str = r#"#!/bin/busybox sh
if [ "$1" = -c ]; then
    find() {
        for folder; do case "$folder" in
            /*) rm -rf "$folder"/* ;;
        esac; done
    }
    eval "$2"
    exit
fi
exec /bin/busybox sh "$@"
"#;

const APPLETS: [&str; 9] = ["cat", "cp", "mkdir", "rm", "sleep", "tar", "touch", "true", "xargs"];

/// A home with a project, an engine, and names of their own in it. What the test makes in the engine goes with it.
pub struct Project {
    pub home: Home,
    /// The toolchain's id; in the name of everything that its builds make in the engine.
    pub id: String,
    engine: DockerEngine,
    runtime: Runtime,
    pulled: Vec<String>,
}

impl Project {
    /// A project with the recipe `tiny`, whose version comes from `source`; without an engine the test is skipped.
    pub fn new(source: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let runtime = Runtime::new().unwrap();
        let engine = runtime.block_on(support::require_engine())?;
        if !Path::new(BUSYBOX).exists() {
            return support::skip("no static busybox (the Debian package busybox-static)");
        }
        let mut home = Home::new();
        for name in ["DOCKER_HOST", "XDG_RUNTIME_DIR"] {
            if let Some(value) = support::environment(name) {
                home = home.with(name, value);
            }
        }
        // A folder of this test instead of the compiler cache that all builds share.
        let ccache = home.path("ccache");
        std::fs::create_dir(&ccache).unwrap();
        let home = home.with("RDNA_BUILD_CCACHE", ccache.display());
        home.write("rdna-build.toml", "recipes = [\"recipes\"]\ntoolchains = [\"toolchains\"]\n");
        home.write("recipes/tiny/recipe.toml", tiny_recipe(source));
        let id = format!("tiny-{}-{:03}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Some(Self { home, id, engine, runtime, pulled: Vec::new() })
    }

    /// The same with a base image in the engine and a toolchain on it that keeps its promises.
    pub fn with_toolchain(source: &str) -> Option<Self> {
        let project = Self::new(source)?;
        let base = project.import_base(&project.rootfs("made up", Some(STATUS)));
        project.toolchain(&base, "", "FROM ${BASE}");
        Some(project)
    }

    /// A root file system that `tiny` is built in; `marker` ends up in the package. Engines know equal images as one: the
    /// test's name makes this one its own.
    pub fn rootfs(&self, marker: &str, status: Option<&str>) -> Vec<u8> {
        let busybox = std::fs::read(BUSYBOX).unwrap();
        let folder = |path: &str, owner, mode| (path.to_owned(), Entry::Folder { owner, mode });
        let program = |path: &str, content| (path.to_owned(), Entry::File { owner: 0, mode: 0o755, content });
        let mut entries = vec![
            folder("bin/", 0, 0o755),
            folder("usr/bin/", 0, 0o755),
            folder("tmp/", 0, 0o1777),
            folder("work/", 1000, 0o755),
            program("bin/busybox", &busybox[..]),
            program("usr/bin/cc", b"#!/bin/sh\n"),
            program("usr/bin/c++", b"#!/bin/sh\n"),
            program("usr/bin/cmake", CMAKE.as_bytes()),
            program("bin/sh", SHELL.as_bytes()),
            program("marker", marker.as_bytes()),
            program("owner", self.id.as_bytes()),
        ];
        if let Some(status) = status {
            entries.push(folder("var/lib/dpkg/", 0, 0o755));
            entries.push(program("var/lib/dpkg/status", status.as_bytes()));
        }
        entries.extend(APPLETS.map(|applet| (format!("bin/{applet}"), Entry::Link { target: "busybox" })));
        support::archive(entries)
    }

    /// Puts a base image into the engine and gives its reference.
    pub fn import_base(&self, rootfs: &[u8]) -> String {
        let reference = format!("{IMAGE_PREFIX}{}-base:1", self.id);
        let import = self.engine.import_image(&reference, support::bytes(rootfs.to_vec()));
        self.runtime.block_on(import).unwrap();
        reference
    }

    /// Writes the toolchain. `more` goes below the promise of HIP 6.4.3.
    pub fn toolchain(&self, base: &str, more: &str, dockerfile: &str) {
        let folder = format!("toolchains/{}", self.id);
        self.home.write(
            &format!("{folder}/toolchain.toml"),
            format!(
                r#"schema = 1
summary = "made up"
rocm = "6.4.3"

[compiler]
c = "/usr/bin/cc"
cxx = "/usr/bin/c++"

[provides]
hip = {{ version = "6.4.3", package = "libamdhip64-dev" }}
{more}

[base]
image = "{base}"
"#
            ),
        );
        self.home.write(&format!("{folder}/Dockerfile"), format!("ARG BASE\n{dockerfile}\n"));
    }

    /// Makes the toolchain one that is assembled from Debian sid, with these packages.
    pub fn assembled(&self, packages: &str) {
        let path = format!("toolchains/{}/toolchain.toml", self.id);
        let toml = std::fs::read_to_string(self.home.path(&path)).unwrap();
        let (rest, _) = toml.split_once("[base").unwrap();
        let packages = packages.split_whitespace().collect::<Vec<_>>();
        self.home.write(
            &path,
            format!(
                "{rest}[base.debian]\nsuite = \"sid\"\ncomponents = [\"main\"]\npackages = {packages:?}\n"
            ),
        );
        let _none = std::fs::remove_file(self.home.path(&format!("toolchains/{}/Dockerfile", self.id)));
    }

    /// The command line of a build; `more` goes behind it.
    pub fn arguments(&self, more: &str) -> String {
        format!("tiny --target gfx1010 --toolchain {} {more}", self.id)
    }

    /// Builds; in what is shown the toolchain is called `[ID]`.
    pub fn build(&self, more: &str) -> Ran {
        self.named(self.home.run(&self.arguments(more)))
    }

    pub fn named(&self, ran: Ran) -> Ran {
        let named = |text: String| text.replace(&self.id, "[ID]");
        Ran { code: ran.code, stdout: named(ran.stdout), stderr: named(ran.stderr) }
    }

    /// The contents of the package's files by name.
    pub fn package(&self) -> BTreeMap<String, String> {
        let packages = self.home.files().into_iter().filter(|path| path.starts_with("out/"));
        let path = packages.into_iter().find(|path| path.ends_with(".tar.zst")).expect("a package");
        let file = std::fs::File::open(self.home.path(&path)).unwrap();
        let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
        let mut contents = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().file_name().map(|name| name.to_string_lossy().into_owned());
            let mut content = String::new();
            if entry.header().entry_type().is_file() && entry.read_to_string(&mut content).is_ok() {
                contents.insert(name.unwrap(), content);
            }
        }
        contents
    }

    /// Images of this test in the engine, the base apart.
    pub fn images(&self) -> Vec<String> {
        let mine = self.leftovers().into_iter().filter(|(kind, _)| *kind == LeftoverKind::Image);
        mine.map(|(_, id)| id).filter(|id| !id.contains("-base:")).collect()
    }

    pub fn engine_kind(&self) -> rdna_build::engine::EngineKind {
        self.runtime.block_on(self.engine.info()).unwrap().kind
    }

    pub fn remove_image(&self, reference: &str) {
        self.runtime.block_on(self.engine.remove_image(reference)).unwrap();
    }

    /// Has an image removed after the test that a build may pull.
    pub fn will_pull(&mut self, reference: String) {
        self.pulled.push(reference);
    }

    /// Removes everything of this test from the engine; says what could not be.
    fn clear(&self) -> Vec<EngineError> {
        let mut stuck = Vec::new();
        for kind in [LeftoverKind::Container, LeftoverKind::Volume, LeftoverKind::Image] {
            for (_, id) in self.leftovers().into_iter().filter(|(of, _)| *of == kind) {
                let removed = self.runtime.block_on(async {
                    match kind {
                        LeftoverKind::Container => self.engine.remove_container(&ContainerId(id)).await,
                        LeftoverKind::Volume => self.engine.remove_volume(&id).await,
                        LeftoverKind::Image => self.engine.remove_image(&id).await,
                    }
                });
                stuck.extend(removed.err());
            }
        }
        for reference in &self.pulled {
            stuck.extend(self.runtime.block_on(self.engine.remove_image(reference)).err());
        }
        stuck
    }

    fn leftovers(&self) -> Vec<(LeftoverKind, String)> {
        let all = self.runtime.block_on(self.engine.leftovers()).unwrap();
        all.into_iter().filter(|one| one.id.contains(&self.id)).map(|one| (one.kind, one.id)).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let stuck = self.clear();
        assert!(stuck.is_empty() || std::thread::panicking(), "left behind: {stuck:?}");
    }
}
