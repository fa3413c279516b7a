//! The tier `gpu` in a real container with a made-up card: device nodes of the kernel's harmless kind, and a suite whose programs are
//! shell scripts that say what programs on a card say. No GPU computes here; that the verdicts are right is what is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rdna_build::engine::docker::{EngineChoice, connect};
use rdna_build::engine::{Engine, EngineError};
use rdna_build::execute::{
    Computing, Connect, Limits, Network, Recipes, RuntimeChoice, VerifySubject, VerifyTask, Workshop, verify,
};
use rdna_build::facts::kfd::{Gfx, GpuId, Kfd, Node};
use rdna_build::facts::variables::Variable;
use rdna_build::facts::{Host, Machine};
use rdna_build::lockfile::LockFile;
use rdna_build::model::{
    CheckOutcome, Device, Events, HostPath, Recipe, RunId, Suite, SuiteCase, Tier, Toolchain, Verification,
};
use rdna_build::recipe::RecipeBook;
use rdna_build::store::{Holder, Store};
use rdna_build::toolchain::Catalog;
use rdna_build::verify::Check;
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, leftovers_of};
use crate::made_up_card::{GROUP, MadeUpCard, RENDER_GROUP};
use crate::support::environment;
use crate::verify::check as of_check;

const TARGET: &str = "gfx1010";

#[derive(Debug)]
struct Known {
    recipe: Recipe,
    toolchains: Vec<Toolchain>,
}

impl Recipes for Known {
    fn recipe(&self, name: &str) -> Option<&Recipe> {
        (name == self.recipe.name.as_str()).then_some(&self.recipe)
    }

    fn toolchain(&self, id: &str) -> Option<&Toolchain> {
        self.toolchains.iter().find(|toolchain| toolchain.id.as_str() == id)
    }
}

struct Here;

#[async_trait]
impl Connect for Here {
    async fn connect(&self) -> Result<Arc<dyn Engine>, EngineError> {
        let runtime_folder = environment("XDG_RUNTIME_DIR").map(HostPath::new);
        let choice = EngineChoice::Auto { docker_host: environment("DOCKER_HOST"), runtime_folder };
        Ok(Arc::new(connect(&choice).await?))
    }
}

/// A case that is a shell script.
fn case(name: &str, script: &str, seconds: u32) -> SuiteCase {
    SuiteCase { name: name.to_owned(), arguments: vec![script.to_owned()], seconds, emulated_seconds: None }
}

fn host() -> Host {
    let node = Node {
        number: 1,
        place: "/sys/class/kfd/kfd/topology/nodes/1/properties".to_owned(),
        id: GpuId::Number(4097),
        simd_count: 72,
        gfx: Gfx::from_version(100_100),
        vendor: 0x1002,
        device: 0x731f,
        render_minor: Some(128),
        mec_firmware: Some(145),
        ..Node::default()
    };
    // The nodes below /dev are real ones, made by the test.
    let machine = Host::machine(vec![], &[]).expect("this machine can be looked at");
    Host { kfd: Some(Kfd { nodes: vec![node] }), variables: vec![], ..machine }
}

fn workshop(desk: &Desk) -> Workshop {
    let folder = HostPath::new(desk.output());
    let run: RunId = format!("r1-{}", std::process::id()).parse().expect("an id");
    let limits = Limits {
        network: Network::Offline,
        rebuild: false,
        keep_failed: false,
        jobs: None,
        memory: None,
        debian_mirror: None,
        apt_folder: folder.clone(),
        keyrings: folder.clone(),
        output: folder.clone(),
        lock_file: folder.join("rdna-build.lock"),
        ccache: None,
    };
    Workshop::new(
        Store::open(&desk.store).expect("the shared store"),
        Events::default(),
        Holder::this_process(run),
        Machine::look(),
        CancellationToken::new(),
        limits,
        LockFile::default(),
        Box::new(Here),
    )
}

/// The selftest's package, computed with by these scripts.
struct Scene {
    desk: Desk,
    archive: PathBuf,
    _card: MadeUpCard,
}

impl Scene {
    fn set() -> Option<Self> {
        let desk = Desk::shared()?;
        desk.selftest(TARGET, &[]).expect(0);
        let card = MadeUpCard::below(Path::new("/dev"))?;
        let archive = desk.output().join("selftest-1.0.0-gfx1010-debian-sid-hip.tar.zst");
        Some(Self { desk, archive, _card: card })
    }

    fn verify(&self, cases: Vec<SuiteCase>, host: Host, change: impl FnOnce(&mut Computing)) -> Verification {
        let book = RecipeBook::load(&[]).expect("built in");
        let mut recipe = book.get("selftest").expect("built in");
        recipe.suites = vec![Suite {
            id: "scripts".to_owned(),
            summary: "what programs on a card say".to_owned(),
            files: vec![],
            make: vec![],
            run: ["sh", "-c"].map(str::to_owned).into(),
            environment: Default::default(),
            cases,
        }];
        let known = Known { recipe, toolchains: Catalog::load(&[]).expect("built in").all().expect("valid") };
        let mut computing = Computing { host: Some(host), ..Computing::default() };
        change(&mut computing);
        let checks = ["gpu-device", "gpu-library", "gpu-ends", "gpu-results"];
        let task = VerifyTask {
            subject: VerifySubject::Package(self.archive.clone()),
            target: None,
            recipes: &known,
            runtime: RuntimeChoice::Own,
            source: None,
            computing,
            tiers: vec![Tier::Gpu],
            checks: checks.map(|id| Check::by_id(id).expect("a check")).into(),
        };
        let workshop = workshop(&self.desk);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let verified = runtime.block_on(verify(&task, &workshop)).expect("it comes to an end");
        drop(workshop);
        let left: Vec<_> = leftovers_of(std::process::id()).into_iter().filter(|one| one.running).collect();
        assert_eq!(left, [], "nothing is left in the engine");
        verified
    }
}

fn outcome<'v>(verified: &'v Verification, check: &str) -> (&'v CheckOutcome, &'v str) {
    let check = verified.checks.iter().find(|one| one.check == check).expect("it was asked for");
    (&check.outcome, &check.says)
}

/// What a program says that computes rightly.
fn right(what: &str) -> String {
    format!(
        "echo 'device: gfx1010:xnack- | made up | 36 compute units'; \
         echo 'library: /opt/rdna-build/selftest-1.0.0-gfx1010/lib/librdna_selftest.so.1.0.0'; \
         echo 'run: {what}'; echo 'right: {what}: largest error 0 of 1'"
    )
}

// One test: the nodes are there once.
#[test]
fn a_made_up_card_is_given_and_every_kind_of_end_is_told() {
    let Some(scene) = Scene::set() else { return };

    // What a case finds in its container.
    let looks = format!(
        "{}; echo run: devices; echo right: devices: $(stat -c '%n,%t:%T,%a,%u:%g' /dev/kfd /dev/dri/*); echo run: me; \
         echo right: me: $(id -G | tr ' ' '\\n' | sort -n) $(ls /sys/class/net) $(ulimit -c)",
        right("all")
    );
    let verified = scene.verify(vec![case("looks", &looks, 60)], host(), |_| {});
    for check in ["gpu-device", "gpu-library", "gpu-ends", "gpu-results"] {
        assert_eq!(outcome(&verified, check).0, &CheckOutcome::Passed, "{verified:#?}");
    }
    let says: Vec<&str> = verified.cases[0].runs.iter().map(|run| run.says.as_str()).collect();
    let devices = format!("/dev/kfd,1:3,660,0:{GROUP} /dev/dri/renderD128,1:3,660,0:{RENDER_GROUP}");
    assert_eq!(says[1..], [devices, format!("1000 {GROUP} {RENDER_GROUP} lo 0")]);
    let [Device::Card(used)] = verified.devices.as_slice() else { panic!("{:?}", verified.devices) };
    assert_eq!((used.id.as_str(), used.firmware), ("1002:731f", Some(145)));
    assert_eq!(
        used.passed,
        [
            "device /dev/kfd".to_owned(),
            "device /dev/dri/renderD128".to_owned(),
            format!("group {GROUP}"),
            format!("group {RENDER_GROUP}"),
            "1024 MiB of shared memory".to_owned()
        ]
    );

    // Each way to end, and after a hang nothing more.
    let cases = vec![
        case("right", &right("find"), 60),
        case("wrong", "echo run: 37; echo 'wrong: 37: 3 of 9 values'; exit 1", 60),
        case(
            "fault",
            "echo run: 85; echo 'Memory access fault by GPU node-1 on address 0x0' >&2; kill -6 $$",
            60,
        ),
        case(
            "flood",
            "head -c 50000000 /dev/zero | tr '\\0' x; echo; echo nothing: no solution; exit 77",
            60,
        ),
        case(
            "fill",
            "echo run: fill; trap '' XFSZ; head -c 3000000000 /dev/zero > /work/build/x; exit 1",
            120,
        ),
        case("hang", "echo run: 84; trap '' TERM; sleep 1000 & wait; sleep 1000", 2),
        case("after", &right("find"), 60),
    ];
    let verified = scene.verify(cases, host(), |_| {});
    let ends: Vec<(&str, &str, Option<&str>)> = verified
        .cases
        .iter()
        .map(|case| (case.case.as_str(), case.outcome.as_str(), case.failure.as_deref()))
        .collect();
    assert_eq!(
        ends,
        [
            ("right", "passed", None),
            ("wrong", "failed", Some("wrong-result")),
            ("fault", "failed", Some("page-fault")),
            ("flood", "skipped", None),
            ("fill", "failed", Some("ended-early")),
            ("hang", "failed", Some("hang")),
            ("after", "not run", None),
        ]
    );
    assert_eq!(verified.cases[5].says, "stopped after 2 s in `84`");
    assert!(
        verified.cases[6].says.starts_with("scripts/hang may have hung the card"),
        "{}",
        verified.cases[6].says
    );
    let (outcome_of_ends, says) = outcome(&verified, "gpu-ends");
    assert_eq!(outcome_of_ends, &CheckOutcome::Failed);
    assert!(says.contains("page-fault (1)") && says.contains("1 were not run"), "{says}");

    // The PyTorch of an environment: its own interpreter, which is read and not written.
    let venv = scene.desk.path("venv");
    std::fs::create_dir_all(venv.join("bin")).expect("a folder");
    let python = "#!/bin/sh\necho 'device: gfx1010 | made up'\necho run: layer\n[ \"$1\" = -I ] && [ -f \"$2\" ] || exit 9\n\
                  if touch \"$0\" 2>/dev/null; then echo wrong: layer: it can be written; exit 1; fi\n\
                  [ -e /dev/kfd ] && echo right: layer: $3 ${#4}\n";
    std::fs::write(venv.join("bin/python"), python).expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(venv.join("bin/python"), executable).expect("ours");
    let verified = scene.verify(vec![case("right", &right("find"), 60)], host(), |computing| {
        computing.venv = Some(venv.clone());
    });
    let of_pytorch: Vec<_> = verified.cases.iter().filter(|case| case.suite == "pytorch").collect();
    assert_eq!(of_pytorch.len(), 8, "{verified:#?}");
    assert!(of_pytorch.iter().all(|case| case.outcome == CheckOutcome::Passed), "{of_pytorch:#?}");
    assert_eq!(of_pytorch[0].runs[0].says, "crash 64", "the case and a digest");
    assert_eq!(outcome(&verified, "gpu-library").0, &CheckOutcome::Passed);
    let verified = scene.verify(vec![case("right", &right("find"), 60)], host(), |computing| {
        computing.venv = Some(scene.desk.path("nowhere"));
    });
    let of_pytorch = verified.cases.iter().find(|case| case.suite == "pytorch").expect("told");
    assert!(matches!(of_pytorch.outcome, CheckOutcome::NotRun { .. }), "{of_pytorch:#?}");

    // A card that is made to pretend is not used at all.
    let mut pretending = host();
    pretending.variables = vec![Variable {
        name: "HSA_OVERRIDE_GFX_VERSION".to_owned(),
        value: "10.3.0".to_owned(),
        place: "environment".to_owned(),
    }];
    let sees = "echo run: env; echo right: env: $HSA_OVERRIDE_GFX_VERSION";
    let verified = scene.verify(vec![case("sees", sees, 60)], pretending.clone(), |_| {});
    let (of_device, says) = outcome(&verified, "gpu-device");
    assert_eq!(of_device, &CheckOutcome::Failed);
    assert!(says.starts_with("HSA_OVERRIDE_GFX_VERSION is set"), "{says}");
    assert!(matches!(outcome(&verified, "gpu-results").0, CheckOutcome::NotRun { .. }));
    assert!(verified.cases.is_empty() && verified.devices.is_empty());
    let verified =
        scene.verify(vec![case("sees", sees, 60)], pretending, |computing| computing.allow_override = true);
    assert_eq!(verified.cases[0].runs[0].says, "10.3.0");

    // A card that is named and is not there, and one that has gone.
    let verified = scene.verify(vec![case("never", "exit 1", 60)], host(), |computing| {
        computing.device = Some("renderD129".to_owned());
    });
    assert!(outcome(&verified, "gpu-device").1.contains("there is gfx1010 (renderD128)"), "{verified:#?}");
    let there = host();
    drop(scene._card);
    let scene = Scene { _card: MadeUpCard::nothing(), ..scene };
    let verified = scene.verify(vec![case("never", "exit 1", 60)], there, |_| {});
    let (gone, says) = outcome(&verified, "gpu-device");
    assert!(matches!(gone, CheckOutcome::Skipped { .. }), "{verified:#?}");
    assert!(says.contains("the engine gives no container with the card"), "{says}");
}

/// A program in the place of an emulator's.
fn emulator(desk: &Desk, name: &str, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let prefix = desk.path(name);
    std::fs::create_dir_all(prefix.join("bin")).expect("a folder");
    let program = prefix.join("bin/rocjitsu");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("ours");
    prefix
}

fn emulated(desk: &Desk, prefix: &Path) -> crate::tool::Ended {
    desk.selftest(TARGET, &[]).expect(0);
    let archive = desk.output().join("selftest-1.0.0-gfx1010-debian-sid-hip.tar.zst");
    let words = [archive.to_str().expect("text"), "--tier", "emulated", "--emulator"];
    let mut command = desk.command(&["verify"]);
    command.args(words).arg(prefix);
    crate::tool::start(command).end()
}

/// What starts the program as it is: there is no GPU, and the canaries, which are compiled for real, find none.
const NO_EMULATOR: &str = "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"";

#[test]
fn an_emulator_that_fails_its_canaries_is_refused_by_name_and_nothing_else_is_said() {
    let Some(desk) = Desk::shared() else { return };
    let prefix = emulator(&desk, "none", NO_EMULATOR);
    let ended = emulated(&desk, &prefix);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    let (outcome, says) = of_check(&ended, "emulated-device");
    assert_eq!(outcome, "failed");
    assert!(
        says.contains("fails its canaries: vector-add, shifts, lanes-32")
            && says.contains("no-device") | says.contains("HIP finds no GPU"),
        "{says}"
    );
    for check in ["emulated-library", "emulated-ends", "emulated-results"] {
        assert_eq!(of_check(&ended, check).0, "not-run", "{check}");
    }
    assert!(ended.events[0]["cases"].is_null(), "no case was begun");
}

/// Says that everything is right, of whatever it is to run, and shows what it was given.
const LIAR: &str = "\
[ \"$1\" = --config ] && grep -q '\"gfx_target_version\": 100100' \"$2\" || exit 9
[ -d \"$ROCJITSU_RUNTIME_DIR\" ] && [ \"$(id -u)\" = 1000 ] && [ \"$(ls /sys/class/net)\" = lo ] || exit 9
echo 'device: gfx1010 | emulated | 18 compute units'
echo 'library: /opt/rdna-build/selftest-1.0.0-gfx1010/lib/librdna_selftest.so.1.0.0'
echo 'run: all'
[ \"$5\" = row-sum ] && { echo 'wrong: all: 1 of 37 values'; exit 1; }
echo 'right: all: largest error 0 of 1'";

#[test]
fn behind_canaries_that_are_right_the_small_cases_are_computed_and_labelled() {
    let Some(desk) = Desk::shared() else { return };
    let prefix = emulator(&desk, "liar", LIAR);
    let ended = emulated(&desk, &prefix);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    let (outcome, says) = of_check(&ended, "emulated-results");
    assert_eq!(outcome, "failed");
    assert!(says.contains("1 of 4 runs: operators/row-sum, emulated, not hardware"), "{says}");
    for check in ["emulated-device", "emulated-library", "emulated-ends"] {
        assert_eq!(of_check(&ended, check).0, "passed", "{check}: {ended:#?}");
    }
    let device = &ended.events[0]["devices"][0];
    assert_eq!((&device["kind"], &device["target"]), (&"emulator".into(), &"gfx1010".into()));
    assert_eq!(device["sha256"].as_str().map(str::len), Some(64));
}
