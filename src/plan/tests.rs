use super::patches::{ChoiceError, Chosen, PatchChoice, choose};
use super::*;
use crate::model::{
    Base, BuildSpec, Claim, Compilers, FileSet, Fit, GuestPath, OutputKind, OwnPatch, PatchSpec,
    PatchVariant, PlannedPatch, VersionRange,
};

fn recipe() -> Recipe {
    let mut files = FileSet::default();
    for name in ["all", "new-boost", "old-version", "opt-in", "unproven", "on-top"] {
        files.insert(format!("patches/{name}.patch"), name.as_bytes().to_vec());
    }
    let patch = |name: &str, versions: &str, when: &[(&str, &str)]| PatchSpec {
        name: name.parse().expect("a name"),
        why: "because".to_owned(),
        upstream: String::new(),
        opt_in: false,
        when: when
            .iter()
            .map(|(name, range)| ((*name).to_owned(), range.parse().expect("a range")))
            .collect(),
        needs: vec![],
        mark: None,
        variants: vec![PatchVariant {
            file: format!("patches/{name}.patch"),
            versions: if versions.is_empty() {
                VersionRange::default()
            } else {
                versions.parse().expect("a range")
            },
            fit: Fit::Exact,
            proven: vec!["1.0".parse().expect("a version")],
            proofs: vec!["example".to_owned()],
        }],
    };
    Recipe {
        name: "example".parse().expect("a name"),
        summary: String::new(),
        homepage: String::new(),
        license: "MIT".to_owned(),
        default_version: "1.0".parse().expect("a version"),
        versions: vec![RecipeVersion {
            requires: BTreeMap::new(),
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
            patch("all", "", &[]),
            patch("new-boost", ">=1.0", &[("boost", ">=1.87")]),
            patch("old-version", "<1.0", &[]),
        ],
        proofs: vec![],
        library: None,
        kernels: vec![],
        calls: vec![],
        suites: vec![],
        packaging: Default::default(),
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
        base: Base::Image("debian:sid".to_owned()),
        compilers: Compilers { c: GuestPath::new("/usr/bin/clang"), cxx: GuestPath::new("/usr/bin/clang++") },
        environment: [("HIP_PLATFORM".to_owned(), "amd".to_owned())].into(),
        provides: [("boost".to_owned(), claim)].into(),
        files,
        locked: None,
    }
}

static FORMATS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| vec!["tar.zst".to_owned()]);

fn request<'a>(recipe: &'a Recipe, toolchain: &'a Toolchain) -> Request<'a> {
    Request {
        recipe,
        version: &recipe.versions[0],
        units: vec![RequestedUnit {
            target: recipe.targets[0],
            toolchain,
            reason: "it fits".to_owned(),
            patches: chosen(recipe, toolchain, &PatchChoice::default()).expect("they can be chosen"),
        }],
        source: Ok(PinnedSource::Bundled { folder: "source".to_owned(), digest: Digest::of("s") }),
        source_date_epoch: DEFAULT_EPOCH,
        formats: &FORMATS,
        revision: "1",
        maintainer: "A <a@b.c>",
        jobs: None,
        memory: None,
        rebuild: false,
    }
}

fn chosen(recipe: &Recipe, toolchain: &Toolchain, choice: &PatchChoice) -> Result<Chosen, ChoiceError> {
    choose(recipe, &recipe.versions[0].version, toolchain, choice)
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
    let files = |boost| {
        let chosen = chosen(&recipe, &toolchain(boost), &PatchChoice::default()).expect("they can be chosen");
        chosen.patches.into_iter().map(|patch| patch.file).collect::<Vec<_>>()
    };
    assert_eq!(files("1.92"), ["patches/all.patch", "patches/new-boost.patch"]);
    assert_eq!(files("1.83"), ["patches/all.patch"]);
}

/// A recipe with a patch nobody gets unasked, one that was never proven, and one that needs both.
fn with_more_patches() -> Recipe {
    let mut recipe = recipe();
    let like = |name: &str| PatchSpec {
        name: name.parse().expect("a name"),
        variants: vec![PatchVariant {
            file: format!("patches/{name}.patch"),
            ..recipe.patches[0].variants[0].clone()
        }],
        ..recipe.patches[0].clone()
    };
    let opt_in = PatchSpec { opt_in: true, ..like("opt-in") };
    let mut unproven = like("unproven");
    unproven.variants[0].proven.clear();
    let needs = vec![opt_in.name.clone(), unproven.name.clone()];
    let on_top = PatchSpec { needs, ..like("on-top") };
    recipe.patches.extend([opt_in, unproven, on_top]);
    recipe
}

fn names(names: &[&str]) -> std::collections::BTreeSet<crate::model::PatchName> {
    names.iter().map(|name| name.parse().expect("a name")).collect()
}

/// What is applied, and what is left out with its reason.
fn shown(chosen: &Chosen) -> (Vec<String>, Vec<String>) {
    let mark = |patch: &PlannedPatch| format!("{}{}", patch.name, if patch.unproven { "?" } else { "" });
    (
        chosen.patches.iter().map(mark).collect(),
        chosen.left_out.iter().map(|left_out| format!("{}: {}", left_out.name, left_out.reason)).collect(),
    )
}

#[test]
fn what_is_opt_in_or_unproven_stays_out_and_is_named() {
    let (recipe, toolchain) = (with_more_patches(), toolchain("1.83"));
    let (applied, left_out) = shown(&chosen(&recipe, &toolchain, &PatchChoice::default()).expect("chosen"));
    assert_eq!(applied, ["all"]);
    assert_eq!(
        left_out,
        [
            "opt-in: opt-in",
            "unproven: never proven on this version",
            "on-top: needs opt-in, which is not applied"
        ]
    );
}

#[test]
fn a_patch_that_is_asked_for_brings_what_it_needs() {
    let (recipe, toolchain) = (with_more_patches(), toolchain("1.83"));
    let choice = PatchChoice { with: names(&["on-top"]), ..PatchChoice::default() };
    let (applied, left_out) = shown(&chosen(&recipe, &toolchain, &choice).expect("chosen"));
    assert_eq!((applied.join(" "), left_out.len()), ("all opt-in unproven? on-top".to_owned(), 0));

    let choice = PatchChoice { unproven: true, without: names(&["all"]), ..PatchChoice::default() };
    let (applied, left_out) = shown(&chosen(&recipe, &toolchain, &choice).expect("chosen"));
    assert_eq!(applied, ["unproven?"]);
    assert_eq!(left_out[0], "all: left out");
}

#[test]
fn a_choice_that_cannot_be_met_is_refused_with_its_reason() {
    let (recipe, toolchain) = (with_more_patches(), toolchain("1.83"));
    let refused = |with: &[&str], without: &[&str]| {
        let choice = PatchChoice { with: names(with), without: names(without), ..PatchChoice::default() };
        chosen(&recipe, &toolchain, &choice).expect_err("it cannot be met").to_string()
    };
    assert_eq!(refused(&["opt-im"], &[]), "example has no patch `opt-im`");
    assert_eq!(refused(&["all"], &["all"]), "`all` is both asked for and left out");
    assert_eq!(
        refused(&["old-version"], &[]),
        "`old-version` cannot be applied to example 1.0: not for this version"
    );
    assert_eq!(
        refused(&["new-boost"], &[]),
        "`new-boost` cannot be applied to example 1.0: not for this toolchain's boost"
    );
    assert_eq!(
        refused(&["on-top"], &["unproven"]),
        "`on-top` cannot be applied to example 1.0: needs unproven, which is not applied"
    );
}

#[test]
fn a_person_s_own_patch_comes_last_and_its_place_on_disk_is_nobody_s_affair() {
    let (recipe, toolchain) = (recipe(), toolchain("1.92"));
    let own = OwnPatch {
        name: "mine".parse().expect("a name"),
        file: "own/0001-mine.patch".to_owned(),
        bytes: b"mine".to_vec(),
        fit: Fit::Offset,
    };
    let choice = PatchChoice { own: vec![own], ..PatchChoice::default() };
    let last = chosen(&recipe, &toolchain, &choice).expect("chosen").patches.pop().expect("one at least");
    assert_eq!(
        (last.file.as_str(), last.sha256, last.fit),
        ("own/0001-mine.patch", Digest::of("mine"), Fit::Offset)
    );
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
    touched.files.insert("patches/all.patch", b"other".as_slice());
    let request = super::tests::request(&touched, &toolchain);
    let unit = plan(&request, &facts).units.remove(0);
    let StageState::ToDo { reasons, .. } = &unit.stage(Stage::Build).expect("planned").state else {
        panic!("a changed patch is a miss");
    };
    assert_eq!(reasons, &["patches/all.patch changed"]);
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
