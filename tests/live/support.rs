//! A connected engine, a tiny image in it, and the certainty that nothing of a test stays behind.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, stream};
use rdna_build::engine::bytes_stream::ByteStream;
use rdna_build::engine::docker::{DockerEngine, EngineChoice, connect};
use rdna_build::engine::{
    ContainerId, ContainerSpec, Engine, ExecSpec, ExitStatus, IMAGE_PREFIX, Network, Output, RunLabels,
    VolumeSpec,
};
use rdna_build::model::{GuestPath, HostPath};

pub const BUSYBOX: &str = "/usr/bin/busybox";
const APPLETS: [&str; 13] =
    ["cat", "dd", "grep", "head", "id", "ls", "printf", "readlink", "sh", "sleep", "stat", "tr", "true"];

/// The connected engine; without one the test is skipped, or fails where `RDNA_BUILD_REQUIRE_LIVE` is set.
pub async fn require_engine() -> Option<DockerEngine> {
    let runtime_folder = environment("XDG_RUNTIME_DIR").map(HostPath::new);
    let choice = EngineChoice::Auto { docker_host: environment("DOCKER_HOST"), runtime_folder };
    match connect(&choice).await {
        Ok(engine) => Some(engine),
        Err(error) => skip(&error.to_string()),
    }
}

/// Names what is missing, or fails over it where `RDNA_BUILD_REQUIRE_LIVE` is set.
pub fn skip<T>(what: &str) -> Option<T> {
    static SKIPPED: AtomicU32 = AtomicU32::new(0);
    assert!(environment("RDNA_BUILD_REQUIRE_LIVE").is_none(), "{what}");
    // Past the harness, which keeps what a passing test prints to itself: a skip must be seen.
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let _nobody_reads = writeln!(std::io::stderr(), "skipped ({number}): {what}");
    None
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line to get these from")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What one test works with. Everything made through it is removed after the test, passed or not.
pub struct Bench {
    pub engine: DockerEngine,
    pub image: String,
    /// Unique to this test, fit for names.
    pub id: String,
    containers: Mutex<Vec<ContainerId>>,
    volumes: Mutex<Vec<String>>,
}

/// Runs `test` on a bench of its own.
pub async fn on_bench<F>(test: impl FnOnce(Arc<Bench>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let Some(engine) = require_engine().await else { return };
    if !Path::new(BUSYBOX).exists() {
        skip::<()>("no static busybox (the Debian package busybox-static)");
        return;
    }
    let id = format!("contract-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let image = format!("{IMAGE_PREFIX}{id}:1");
    engine.import_image(&image, bytes(busybox_rootfs())).await.expect("the image is imported");
    let bench =
        Arc::new(Bench { engine, image, id, containers: Mutex::default(), volumes: Mutex::default() });
    let outcome = tokio::spawn(test(bench.clone())).await;
    bench.clear().await;
    if let Err(failure) = outcome {
        resume_unwind(failure.into_panic());
    }
}

impl Bench {
    /// Labels of a run that no other sweep takes for dead: it is on an unknown host.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let host = Some("contract.example.org".to_owned());
        RunLabels { run: self.id.clone(), pid: Some(1), boot: Some("none".to_owned()), host }.write()
    }

    /// A shell script as user 1000, without network.
    pub fn spec(&self, script: &str) -> ContainerSpec {
        ContainerSpec {
            image: self.image.clone(),
            command: shell(script),
            user: "1000:1000".to_owned(),
            environment: BTreeMap::new(),
            working_folder: GuestPath::new("/work"),
            mounts: Vec::new(),
            binds: Vec::new(),
            network: Network::Denied,
            cpus: Some(1),
            memory: Some(256 << 20),
            pids: Some(64),
            capabilities: Vec::new(),
            gpu: None,
            labels: self.labels(),
        }
    }

    pub async fn create(&self, spec: &ContainerSpec) -> ContainerId {
        let id = self.engine.create_container(spec).await.expect("the container is made");
        self.containers.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
        id
    }

    pub async fn volume(&self, name: &str, labels: BTreeMap<String, String>) -> String {
        let name = format!("{}-{name}", self.id);
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        let volume = VolumeSpec { name: name.clone(), labels };
        assert!(self.engine.ensure_volume(&volume).await.expect("the volume is made"));
        assert!(!self.engine.ensure_volume(&volume).await.expect("the volume is there"));
        name
    }

    pub async fn run(&self, container: &ContainerId) -> Ran {
        let mut ran = Ran::default();
        let status = self.engine.run_container(container, &mut |output, line| ran.note(output, line)).await;
        ran.status = Some(status.expect("the container runs"));
        ran
    }

    pub async fn run_script(&self, script: &str) -> Ran {
        let container = self.create(&self.spec(script)).await;
        self.run(&container).await
    }

    pub async fn exec(&self, container: &ContainerId, script: &str) -> Ran {
        let mut ran = Ran::default();
        let command = ExecSpec {
            command: shell(script),
            environment: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            working_folder: GuestPath::new("/work"),
            user: "1000:1000".to_owned(),
        };
        let status = self.engine.exec(container, &command, &mut |output, line| ran.note(output, line)).await;
        ran.status = Some(status.expect("the command runs"));
        ran
    }

    /// The path as a tar in memory.
    pub async fn download(&self, container: &ContainerId, path: &str) -> Option<Vec<u8>> {
        let mut stream =
            self.engine.download(container, &GuestPath::new(path)).await.expect("the engine answers")?;
        let mut archive = Vec::new();
        while let Some(chunk) = stream.next().await {
            archive.extend_from_slice(&chunk.expect("the stream is whole"));
        }
        Some(archive)
    }

    /// The ids of this test's own leftovers.
    pub async fn leftovers(&self) -> Vec<String> {
        let all = self.engine.leftovers().await.expect("the engine lists");
        let own = |id: &str, labels: &BTreeMap<String, String>| {
            id.contains(&self.id) || labels.values().any(|value| *value == self.id)
        };
        all.into_iter().filter(|one| own(&one.id, &one.labels)).map(|one| one.id).collect()
    }

    async fn clear(&self) {
        let containers = std::mem::take(&mut *self.containers.lock().unwrap_or_else(PoisonError::into_inner));
        for container in containers {
            self.engine.remove_container(&container).await.expect("the container is removed");
        }
        let volumes = std::mem::take(&mut *self.volumes.lock().unwrap_or_else(PoisonError::into_inner));
        for volume in volumes {
            self.engine.remove_volume(&volume).await.expect("the volume is removed");
        }
        self.engine.remove_image(&self.image).await.expect("the image is removed");
        assert_eq!(self.leftovers().await, [""; 0], "left behind");
    }
}

/// What a command wrote and how it ended.
#[derive(Debug, Default)]
pub struct Ran {
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    status: Option<ExitStatus>,
}

impl Ran {
    fn note(&mut self, output: Output, line: &str) {
        match output {
            Output::Stdout => self.stdout.push(line.to_owned()),
            Output::Stderr => self.stderr.push(line.to_owned()),
        }
    }

    pub fn status(&self) -> ExitStatus {
        self.status.expect("it ended")
    }
}

pub fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

/// A stream of `content` in pieces.
pub fn bytes(content: Vec<u8>) -> ByteStream {
    let chunks: Vec<_> =
        content.chunks(64 * 1024).map(|chunk| Ok(tokio_util::bytes::Bytes::copy_from_slice(chunk))).collect();
    Box::pin(stream::iter(chunks))
}

/// One entry of a test's tar.
pub enum Entry<'a> {
    Folder { owner: u64, mode: u32 },
    File { owner: u64, mode: u32, content: &'a [u8] },
    Link { target: &'a str },
}

pub fn archive<'a>(entries: impl IntoIterator<Item = (String, Entry<'a>)>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        let content: &[u8] = match entry {
            Entry::Folder { owner, mode } => {
                header.set_entry_type(tar::EntryType::Directory);
                own(&mut header, owner, mode);
                &[]
            }
            Entry::File { owner, mode, content } => {
                header.set_entry_type(tar::EntryType::Regular);
                own(&mut header, owner, mode);
                content
            }
            Entry::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_link_name(target).expect("a short target");
                own(&mut header, 0, 0o777);
                &[]
            }
        };
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, content).expect("memory takes it");
    }
    builder.into_inner().expect("memory takes it")
}

fn own(header: &mut tar::Header, owner: u64, mode: u32) {
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mode(mode);
    header.set_mtime(1_700_000_000);
}

fn busybox_rootfs() -> Vec<u8> {
    let busybox = std::fs::read(BUSYBOX).expect("busybox is readable");
    let folder = |path: &str, owner, mode| (path.to_owned(), Entry::Folder { owner, mode });
    let mut entries = vec![
        folder("bin/", 0, 0o755),
        folder("tmp/", 0, 0o1777),
        folder("work/", 1000, 0o755),
        ("bin/busybox".to_owned(), Entry::File { owner: 0, mode: 0o755, content: &busybox }),
    ];
    entries.extend(APPLETS.map(|applet| (format!("bin/{applet}"), Entry::Link { target: "busybox" })));
    archive(entries)
}
