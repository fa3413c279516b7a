use proptest::prelude::*;

use super::*;
use crate::document::testing::rendered;
use crate::model::{Base, BuildSpec, Claim, Compilers, DebianBase, FileSet, GuestPath, PathFilters};

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn toolchain(id: &str, rocm: &str, provides: &[(&str, &str)]) -> Toolchain {
    let claim = |version: &str| Claim {
        version: version.parse().expect("a version"),
        package: "x1".into(),
        file: None,
    };
    let compiler = GuestPath::new("/usr/bin/cc");
    Toolchain {
        id: id.parse().expect("an id"),
        summary: String::new(),
        rocm: version(rocm),
        base: Base::Image("example".into()),
        compilers: Compilers { c: compiler.clone(), cxx: compiler },
        environment: BTreeMap::new(),
        provides: provides.iter().map(|(name, version)| ((*name).to_owned(), claim(version))).collect(),
        files: FileSet::default(),
        locked: None,
    }
}

fn recipe(requires: &[(&str, &str)]) -> Recipe {
    Recipe {
        name: "miopen".parse().expect("a name"),
        summary: String::new(),
        homepage: String::new(),
        license: String::new(),
        default_version: version("3.3.0"),
        versions: Vec::new(),
        requires: requires
            .iter()
            .map(|(name, range)| ((*name).to_owned(), range.parse().expect("a range")))
            .collect(),
        targets: Vec::new(),
        build: BuildSpec {
            prefix: String::new(),
            source_subdir: String::new(),
            host_only: false,
            memory_per_job: 1,
            disk: 1,
            minutes: 1,
            options: BTreeMap::new(),
            environment: BTreeMap::new(),
        },
        patches: Vec::new(),
        proofs: Vec::new(),
        library: None,
        kernels: vec![],
        calls: vec![],
        suites: vec![],
        packaging: Default::default(),
        outputs: Vec::new(),
        files: FileSet::default(),
    }
}

fn miopen() -> Recipe {
    recipe(&[("hip", ">=6.0"), ("rocblas", ">=6.0")])
}

fn shelf() -> Vec<Toolchain> {
    vec![
        toolchain("debian-13", "5.7.1", &[("hip", "6.0"), ("rocblas", "5.5.1")]),
        toolchain("debian-sid", "6.4.3", &[("hip", "6.4.3"), ("rocblas", "6.4.4")]),
        toolchain("debian-sid-hip", "6.4.3", &[("hip", "6.4.3")]),
        toolchain("rocm-7.0", "7.0.2", &[("hip", "7.0"), ("rocblas", "7.0")]),
    ]
}

/// Chooses for `miopen` 3.3.0 with the given release; only `unavailable` cannot be had.
fn chosen(rocm: &str, unavailable: &str) -> (String, String) {
    let available = |toolchain: &Toolchain| match toolchain.id.as_str() == unavailable {
        true => Availability::Unavailable { why: "no registry answers".to_owned() },
        false => Availability::Obtainable,
    };
    let shelf = shelf();
    let choice =
        choose(&miopen(), &version("3.3.0"), &version(rocm), &shelf, None, &available).expect("one fits");
    (choice.toolchain.id.to_string(), choice.reason)
}

fn obtainable(_: &Toolchain) -> Availability {
    Availability::Obtainable
}

#[test]
fn the_release_a_version_belongs_to_comes_first() {
    let (id, reason) = chosen("6.4.3", "");
    assert_eq!(
        (id.as_str(), reason.as_str()),
        ("debian-sid", "its ROCm 6.4.3 is the release of miopen 3.3.0")
    );
}

#[test]
fn the_nearest_that_meets_all_requirements_is_chosen_and_says_what_was_refused() {
    let (id, reason) = chosen("6.3.0", "");
    assert_eq!(id, "debian-sid");
    assert_eq!(
        reason,
        "nearest to ROCm 6.3.0 that meets hip >=6.0, rocblas >=6.0; \
         debian-sid-hip was refused: provides no rocblas; \
         debian-13 was refused: rocblas 5.5.1 does not meet >=6.0"
    );
}

#[test]
fn the_series_comes_before_a_nearer_number() {
    let (id, reason) = chosen("6.4.9", "");
    assert_eq!(id, "debian-sid");
    assert!(reason.starts_with("its ROCm 6.4.3 is of the same series as 6.4.9, the release of miopen 3.3.0"));
}

#[test]
fn what_cannot_be_had_from_here_is_passed_over() {
    let (id, reason) = chosen("6.4.3", "debian-sid");
    assert_eq!(id, "rocm-7.0");
    assert!(reason.contains("debian-sid was refused: no registry answers"), "{reason}");
}

#[test]
fn of_two_as_near_the_one_that_needs_no_registry_and_brings_least_counts() {
    let debian = |mut toolchain: Toolchain| {
        toolchain.base = Base::Debian(DebianBase {
            suite: "sid".to_owned(),
            further_suites: Vec::new(),
            components: vec!["main".to_owned()],
            check_valid_until: true,
            packages: Vec::new(),
            left_out: PathFilters::default(),
        });
        toolchain
    };
    let shelf = [
        toolchain("a-registry", "6.4.3", &[("hip", "6.4.3")]),
        debian(toolchain("b-large", "6.4.3", &[("hip", "6.4.3"), ("rocblas", "6.4.4")])),
        debian(toolchain("c-small", "6.4.3", &[("hip", "6.4.3")])),
    ];
    let id = |recipe: &Recipe, here: &str| {
        let available = |toolchain: &Toolchain| match toolchain.id.as_str() == here {
            true => Availability::Ready,
            false => Availability::Obtainable,
        };
        let choice = choose(recipe, &version("1"), &version("6.4.3"), &shelf, None, &available);
        choice.expect("one fits").toolchain.id.to_string()
    };
    // What was made before must not decide what is built.
    for here in ["a-registry", "b-large", "c-small"] {
        assert_eq!(id(&recipe(&[("hip", ">=6")]), here), "c-small");
        assert_eq!(id(&miopen(), here), "b-large");
    }
}

#[test]
fn an_explicit_toolchain_is_refused_with_all_that_speaks_against_it() {
    let shelf = shelf();
    let id = "debian-13".parse().expect("an id");
    let recipe = recipe(&[("hip", ">=6.1"), ("rocblas", ">=6.0"), ("half", ">=1")]);
    let unavailable = |_: &Toolchain| Availability::Unavailable { why: "no mirror is known".to_owned() };
    let error = choose(&recipe, &version("3.3.0"), &version("6.4.3"), &shelf, Some(&id), &unavailable)
        .expect_err("it cannot serve");
    assert_eq!(
        error.to_string(),
        "the toolchain debian-13 cannot build miopen 3.3.0: provides no half, hip 6.0 does not meet >=6.1, \
         rocblas 5.5.1 does not meet >=6.0, no mirror is known"
    );
}

#[test]
fn an_unknown_toolchain_is_refused_with_the_nearest() {
    let id = "debian-sit".parse().expect("an id");
    let error = choose(&miopen(), &version("3.3.0"), &version("6.4.3"), &shelf(), Some(&id), &obtainable)
        .map(|_| ())
        .expect_err("unknown");
    assert!(rendered(&error).contains("did you mean `debian-sid`?"));
}

#[test]
fn where_nothing_fits_each_toolchain_says_why() {
    let recipe = recipe(&[("hip", ">=9")]);
    let error = choose(&recipe, &version("3.3.0"), &version("6.4.3"), &shelf(), None, &obtainable)
        .map(|_| ())
        .expect_err("nothing fits");
    snapbox::assert_data_eq!(
        rendered(&error),
        snapbox::str![[r#"
toolchain::none

  × no toolchain can build miopen 3.3.0, which belongs to ROCm 6.4.3
  help: add a toolchain with --toolchains DIR; these were refused:
        debian-sid-hip  hip 6.4.3 does not meet >=9
        debian-sid      hip 6.4.3 does not meet >=9
        debian-13       hip 6.0 does not meet >=9
        rocm-7.0        hip 7.0 does not meet >=9

"#]]
    );
}

#[test]
fn what_a_version_requires_comes_before_what_the_recipe_does() {
    let mut recipe = recipe(&[("hip", ">=6.0"), ("rocblas", ">=6.0")]);
    let only = ("rocblas".to_owned(), ">=6.0, <7.0".parse().expect("a range"));
    recipe.versions.push(crate::model::RecipeVersion {
        version: version("3.3.0"),
        rocm: version("6.3"),
        source: crate::model::SourceSpec::Bundled {
            folder: String::new(),
            digest: crate::model::Digest::of(""),
        },
        requires: [only].into(),
    });
    let candidates = [toolchain("seven", "7.0.2", &[("hip", "7.0"), ("rocblas", "7.0")])];
    let of = |asked| {
        choose(&recipe, &version(asked), &version("6.3"), &candidates, None, &|_| Availability::Ready)
    };
    let refused = of("3.3.0").expect_err("its rocBLAS is too new");
    assert!(rendered(&refused).contains("rocblas 7.0 does not meet >=6.0, <7.0"), "{}", rendered(&refused));
    assert!(of("3.5.0").is_ok(), "of another version nothing is said");
}

proptest! {
    #[test]
    fn the_order_of_the_candidates_changes_nothing(
        releases in prop::collection::vec((5u32..8, 0u32..3, 0u32..3, 0u32..9, 0u8..3), 0..8),
        asked in (5u32..8, 0u32..3),
        keys in prop::collection::vec(any::<u64>(), 8),
    ) {
        let states: BTreeMap<String, Availability> = releases.iter().enumerate().map(|(i, release)| {
            let state = match release.4 {
                0 => Availability::Ready,
                1 => Availability::Obtainable,
                _ => Availability::Unavailable { why: "no".to_owned() },
            };
            (format!("t{i}"), state)
        }).collect();
        let candidates: Vec<Toolchain> = releases.iter().enumerate().map(|(i, (a, b, c, hip, _))| {
            toolchain(&format!("t{i}"), &format!("{a}.{b}.{c}"), &[("hip", &hip.to_string())])
        }).collect();
        let mut shuffled: Vec<(u64, Toolchain)> = keys.into_iter().zip(candidates.clone()).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Toolchain> = shuffled.into_iter().map(|(_, toolchain)| toolchain).collect();
        let recipe = recipe(&[("hip", ">=4")]);
        let rocm = version(&format!("{}.{}", asked.0, asked.1));
        let available = |toolchain: &Toolchain| states[toolchain.id.as_str()].clone();
        let outcome = |candidates: &[Toolchain]| {
            match choose(&recipe, &version("1"), &rocm, candidates, None, &available) {
                Ok(choice) => format!("{} {} {:?}", choice.toolchain.id, choice.reason, choice.refused),
                Err(error) => rendered(&error),
            }
        };
        prop_assert_eq!(outcome(&candidates), outcome(&shuffled));
    }
}
