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
         echo 'library: /opt/rdna-build/selftest-1.0.0-gfx1010/lib/librdna_selftest.so.1'; \
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
        case("fault", "echo run: 85; echo 'Memory access fault by GPU node-1 on address 0x0' >&2; kill -6 $$", 60),
        case("flood", "head -c 50000000 /dev/zero | tr '\\0' x; echo; echo nothing: no solution; exit 77", 60),
        case("fill", "echo run: fill; trap '' XFSZ; head -c 3000000000 /dev/zero > /work/build/x; exit 1", 120),
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
    assert!(verified.cases[6].says.starts_with("scripts/hang may have hung the card"), "{}", verified.cases[6].says);
    let (outcome_of_ends, says) = outcome(&verified, "gpu-ends");
    assert_eq!(outcome_of_ends, &CheckOutcome::Failed);
    assert!(says.contains("page-fault (1)") && says.contains("1 were not run"), "{says}");

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
    let verified = scene.verify(vec![case("sees", sees, 60)], pretending, |computing| computing.allow_override = true);
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
