//! The composition, on an engine that runs nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::attest::{self, PublicKeys};
use crate::engine::fake::FakeEngine;
use crate::engine::{Engine, EngineError};
use crate::facts::Machine;
use crate::lockfile::LockFile;
use crate::model::{
    Base, BuildSpec, CheckOutcome, Claim, Compilers, EventSink, Events, FileSet, GuestPath, OptionValue,
    OutputKind, OutputSpec, PinnedSource, RecipeVersion, SourceSpec, Stage,
};
use crate::plan::patches::Chosen;
use crate::plan::{DEFAULT_EPOCH, Facts, Request, RequestedUnit};
use crate::remote::credentials::Credentials;
use crate::remote::{Patience, Remote};
use crate::store::{Holder, Store};

/// Hands out one engine, and counts how often it was asked for.
struct Shared {
    engine: Arc<FakeEngine>,
    asked: Arc<Mutex<u32>>,
}

#[async_trait]
impl Connect for Shared {
    async fn connect(&self) -> Result<Arc<dyn Engine>, EngineError> {
        *self.asked.lock().expect("not poisoned") += 1;
        Ok(self.engine.clone())
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<Event>>);

impl EventSink for Seen {
    fn emit(&self, event: &Event) {
        self.0.lock().expect("not poisoned").push(event.clone());
    }
}

/// One machine: a store, an engine, an output folder.
struct Bench {
    folder: TempDir,
    engine: Arc<FakeEngine>,
    asked: Arc<Mutex<u32>>,
    seen: Arc<Seen>,
    cancel: CancellationToken,
    recipe: Recipe,
    toolchain: Toolchain,
    offline: bool,
    /// `host:port/path` of a remote that may be written to.
    remote: Option<String>,
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, *content).expect("in memory");
    }
    builder.into_inner().expect("in memory")
}

impl Bench {
    /// An engine whose builds install what the recipe promises.
    fn new() -> Self {
        let engine = FakeEngine::new();
        engine.add_image("debian:sid");
        let status =
            b"Package: libfoo-dev\nStatus: install ok installed\nVersion: 2.1-3\nArchitecture: amd64\n\n";
        engine.hold("/var/lib/dpkg/status", archive(&[("status", status)]));
        engine.hold("/usr/bin/cc", archive(&[("cc", b"")]));
        engine.hold("/usr/bin/c++", archive(&[("c++", b"")]));
        engine.hold("/work/install", archive(&[("install/opt/x/share/hello.txt", b"hello")]));
        let mut files = FileSet::default();
        files.insert("source/hello.txt", b"hello\n".as_slice());
        let bundled = files.below("source").digest();
        let recipe = Recipe {
            name: "example".parse().expect("a name"),
            summary: String::new(),
            homepage: String::new(),
            license: "MIT".to_owned(),
            default_version: "1.0".parse().expect("a version"),
            versions: vec![RecipeVersion {
                requires: BTreeMap::new(),
                version: "1.0".parse().expect("a version"),
                rocm: "6.4.3".parse().expect("a version"),
                source: SourceSpec::Bundled { folder: "source".to_owned(), digest: bundled },
            }],
            requires: BTreeMap::new(),
            targets: vec!["gfx1010".parse().expect("a target"), "gfx1012".parse().expect("a target")],
            build: BuildSpec {
                prefix: "/opt/x".to_owned(),
                source_subdir: ".".to_owned(),
                host_only: false,
                memory_per_job: 1 << 20,
                disk: 0,
                minutes: 1,
                options: [("TARGET".to_owned(), OptionValue::Text("{target}".to_owned()))].into(),
                environment: BTreeMap::new(),
            },
            patches: vec![],
            proofs: vec![],
            library: None,
            kernels: vec![],
            calls: vec![],
            suites: vec![],
            packaging: Default::default(),
            outputs: vec![OutputSpec { path: "share/hello.txt".to_owned(), kind: OutputKind::File }],
            files,
        };
        let mut files = FileSet::default();
        files.insert("Dockerfile", b"FROM x".as_slice());
        let claim = Claim {
            version: "2.1".parse().expect("a version"),
            package: "libfoo-dev".to_owned(),
            file: None,
        };
        let toolchain = Toolchain {
            id: "debian-sid".parse().expect("an id"),
            summary: String::new(),
            rocm: "6.4.3".parse().expect("a version"),
            base: Base::Image("debian:sid".to_owned()),
            compilers: Compilers { c: GuestPath::new("/usr/bin/cc"), cxx: GuestPath::new("/usr/bin/c++") },
            environment: BTreeMap::new(),
            provides: [("foo".to_owned(), claim)].into(),
            files,
            locked: None,
        };
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            engine: Arc::new(engine),
            asked: Arc::default(),
            seen: Arc::default(),
            cancel: CancellationToken::new(),
            recipe,
            toolchain,
            offline: false,
            remote: None,
        }
    }

    fn path(&self, name: &str) -> HostPath {
        HostPath::new(self.folder.path().join(name))
    }

    async fn run(&self, targets: &[&str]) -> Result<Report, ExecuteError> {
        let store = Store::open(self.path("store").as_path()).expect("a store");
        let request = Request {
            recipe: &self.recipe,
            version: &self.recipe.versions[0],
            units: targets
                .iter()
                .map(|target| RequestedUnit {
                    target: target.parse().expect("a target"),
                    toolchain: &self.toolchain,
                    reason: "it fits".to_owned(),
                    patches: Chosen::default(),
                })
                .collect(),
            source: Ok(self.pinned()),
            source_date_epoch: DEFAULT_EPOCH,
            formats: &[crate::package::DEFAULT_FORMAT.to_owned()],
            revision: "1",
            maintainer: "A <a@b.c>",
            jobs: Some(1),
            memory: None,
            rebuild: false,
        };
        let plan = crate::plan::plan(&request, &Facts { cores: 1, memory: 1 << 30, ..Facts::default() });
        let limits = Limits {
            network: if self.offline { Network::Offline } else { Network::Online },
            rebuild: false,
            keep_failed: false,
            jobs: Some(1),
            memory: None,
            debian_mirror: None,
            apt_folder: self.path("apt"),
            keyrings: self.path("keyrings"),
            output: self.path("out"),
            lock_file: self.path("rdna-build.lock"),
            ccache: None,
        };
        let shared = self.remote.as_ref().map(|remote| self.shared(remote, store.clone()));
        let mut workshop = Workshop::new(
            store,
            Events::new(vec![self.seen.clone()]),
            Holder::this_process("r1".parse().expect("an id")),
            Machine { cores: 1, memory: 1 << 30, host: "here".to_owned(), boot: "b".to_owned() },
            self.cancel.clone(),
            limits,
            LockFile::default(),
            Box::new(Shared { engine: self.engine.clone(), asked: self.asked.clone() }),
        );
        workshop.shared = shared;
        let materials = Materials {
            recipe: &self.recipe,
            toolchains: vec![&self.toolchain],
            own_patches: &[],
            local: None,
        };
        super::run(&plan, &materials, &workshop).await
    }

    fn shared(&self, remote: &str, store: Store) -> SharedStore {
        let moment = Duration::from_millis(1);
        let patience = Patience {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            retries: 1,
            first_delay: moment,
            longest_delay: moment,
        };
        let remote = Remote::new(remote.parse().expect("an address"), Credentials::Files(vec![]), patience);
        let holder = Holder::this_process("r1".parse().expect("an id"));
        let exchange = Exchange::new(remote, store, holder, self.cancel.clone());
        SharedStore::new(exchange, RemoteAccess::ReadAndWrite)
    }

    fn warnings(&self) -> usize {
        let events = self.seen.0.lock().expect("not poisoned");
        events.iter().filter(|event| matches!(event, Event::Warning { .. })).count()
    }

    fn pinned(&self) -> PinnedSource {
        PinnedSource::Bundled {
            folder: "source".to_owned(),
            digest: self.recipe.files.below("source").digest(),
        }
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().expect("not poisoned")
    }

    fn reasons(&self, stage: Stage) -> Vec<String> {
        let events = self.seen.0.lock().expect("not poisoned");
        let reason = |event: &Event| match event {
            Event::StageStarted { stage: started, reason, .. } if *started == stage => Some(reason.clone()),
            _ => None,
        };
        events.iter().filter_map(reason).collect()
    }

    /// Nothing of a run may be in the engine when it returned; the two caches may.
    fn assert_clean(&self) {
        assert_eq!(self.engine.containers(), []);
        assert!(self.engine.volumes().iter().all(|name| name.starts_with("rdna-build-")));
    }
}

fn package(report: &Report) -> &Path {
    match &report.units[0].outcome {
        Outcome::Passed { packages } => Path::new(&packages[0].path),
        other => panic!("not passed: {other:?}"),
    }
}

#[tokio::test]
async fn a_unit_is_made_once_and_found_without_asking_the_engine() {
    let bench = Bench::new();
    let first = bench.run(&["gfx1010"]).await.expect("runs");
    let bytes = std::fs::read(package(&first)).expect("a package");
    assert_eq!((bench.asked(), first.units[0].stages.len()), (1, 5));
    bench.assert_clean();

    let second = bench.run(&["gfx1010"]).await.expect("runs");
    assert_eq!(bench.asked(), 1, "a cached run asked for the engine");
    assert!(second.units[0].stages.iter().all(|stage| stage.cached));
    assert_eq!(std::fs::read(package(&second)).expect("a package"), bytes);
}

#[tokio::test]
async fn what_vouches_for_a_package_lies_beside_it_and_stays_as_long_as_it_is_the_same() {
    let bench = Bench::new();
    let archive = package(&bench.run(&["gfx1010"]).await.expect("runs")).to_owned();
    let checked = || {
        let scratch = tempfile::tempdir().expect("a folder");
        let (keys, cancel) = (PublicKeys::default(), CancellationToken::new());
        let checked = attest::check(&archive, scratch.path(), &keys, false, 0, &cancel).expect("checked");
        let passed = checked.findings.iter().filter(|finding| finding.outcome == CheckOutcome::Passed);
        (checked.failed(), passed.map(|finding| finding.check).collect::<Vec<_>>())
    };
    assert_eq!(checked(), (0, vec!["archive", "files", "manifest", "sbom", "provenance"]));

    let beside = attest::Beside::of(&archive).expect("a package");
    std::fs::write(beside.provenance(), "signed since").expect("written");
    std::fs::remove_file(beside.sbom()).expect("removed");
    bench.run(&["gfx1010"]).await.expect("runs");
    assert_eq!(std::fs::read(beside.provenance()).expect("it stayed"), b"signed since");
    assert!(beside.sbom().exists(), "what is missing is put there again");

    // Another archive in its place: nothing beside it is of that.
    let signature =
        archive.with_file_name(format!("{}.sha256.asc", archive.file_name().expect("a name").display()));
    std::fs::write(&signature, "a signature").expect("written");
    std::fs::write(&archive, "another").expect("written");
    bench.run(&["gfx1010"]).await.expect("runs");
    assert!(!signature.exists());
    assert_eq!(checked().0, 0);
}

#[tokio::test]
async fn a_remote_of_no_use_fails_no_run_and_is_warned_of_once() {
    let before = Bench::new();
    let expected = std::fs::read(package(&before.run(&["gfx1010"]).await.expect("runs"))).expect("a package");
    for (status, body) in
        [(500, ""), (429, ""), (401, ""), (403, ""), (200, "no manifest"), (400, "x"), (302, "")]
    {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&server)
            .await;
        let mut bench = Bench::new();
        bench.remote = Some(format!("{}/a", server.address()));
        let report = bench.run(&["gfx1010"]).await.expect("runs");
        assert_eq!(std::fs::read(package(&report)).expect("a package"), expected, "{status}");
        assert_eq!(bench.warnings(), 1, "{status}");
        bench.assert_clean();
    }
}

#[tokio::test]
async fn a_remote_that_is_down_is_asked_once() {
    let mut bench = Bench::new();
    bench.remote = Some("127.0.0.1:1/a".to_owned());
    let report = bench.run(&["gfx1010", "gfx1012"]).await.expect("runs");
    assert!(report.units.iter().all(|unit| matches!(unit.outcome, Outcome::Passed { .. })));
    assert_eq!(bench.warnings(), 1);
}

#[tokio::test]
async fn build_containers_have_no_network_no_root_and_no_capability() {
    let bench = Bench::new();
    bench.run(&["gfx1010"]).await.expect("runs");
    for spec in bench.engine.specs() {
        assert_eq!(spec.network, crate::engine::Network::Denied);
        assert_eq!(spec.user, "1000:1000");
        assert!(spec.capabilities.is_empty() && spec.binds.is_empty());
    }
}

#[tokio::test]
async fn a_failed_build_is_data_and_the_next_unit_is_built_all_the_same() {
    let bench = Bench::new();
    bench.engine.reply(
        "-DTARGET=gfx1010",
        1,
        &["CMake Error at CMakeLists.txt:3 (find_package):", "  no foo"],
    );
    let report = bench.run(&["gfx1010", "gfx1012"]).await.expect("runs");
    let Outcome::Failed { why, .. } = &report.units[0].outcome else { panic!("the first unit fails") };
    assert!(
        why.contains("configure failed") && why.contains("CMakeLists.txt:3") && why.contains("no foo"),
        "{why}"
    );
    assert!(matches!(report.units[1].outcome, Outcome::Passed { .. }));
    bench.assert_clean();
}

#[tokio::test]
async fn a_build_that_installs_nothing_it_promised_failed() {
    let bench = Bench::new();
    bench.engine.hold("/work/install", archive(&[("install/opt/x/other.txt", b"x")]));
    let report = bench.run(&["gfx1010"]).await.expect("runs");
    let Outcome::Failed { why, .. } = &report.units[0].outcome else { panic!("it fails") };
    assert!(why.contains("share/hello.txt is missing"), "{why}");
}

#[tokio::test]
async fn what_changed_since_the_last_build_is_named() {
    let mut bench = Bench::new();
    bench.run(&["gfx1010"]).await.expect("runs");
    bench.recipe.build.options.insert("FAST".to_owned(), OptionValue::Switch(true));
    bench.run(&["gfx1010"]).await.expect("runs");
    assert_eq!(bench.reasons(Stage::Build), ["", "option FAST is new"]);
    assert_eq!(
        bench.reasons(Stage::Prepare).len(),
        1,
        "an option is none of the prepare stage's ingredients"
    );
}

#[tokio::test]
async fn an_engine_that_dies_is_an_error_and_what_was_done_stays_done() {
    let bench = Bench::new();
    bench.engine.break_at("upload");
    let error = bench.run(&["gfx1010"]).await.expect_err("the engine is gone");
    assert!(
        matches!(error, ExecuteError::Build(crate::build::BuildError::Engine(EngineError::Lost { .. }))),
        "{error:?}"
    );
    assert_eq!(bench.reasons(Stage::Toolchain).len(), 1);
}

#[tokio::test]
async fn an_interrupted_run_leaves_nothing() {
    let bench = Bench::new();
    bench.cancel.cancel();
    assert!(matches!(bench.run(&["gfx1010"]).await, Err(ExecuteError::Interrupted)));
    bench.assert_clean();
}

#[tokio::test]
async fn an_image_that_breaks_its_promise_is_refused() {
    let mut bench = Bench::new();
    let claim = bench.toolchain.provides.get_mut("foo").expect("claimed");
    claim.version = "3".parse().expect("a version");
    let error = bench.run(&["gfx1010"]).await.expect_err("it has foo 2.1");
    assert!(matches!(error, ExecuteError::Toolchain(_)), "{error:?}");
    bench.assert_clean();
}

#[tokio::test]
async fn an_image_the_engine_lost_is_made_again() {
    let bench = Bench::new();
    bench.run(&["gfx1010"]).await.expect("runs");
    for image in bench.engine.images() {
        if image.starts_with("localhost/") {
            bench.engine.remove_image(&image).await.expect("removed");
        }
    }
    bench.run(&["gfx1012"]).await.expect("runs");
    assert_eq!(bench.reasons(Stage::Toolchain).len(), 2);
}

#[test]
fn a_source_is_pinned_without_the_network_when_recipe_or_lock_say_how() {
    let commit: crate::model::CommitId =
        "2d1fd997a6fcf801ac4ca7a63e0656ef1cb9f488".parse().expect("a commit");
    let url = "https://example.org/x.git".to_owned();
    let spec =
        |commit| SourceSpec::Git { url: url.clone(), reference: Some("v1".into()), commit, subdir: None };
    let mut lock = LockFile::default();
    assert!(pin(&spec(Some(commit.clone())), &lock).is_some());
    assert_eq!(pin(&spec(None), &lock), None);
    lock.pin_commit(&url, "v1", &commit).expect("a new pin");
    assert!(
        matches!(pin(&spec(None), &lock), Some(PinnedSource::Git { commit: found, .. }) if found == commit)
    );
    let folder = SourceSpec::Folder { path: HostPath::new("/x") };
    assert_eq!(pin(&folder, &lock), None);
}
