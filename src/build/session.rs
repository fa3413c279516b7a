//! One build container, from its making to what it installed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engine::{ContainerId, ContainerSpec, Engine, ExitStatus, LineSink, Output};
use crate::model::{BUILD, Digest, GuestPath, HostPath, INSTALL, PackagedFile, SOURCE, Script, Step};

use super::BuildError;
use super::collect::unpack;
use super::container::{Cache, ensure_volume, exec, mount, powerless};
use super::failure::Scanner;
use super::workspace::{NOTE, Note, SourceTree, archive_stream, folders_archive, plan_sync, read_note, send};
use crate::engine::read_stream;

/// What a build container is made of.
#[derive(Clone, Debug)]
pub struct SessionSpec {
    /// Image id.
    pub image: String,
    /// The unit's file stem.
    pub unit: String,
    /// Name of the work volume: see [`work_volume`].
    pub work: String,
    /// Labels of the run.
    pub labels: BTreeMap<String, String>,
    pub cpus: Option<u32>,
    pub memory: Option<u64>,
    /// A folder of the engine's host to use as compiler cache instead of the volume.
    pub ccache: Option<HostPath>,
}

/// A running build container. Whoever opened it removes it, by the labels of the run.
pub struct Session<'a> {
    engine: &'a dyn Engine,
    container: ContainerId,
}

/// What a sync came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Files that were sent.
    pub files: usize,
    /// The build folder was configured before and need not be again.
    pub configured: bool,
}

/// What ccache says about one build.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CacheStatistics {
    pub hits: u64,
    pub misses: u64,
    /// Compilations that ccache could not cache.
    pub uncacheable: u64,
}

/// Name of a unit's work volume: of one store on one host, whose lock guards it. Runs with another store know nothing
/// of that lock, so that they must not meet in one volume.
pub fn work_volume(unit: &str, host: &str, store: &Path) -> String {
    let store = store.canonicalize().unwrap_or_else(|_| store.to_owned());
    let place = Digest::of(format!("{host} {}", store.display()));
    format!("rdna-build-work-{unit}-{}", place.short())
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Session").field(&self.container).finish()
    }
}

impl<'a> Session<'a> {
    /// Makes and starts the container: no network, no rights, two volumes.
    pub async fn open(engine: &'a dyn Engine, spec: &SessionSpec) -> Result<Session<'a>, BuildError> {
        let work = &spec.work;
        ensure_volume(engine, work, "work", &spec.unit).await?;
        let cache = Cache::ready(engine, spec.ccache.as_ref(), &spec.unit).await?;
        let container = ContainerSpec {
            mounts: std::iter::once(mount(work, "/work")).chain(cache.mounts).collect(),
            binds: cache.binds,
            cpus: spec.cpus,
            memory: spec.memory,
            ..powerless(&spec.image, &spec.labels)
        };
        let container = engine.create_container(&container).await?;
        engine.start_container(&container).await?;
        Ok(Self { engine, container })
    }

    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// Makes the container's source tree the wanted one.
    pub async fn sync(&self, source: SourceTree, wanted: Note) -> Result<Synced, BuildError> {
        let note_path = GuestPath::new("/work").join(NOTE);
        let note = match self.engine.download(&self.container, &note_path).await? {
            Some(stream) => read_note(stream).await,
            None => None,
        };
        let sync = plan_sync(note.as_ref(), &wanted);
        let configured = sync.keeps_configuration() && self.is_configured().await?;
        if sync.is_nothing() {
            return Ok(Synced { files: 0, configured });
        }
        let folders = folders_archive(&sync.remove);
        let folders = archive_stream(move |writer| writer.write_all(&folders));
        self.engine.upload(&self.container, &GuestPath::new("/"), folders).await?;

        // The note goes first: from here on, until the new one is written, the volume says nothing about itself.
        let mut script = format!("set -e; rm -f {note_path}; ");
        if sync.wipe {
            script += &format!("find {SOURCE} {BUILD} /work/home -mindepth 1 -delete; ");
        } else {
            script += &format!("cd {SOURCE}; xargs -0 -r rm -rf -- < /work/.rdna/remove; ");
            if sync.wipe_build {
                script += &format!("find {BUILD} -mindepth 1 -delete; ");
            }
        }
        let mut scanner = Scanner::default();
        let status = self
            .engine
            .exec(
                &self.container,
                &exec(["sh", "-c", &script].map(str::to_owned).into(), BTreeMap::new()),
                &mut |_, line| scanner.line(line),
            )
            .await?;
        self.succeeded(Step::Configure, status, 1, scanner).await?;

        let files = sync.send.len();
        let work = GuestPath::new("/work");
        self.engine.upload(&self.container, &work, send(source, wanted, &sync)).await?;
        Ok(Synced { files, configured })
    }

    /// Whether CMake has finished with the build folder: what it writes last is there.
    async fn is_configured(&self) -> Result<bool, BuildError> {
        let last = GuestPath::new(BUILD).join("build.ninja");
        Ok(self.engine.download(&self.container, &last).await?.is_some())
    }

    /// Runs one step; its output goes to `lines` as it comes.
    pub async fn step(
        &self,
        script: &Script,
        step: Step,
        jobs: u32,
        lines: LineSink<'_>,
    ) -> Result<(), BuildError> {
        if step == Step::Install {
            self.shell(&format!("rm -rf {INSTALL}")).await?;
        }
        if step == Step::Build {
            self.shell("rm -f /work/ccache-stats.log").await?;
        }
        let mut scanner = Scanner::default();
        let status = self
            .engine
            .exec(
                &self.container,
                &exec(script.command(step, jobs), script.environment(step)),
                &mut |output, line| {
                    scanner.line(line);
                    lines(output, line);
                },
            )
            .await?;
        self.succeeded(step, status, jobs, scanner).await
    }

    /// Copies what was installed below `into` and lists it.
    pub async fn collect(&self, into: &HostPath) -> Result<Vec<PackagedFile>, BuildError> {
        let Some(stream) = self.engine.download(&self.container, &GuestPath::new(INSTALL)).await? else {
            return Err(BuildError::NothingInstalled);
        };
        let into = into.clone();
        read_stream(stream, move |reader| Ok(unpack(reader, into.as_path())))
            .await
            .map_err(|error| BuildError::Read { path: INSTALL.to_owned(), reason: error.to_string() })?
    }

    /// What ccache did in the build step; nothing where the image's ccache cannot tell.
    pub async fn cache_statistics(&self, script: &Script) -> CacheStatistics {
        let mut statistics = CacheStatistics::default();
        let command =
            exec(["ccache", "--print-log-stats"].map(str::to_owned).into(), script.environment(Step::Build));
        let read = &mut |_: Output, line: &str| {
            let Some((name, value)) = line.split_once('\t') else { return };
            let value: u64 = value.parse().unwrap_or(0);
            match name {
                "direct_cache_hit" | "preprocessed_cache_hit" => statistics.hits += value,
                "cache_miss" => statistics.misses += value,
                "could_not_use_modules"
                | "unsupported_compiler_option"
                | "unsupported_source_language"
                | "could_not_use_precompiled_header"
                | "multiple_source_files"
                | "bad_compiler_arguments" => {
                    statistics.uncacheable += value;
                }
                _ => {}
            }
        };
        match self.engine.exec(&self.container, &command, read).await {
            Ok(status) if status.success() => statistics,
            Ok(_) | Err(_) => CacheStatistics::default(),
        }
    }

    /// CPU seconds the container used so far, from its control group; `None` where that cannot be read.
    pub async fn cpu_seconds(&self) -> Option<f64> {
        // cgroup v1 counts nanoseconds in a file of its own, v2 microseconds in `cpu.stat`.
        let script = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || cat /sys/fs/cgroup/cpu.stat";
        let mut seconds = None;
        let command = exec(["sh", "-c", script].map(str::to_owned).into(), BTreeMap::new());
        let read = &mut |_: Output, line: &str| {
            if seconds.is_none() {
                seconds = match line.split_once(' ') {
                    Some(("usage_usec", value)) => value.parse::<f64>().ok().map(|micro| micro / 1e6),
                    Some(_) => None,
                    None => line.parse::<f64>().ok().map(|nano| nano / 1e9),
                };
            }
        };
        let status = self.engine.exec(&self.container, &command, read).await.ok()?;
        if status.success() { seconds } else { None }
    }

    /// A shell on this process's terminal, in the build's environment.
    pub async fn terminal(&self, script: &Script) -> Result<ExitStatus, BuildError> {
        let command = "if command -v bash >/dev/null; then exec bash; else exec sh; fi";
        let mut environment = script.environment(Step::Build);
        environment.insert("TERM".to_owned(), "xterm-256color".to_owned());
        let command = exec(["sh", "-c", command].map(str::to_owned).into(), environment);
        Ok(self.engine.exec_terminal(&self.container, &command).await?)
    }

    async fn shell(&self, script: &str) -> Result<(), BuildError> {
        let command = exec(["sh", "-c", script].map(str::to_owned).into(), BTreeMap::new());
        let mut scanner = Scanner::default();
        let status = self.engine.exec(&self.container, &command, &mut |_, line| scanner.line(line)).await?;
        self.succeeded(Step::Configure, status, 1, scanner).await
    }

    /// Whether the container still takes commands.
    async fn is_running(&self) -> bool {
        let command = exec(vec!["true".to_owned()], BTreeMap::new());
        let status = self.engine.exec(&self.container, &command, &mut |_, _| {}).await;
        status.is_ok_and(|status| status.success())
    }

    async fn succeeded(
        &self,
        step: Step,
        status: ExitStatus,
        jobs: u32,
        scanner: Scanner,
    ) -> Result<(), BuildError> {
        if status.success() {
            return Ok(());
        }
        let first = scanner.finish();
        // The kernel kills for want of memory and a person kills the container with the same signal.
        if status.code == 137 && !status.out_of_memory && !self.is_running().await {
            return Err(BuildError::Stopped { step });
        }
        if status.out_of_memory || status.code == 137 {
            return Err(BuildError::OutOfMemory { step, jobs, first });
        }
        let full = |line: &String| line.contains("No space left on device");
        if first.as_ref().is_some_and(|first| first.lines.iter().any(full)) {
            return Err(BuildError::DiskFull { step, first });
        }
        Err(BuildError::Step { step, code: status.code, first })
    }
}
