use super::*;
use crate::model::{
    BaseImage, BuildSpec, Claim, Compilers, FileSet, GuestPath, OutputKind, PatchSpec, VersionRange,
};

fn recipe() -> Recipe {
    let mut files = FileSet::default();
    files.insert("patches/0001-all.patch", b"one".as_slice());
    files.insert("patches/0002-new-boost.patch", b"two".as_slice());
    files.insert("patches/0003-old-version.patch", b"three".as_slice());
    let patch = |file: &str, versions: &str, when: &[(&str, &str)]| PatchSpec {
        file: file.to_owned(),
        why: "because".to_owned(),
        versions: if versions.is_empty() {
            VersionRange::default()
        } else {
            versions.parse().expect("a range")
        },
        when: when
            .iter()
            .map(|(name, range)| ((*name).to_owned(), range.parse().expect("a range")))
            .collect(),
        fuzz: 0,
    };
    Recipe {
        name: "example".parse().expect("a name"),
        summary: String::new(),
        homepage: String::new(),
        license: "MIT".to_owned(),
        default_version: "1.0".parse().expect("a version"),
        versions: vec![RecipeVersion {
            version: "1.0".parse().expect("a version"),
            rocm: "6.4.3".parse().expect("a version"),
            source: SourceSpec::Bundled { folder: "source".to_owned(), digest: Digest::of("s") },
        }],
        requires: BTreeMap::new(),
        targets: vec!["gfx1010".parse().expect("a target")],
        build: BuildSpec {
            prefix: "/opt/{name}-{version}-{target}".to_owned(),
            source_subdir: ".".to_owned(),
            host_only: true,
            memory_per_job: 2 << 30,
            disk: 1 << 30,
            minutes: 40,
            options: [
                ("GPU_TARGETS".to_owned(), OptionValue::Text("{target}".to_owned())),
                ("TESTS".to_owned(), OptionValue::Switch(false)),
            ]
            .into(),
            environment: BTreeMap::new(),
        },
        patches: vec![
            patch("patches/0001-all.patch", "", &[]),
            patch("patches/0002-new-boost.patch", ">=1.0", &[("boost", ">=1.87")]),
            patch("patches/0003-old-version.patch", "<1.0", &[]),
        ],
        outputs: vec![OutputSpec { path: "lib/x-{target}.co".to_owned(), kind: OutputKind::CodeObject }],
        files,
    }
}

fn toolchain(boost: &str) -> Toolchain {
    let mut files = FileSet::default();
    files.insert("Dockerfile", b"FROM x".as_slice());
    let claim =
        Claim { version: boost.parse().expect("a version"), package: "libboost-dev".to_owned(), file: None };
    Toolchain {
        id: "debian-sid".parse().expect("an id"),
        summary: String::new(),
        rocm: "6.4.3".parse().expect("a version"),
        base: BaseImage { image: "debian:sid".to_owned(), debian: None },
        packages: vec![],
        compilers: Compilers { c: GuestPath::new("/usr/bin/clang"), cxx: GuestPath::new("/usr/bin/clang++") },
        environment: [("HIP_PLATFORM".to_owned(), "amd".to_owned())].into(),
        provides: [("boost".to_owned(), claim)].into(),
        files,
    }
}

fn request<'a>(recipe: &'a Recipe, toolchain: &'a Toolchain) -> Request<'a> {
    Request {
        recipe,
        version: &recipe.versions[0],
        units: vec![(recipe.targets[0], toolchain, "it fits".to_owned())],
        source: Ok(PinnedSource::Bundled { folder: "source".to_owned(), digest: Digest::of("s") }),
        source_date_epoch: DEFAULT_EPOCH,
        format: "tar.zst",
        jobs: None,
        memory: None,
        rebuild: false,
    }
}

fn facts(toolchain: &Toolchain) -> Facts {
    Facts {
        cores: 16,
        memory: 12 << 30,
        identities: [(key::toolchain(toolchain.definition()).key, Digest::of("packages"))].into(),
        ..Facts::default()
    }
}

#[test]
fn a_patch_is_planned_when_version_and_toolchain_ask_for_it() {
    let recipe = recipe();
    let version = &recipe.versions[0].version;
    let files = |boost| {
        patches(&recipe, version, &toolchain(boost)).into_iter().map(|patch| patch.file).collect::<Vec<_>>()
    };
    assert_eq!(files("1.92"), ["patches/0001-all.patch", "patches/0002-new-boost.patch"]);
    assert_eq!(files("1.83"), ["patches/0001-all.patch"]);
}

#[test]
fn placeholders_are_filled_and_host_only_becomes_a_flag() {
    let (recipe, toolchain) = (recipe(), toolchain("1.92"));
    let unit = &plan(&request(&recipe, &toolchain), &facts(&toolchain)).units[0];
    assert_eq!(unit.prefix, "/opt/example-1.0-gfx1010");
    assert_eq!(unit.options["GPU_TARGETS"], "gfx1010");
    assert_eq!(unit.options["TESTS"], "OFF");
    assert_eq!(unit.options["CMAKE_CXX_FLAGS"], "--offload-host-only");
    assert_eq!(unit.outputs[0].path, "lib/x-gfx1010.co");
    assert_eq!(unit.script.environment["HIP_PLATFORM"], "amd");
    assert!(unit.script.configure.contains(&"-DCMAKE_INSTALL_PREFIX=/opt/example-1.0-gfx1010".to_owned()));
}

#[test]
fn memory_limits_jobs_and_a_person_overrides_both() {
    assert_eq!(jobs(16, 12 << 30, 2 << 30, None), 6);
    assert_eq!(jobs(2, 64 << 30, 2 << 30, None), 2);
    assert_eq!(jobs(16, 1 << 30, 2 << 30, None), 1);
    assert_eq!(jobs(2, 1 << 30, 2 << 30, Some(8)), 8);
}

#[test]
fn keys_that_wait_for_the_image_are_unknown_and_known_once_its_identity_is() {
    let (recipe, toolchain) = (recipe(), toolchain("1.92"));
    let request = request(&recipe, &toolchain);
    let state =
        |facts: &Facts| plan(&request, facts).units[0].stage(Stage::Build).expect("planned").state.clone();
    let before = Facts { identities: BTreeMap::new(), ..facts(&toolchain) };
    assert!(matches!(state(&before), StageState::Unknown { after: Stage::Toolchain }));
    assert!(matches!(state(&facts(&toolchain)), StageState::ToDo { .. }));
}

#[test]
fn what_the_store_holds_is_cached_and_a_miss_says_what_changed() {
    let (recipe, toolchain) = (recipe(), toolchain("1.92"));
    let request = request(&recipe, &toolchain);
    let mut facts = facts(&toolchain);
    let first = plan(&request, &facts).units.remove(0);
    let build = first.stage(Stage::Build).expect("planned");
    facts.held = wanted(&plan(&request, &facts)).collect();
    let held = plan(&request, &facts);
    assert!(held.units[0].stages.iter().all(|stage| matches!(stage.state, StageState::Cached { .. })));

    facts.history =
        [(first.id.file_stem(), History { ingredients: build.ingredients.clone(), seconds: 99.5 })].into();
    let mut touched = recipe.clone();
    touched.files.insert("patches/0001-all.patch", b"other".as_slice());
    let request = Request { recipe: &touched, ..request };
    let unit = plan(&request, &facts).units.remove(0);
    let StageState::ToDo { reasons, .. } = &unit.stage(Stage::Build).expect("planned").state else {
        panic!("a changed patch is a miss");
    };
    assert_eq!(reasons, &["patches/0001-all.patch changed"]);
    assert_eq!((unit.cost.seconds, unit.cost.measured), (100, true));
}

#[test]
fn a_plan_survives_json_and_names_no_place_of_this_machine() {
    let (recipe, toolchain) = (recipe(), toolchain("1.92"));
    let plan = plan(&request(&recipe, &toolchain), &facts(&toolchain));
    let text = serde_json::to_string(&plan).expect("serialises");
    let back: Plan = serde_json::from_str(&text).expect("reads back");
    assert_eq!(serde_json::to_string(&back).expect("serialises"), text);
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
}
