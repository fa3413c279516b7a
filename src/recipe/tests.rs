use std::path::Path;

use proptest::prelude::*;
use snapbox::{IntoData, assert_data_eq, str};

use super::keys::{
    API, BUILD, CALL, CALLS, CASES, COMMANDS, COMMANDS_SIDE, COMPILE, EXPECT, GAP, KERNEL_CASES, KERNELS,
    LIBRARY, MARK, OUTPUT, PACKAGE, PATCH, PROOF, RECIPE, RELATIONS, SERIES, SIDE, STEP, TARGETS, VARIANT,
    VERSION,
};
use super::parse::{FILE, parse};
use super::series::SERIES_FILE;
use super::{PROVEN_FILE, Proven, RecipeBook, RecipeError, lint, write_proven};
use crate::document::testing::rendered;
use crate::document::{Origin, read_folder};
use crate::model::{FileSet, Fit, Ground, HostPath, OptionValue, ProofKind, Recipe, SourceSpec, StepWork};

fn fixtures() -> HostPath {
    HostPath::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/recipes"))
}

/// The files of the recipe `everything`, with one part of its text replaced.
fn everything_with(part: &str, by: &str) -> FileSet {
    let mut files = read_folder(&fixtures().join("everything")).expect("the fixture can be read");
    let text = files.text(FILE).expect("it has a recipe").to_owned();
    assert!(text.contains(part), "the fixture has no `{part}`");
    files.insert(FILE, text.replacen(part, by, 1).into_bytes());
    files
}

fn everything() -> Recipe {
    parse("everything", FILE, everything_with("", "")).expect("a good recipe").0
}

fn refused(files: FileSet) -> String {
    rendered(&parse("everything", FILE, files).expect_err("a mistake"))
}

fn check(part: &str, by: &str, expected: impl IntoData) {
    assert_data_eq!(refused(everything_with(part, by)), expected.raw());
}

#[test]
fn every_key_reaches_the_recipe() {
    let recipe = everything();
    assert_eq!(recipe.name.as_str(), "everything");
    assert_eq!(recipe.default_version.to_string(), "2.0");
    assert_eq!(recipe.requires["hip"].to_string(), ">=5.7, <7");
    assert_eq!(
        recipe.targets.iter().map(|target| target.as_str()).collect::<Vec<_>>(),
        ["gfx1010", "gfx1012"]
    );
    assert_eq!(recipe.build.memory_per_job, 1500 << 20);
    assert_eq!(recipe.build.disk, 8 << 30);
    assert_eq!((recipe.build.minutes, recipe.build.host_only), (40, true));
    assert_eq!(recipe.build.source_subdir, "library");
    assert_eq!(recipe.build.options["BUILD_TESTING"], OptionValue::Switch(false));
    assert_eq!(recipe.build.options["EVERYTHING_LEVEL"], OptionValue::Number(3));
    assert_eq!(recipe.build.environment["EVERYTHING_QUIET"], "1");
    let [first, second] = recipe.patches.as_slice() else { panic!("{:?}", recipe.patches) };
    assert_eq!(second.when["boost"].to_string(), ">=1.87");
    assert_eq!((first.opt_in, second.opt_in), (false, true));
    assert_eq!((first.upstream.as_str(), &second.needs), ("not reported", &vec![first.name.clone()]));
    assert_eq!(first.variants[0].proofs, ["first"]);
    let form = |version: &str| {
        second
            .variant(&version.parse().expect("a version"))
            .map(|variant| (variant.file.as_str(), variant.fit))
    };
    assert_eq!(form("1.1"), Some(("patches/0002-second.patch", Fit::Fuzz2)));
    assert_eq!(form("2.0"), Some(("patches/0002-second.patch", Fit::Offset)));
    assert_eq!(form("1.0"), None);
    let [first, second] = recipe.proofs.as_slice() else { panic!("{:?}", recipe.proofs) };
    assert_eq!(first.files, ["first", "shared"]);
    let ProofKind::Compile(compile) = &first.kind else { panic!("{first:?}") };
    assert_eq!(compile.cases[0].axes["precision"]["fp16"], ["-DFP16", "-DNARROW"]);
    assert_eq!(compile.cases[1].targets.as_ref().map(Vec::len), Some(1));
    let [failing, same] = compile.expect.as_slice() else { panic!("{:?}", compile.expect) };
    assert_eq!((failing.cases, failing.only["precision"].len()), (Some(2), 2));
    let before = failing.before.as_ref().expect("it says what fails");
    assert_eq!((before.failing, before.otherwise), (Some(1), 1));
    assert_eq!(failing.after.as_ref().map(|after| after.word3.as_slice()), Some(&[0x3101_4000][..]));
    assert_eq!((same.identical, same.same_size, same.bytes_changed), (true, true, Some(0)));
    let ProofKind::Commands(commands) = &second.kind else { panic!("{second:?}") };
    assert_eq!((commands.on, commands.steps.len()), (Ground::Source, 2));
    assert!(
        matches!(&commands.steps[1].does, StepWork::Command { environment, .. } if environment.len() == 1)
    );
    assert_eq!(commands.before.fails.as_deref(), Some("configure"));
    assert_eq!(recipe.outputs.len(), 4);
    match &recipe.versions[0].source {
        SourceSpec::Git { commit, subdir, .. } => {
            assert!(commit.is_some());
            assert_eq!(subdir.as_deref(), Some("projects/everything"));
        }
        other => panic!("{other:?}"),
    }
    match &recipe.versions[1].source {
        SourceSpec::Tarball { urls, .. } => assert_eq!(urls.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bundled_source_is_known_by_its_own_files_alone() {
    let digest = |recipe: &Recipe| match &recipe.versions[2].source {
        SourceSpec::Bundled { digest, .. } => *digest,
        other => panic!("{other:?}"),
    };
    let changed = |path: &str| {
        let mut files = everything_with("", "");
        files.insert(path, &b"other"[..]);
        parse("everything", FILE, files).expect("a good recipe").0
    };
    let before = digest(&everything());
    assert_eq!(digest(&changed("patches/0001-first.patch")), before);
    assert_ne!(digest(&changed("source/CMakeLists.txt")), before);
}

#[test]
fn a_misspelt_key_is_shown_with_the_one_that_was_meant() {
    check(
        "commit = ",
        "comit = ",
        str![[r#"
recipe::invalid

  × the recipe `everything` has a mistake
  help: correct it, then run: rdna-build recipes lint recipe.toml

Error:
  × unknown key `versions.comit`
    ╭─[recipe.toml:14:1]
 13 │ tag = "rocm-6.4.3"
 14 │ comit = "0123456789abcdef0123456789abcdef01234567"
    · ─────
 15 │ subdir = "projects/everything"
    ╰────
  help: did you mean `commit`?

"#]],
    );
}

#[test]
fn syntax_errors_are_all_shown_and_nothing_is_concluded_from_the_rest() {
    check(
        "license = \"Apache-2.0 WITH LLVM-exception\"\n",
        "license = Apache\ndefault = \n",
        str![[r#"
recipe::invalid

  × the recipe `everything` has 2 mistakes
  help: correct them, then run: rdna-build recipes lint recipe.toml

Error:
  × string values must be quoted, expected literal string
   ╭─[recipe.toml:6:11]
 5 │ homepage = "https://example.org/everything"
 6 │ license = Apache
   ·           ──────
 7 │ default =
   ╰────

Error:
  × string values must be quoted, expected literal string
   ╭─[recipe.toml:7:11]
 6 │ license = Apache
 7 │ default =
   ·           ▲
 8 │ default-version = "2.0"
   ╰────

"#]],
    );
}

#[test]
fn another_schema_is_refused_before_its_keys_are_called_unknown() {
    check(
        "schema = 1\n",
        "schema = 2\nnew-key = 1\n",
        str![[r#"
recipe::invalid

  × the recipe `everything` has a mistake
  help: correct it, then run: rdna-build recipes lint recipe.toml

Error:
  × schema 2 is not known
   ╭─[recipe.toml:2:10]
 1 │ # Every key a recipe can have.
 2 │ schema = 2
   ·          ─
 3 │ new-key = 1
   ╰────
  help: this rdna-build reads schema 1; a newer one may read 2

"#]],
    );
}

#[test]
fn every_mistake_of_a_recipe_is_told_at_once() {
    let files = read_folder(&fixtures().join("mistakes")).expect("the fixture can be read");
    let error = parse("mistakes", "recipe.toml", files).expect_err("mistakes");
    let report = snapbox::file!["../../tests/fixtures/recipes/mistakes.report.txt"];
    assert_data_eq!(rendered(&error), report.raw());
}

#[test]
fn what_is_not_utf8_is_refused_at_its_place() {
    let mut files = everything_with("", "");
    files.insert(FILE, &b"schema = 1\nname = \"\xff\"\n"[..]);
    assert_data_eq!(
        refused(files),
        str![[r#"
recipe::invalid

  × the recipe `everything` has a mistake
  help: correct it, then run: rdna-build recipes lint recipe.toml

Error:
  × the file is not UTF-8 from here on
   ╭─[recipe.toml:2:9]
 1 │ schema = 1
 2 │ name = "�"
   ·         ▲
   ╰────

"#]]
        .raw()
    );
}

fn check_series(part: &str, by: &str, expected: impl IntoData) {
    let mut files = everything_with("", "");
    let text = files.text(SERIES_FILE).expect("it has a series").to_owned();
    assert!(text.contains(part), "the fixture has no `{part}`");
    files.insert(SERIES_FILE, text.replacen(part, by, 1).into_bytes());
    assert_data_eq!(refused(files), expected.raw());
}

#[test]
fn patches_that_need_each_other_are_shown_as_a_circle() {
    check_series(
        "upstream = \"not reported\"",
        "needs = [\"second\"]",
        str![[r#"
recipe::invalid

  × the recipe `everything` has a mistake
  help: correct it, then run: rdna-build recipes lint patches/series.toml

Error:
  × patches need each other in a circle: first → second → first
   ╭─[patches/series.toml:6:9]
 5 │ why = "gfx1010 has no row_bcast"
 6 │ needs = ["second"]
   ·         ──────────
 7 │ [[patches.variants]]
   ╰────

"#]],
    );
}

#[test]
fn a_patch_cannot_need_a_later_one_or_one_that_is_not_there() {
    check_series(
        "needs = [\"first\"]",
        "needs = [\"frist\", \"second\"]",
        str![[r#"
recipe::invalid

  × the recipe `everything` has 2 mistakes
  help: correct them, then run: rdna-build recipes lint patches/series.toml

Error:
  × no patch of the series is named `frist`
    ╭─[patches/series.toml:16:9]
 15 │ when = { boost = ">=1.87", hip = ">=6" }
 16 │ needs = ["frist", "second"]
    ·         ───────────────────
 17 │ [[patches.variants]]
    ╰────
  help: did you mean `first`?

Error:
  × patches need each other in a circle: second → second
    ╭─[patches/series.toml:16:9]
 15 │ when = { boost = ">=1.87", hip = ">=6" }
 16 │ needs = ["frist", "second"]
    ·         ───────────────────
 17 │ [[patches.variants]]
    ╰────

"#]],
    );
}

#[test]
fn a_proof_that_is_not_there_is_a_mistake() {
    check_series(
        "proofs = [\"first\"]\n",
        "proofs = [\"frist\"]\n",
        str![[r#"
recipe::invalid

  × the recipe `everything` has a mistake
  help: correct it, then run: rdna-build recipes lint patches/series.toml

Error:
  × the recipe's folder has no file `proofs/frist.toml`
    ╭─[patches/series.toml:9:11]
  8 │ file = "0001-first.patch"
  9 │ proofs = ["frist"]
    ·           ───────
 10 │
    ╰────
  help: did you mean `first`?

"#]],
    );
}

/// The files of the recipe `everything`, whose patch `first` was proven as it is.
fn everything_proven() -> FileSet {
    let recipe = everything();
    let patch = recipe.patches.first().expect("it has a patch");
    let (version, toolchain) = ("1.1".parse().expect("a version"), "debian-sid".parse().expect("an id"));
    let record = Proven::now(&recipe, patch, &version, &toolchain).expect("it has a form for the version");
    let mut files = recipe.files;
    files.insert(PROVEN_FILE, write_proven(&[record]).into_bytes());
    files
}

#[test]
fn a_patch_is_proven_as_long_as_it_and_its_proofs_are_what_they_were() {
    let proven_on = |files: FileSet| {
        let (recipe, warnings) = parse("everything", FILE, files).expect("a good recipe");
        let proven = recipe.patches[0].variants[0].proven.iter().map(ToString::to_string).collect::<Vec<_>>();
        (proven, warnings.len())
    };
    assert_eq!(proven_on(everything_proven()), (vec!["1.1".to_owned()], 0));
    let recorded = parse("everything", FILE, everything_proven()).expect("a good recipe").0;
    assert_eq!(Proven::all(&recorded).len(), 1);
    for changed in ["patches/0001-first.patch", "proofs/first.toml", "proofs/first/probe.h"] {
        let mut files = everything_proven();
        let mut bytes = files.get(changed).expect("it is there").to_owned();
        bytes.extend_from_slice(b"\n");
        files.insert(changed, bytes);
        assert_eq!(proven_on(files), (vec![], 1), "{changed}");
    }
    let mut files = everything_proven();
    files.insert("proofs/second.toml", files.get("proofs/second.toml").expect("there").to_owned());
    assert_eq!(proven_on(files).0, ["1.1"], "another patch's proof does not count");
}

#[test]
fn damaged_records_are_mistakes() {
    let mut files = everything_proven();
    files.insert(PROVEN_FILE, &b"schema = 1\n[[proven]]\npatch = \"first\"\n"[..]);
    let report = refused(files);
    assert!(report.contains("patches/proven.toml") && report.contains("toolchain"), "{report}");
}

#[test]
fn the_embedded_recipes_hold_no_record_that_no_longer_counts() {
    let book = RecipeBook::load(&[]).expect("the embedded recipes");
    for name in book.names() {
        let recipe = book.get(name.as_str()).expect("a good recipe");
        for record in Proven::all(&recipe) {
            let patch = recipe.patches.iter().find(|patch| patch.name == record.patch);
            let variant = patch.and_then(|patch| patch.variant(&record.version));
            let counts = variant.is_some_and(|variant| variant.proven.contains(&record.version));
            assert!(counts, "{name}: {} on {}: run `patch prove --record`", record.patch, record.version);
        }
    }
}

#[test]
fn lint_warns_of_what_works_but_could_surprise() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = HostPath::new(folder.path()).join("everything");
    let mut files = everything_with("commit = \"0123456789abcdef0123456789abcdef01234567\"\n", "");
    let text = files.text(FILE).expect("it has a recipe").to_owned();
    let text = text.replace("kind = \"shared-library\"", "kind = \"file\"");
    files.insert(FILE, text.into_bytes());
    let series = files.text(SERIES_FILE).expect("it has a series").to_owned();
    let series = series.replace("why = \"gfx1010 has no row_bcast\"\n", "").replace(">=2, <3", ">=7");
    files.insert(SERIES_FILE, series.into_bytes());
    files.insert("patches/0003-forgotten.patch", &b"third"[..]);
    for (name, bytes) in files.iter() {
        let file = path.join(name);
        std::fs::create_dir_all(file.as_path().parent().expect("has one")).expect("made");
        std::fs::write(file.as_path(), bytes).expect("written");
    }
    let linted = lint(&path).expect("it can be built");
    let shown = rendered(&linted).replace(&path.to_string(), "everything");
    assert_data_eq!(
        shown,
        str![[r#"
  ⚠ the recipe `everything` can be built

Warning:
  ⚠ a tag can be moved: this version has no commit
    ╭─[everything/recipe.toml:13:7]
 12 │ git = "https://example.org/everything.git"
 13 │ tag = "rocm-6.4.3"
    ·       ────────────
 14 │ subdir = "projects/everything"
    ╰────
  help: add `commit` with all 40 digits; until then rdna-build.lock keeps what the tag was at first

Warning:
  ⚠ `lib/libeverything.so.1` is only checked to be there
    ╭─[everything/recipe.toml:56:8]
 55 │ path = "lib/libeverything.so.1"
 56 │ kind = "file"
    ·        ──────
 57 │
    ╰────
  help: `kind = "shared-library"` also checks what is in it

Warning:
  ⚠ `patches/0003-forgotten.patch` is never applied
   ╭─[everything/patches/series.toml:1:1]
 1 │ schema = 1
   · ▲
 2 │
   ╰────
  help: name it in patches/series.toml, or remove the file

Warning:
  ⚠ this patch does not say why it is there
   ╭─[everything/patches/series.toml:3:1]
 2 │
 3 │ [[patches]]
   · ───────────
 4 │ name = "first"
   ╰────
  help: say in one sentence what breaks without it: `why = "…"`

Warning:
  ⚠ no version of this recipe is >=7: the patch is never applied
    ╭─[everything/patches/series.toml:23:12]
 22 │ file = "0002-second.patch"
 23 │ versions = ">=7"
    ·            ─────
 24 │ fit = "offset"
    ╰────

"#]]
        .raw()
    );
}

#[test]
fn a_later_folder_wins_and_is_named_as_the_origin() {
    let book = RecipeBook::load(&[fixtures()]).expect("loaded");
    assert_eq!(book.origin("everything").expect("known"), &Origin::Folder(fixtures().join("everything")));
    let folder = tempfile::tempdir().expect("a folder");
    let newer = HostPath::new(folder.path());
    std::fs::create_dir_all(newer.join("everything").as_path()).expect("made");
    std::fs::write(newer.join("everything/recipe.toml").as_path(), "schema = 1").expect("written");
    let book = RecipeBook::load(&[fixtures(), newer.clone()]).expect("loaded");
    assert_eq!(book.origin("everything").expect("known"), &Origin::Folder(newer.join("everything")));
    assert!(book.get("everything").is_err());
}

#[test]
fn a_mistake_in_one_recipe_does_not_stop_the_others() {
    let book = RecipeBook::load(&[fixtures()]).expect("loaded");
    assert!(book.get("mistakes").is_err());
    assert!(book.get("everything").is_ok());
}

#[test]
fn every_embedded_recipe_is_valid() {
    let book = RecipeBook::load(&[]).expect("loaded");
    assert!(book.names().count() > 0, "no recipe is embedded");
    for name in book.names() {
        assert_eq!(book.origin(name.as_str()).expect("known"), &Origin::Embedded);
        if let Err(error) = book.get(name.as_str()) {
            panic!("{}", rendered(&error));
        }
    }
}

#[test]
fn an_unknown_recipe_is_refused_with_the_nearest() {
    let book = RecipeBook::load(&[fixtures()]).expect("loaded");
    let error = book.get("everythin").expect_err("unknown");
    assert!(rendered(&error).contains("did you mean `everything`?"));
}

#[test]
fn a_name_that_is_a_path_leads_nowhere() {
    let book = RecipeBook::load(&[fixtures().join("../recipes")]).expect("loaded");
    for name in ["../recipes/everything", "everything/patches", "/etc", ""] {
        assert!(matches!(book.get(name), Err(RecipeError::Unknown { .. })), "{name}");
    }
}

#[test]
fn a_recipe_folder_given_as_a_folder_of_recipes_is_explained() {
    let error = RecipeBook::load(&[fixtures().join("everything")]).expect_err("one level too deep");
    assert!(rendered(&error).contains("name the folder above it"));
}

#[test]
fn the_example_of_the_guide_is_a_good_recipe() {
    let guide = include_str!("../../docs/recipes.md");
    let (_, example) = guide.split_once("```toml\n").expect("an example");
    let (example, _) = example.split_once("```").expect("it ends");
    let mut files = FileSet::default();
    files.insert(FILE, example.as_bytes().to_vec());
    let (_, warnings) = parse("mylib", FILE, files).unwrap_or_else(|error| panic!("{}", rendered(&error)));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn the_guide_explains_every_key() {
    let guide = include_str!("../../docs/recipes.md");
    for keys in [
        RECIPE, VERSION, TARGETS, BUILD, PACKAGE, RELATIONS, SERIES, PATCH, VARIANT, OUTPUT, MARK, CALL,
        LIBRARY, API, GAP,
    ] {
        for key in keys.required.iter().chain(keys.optional) {
            let ways = [
                format!("`{key}`"),
                format!("[{key}]"),
                format!("[build.{key}]"),
                format!("[package.{key}]"),
            ];
            assert!(ways.iter().any(|way| guide.contains(way)), "`{key}` is not in docs/recipes.md");
        }
    }
    let guide = include_str!("../../docs/proofs.md");
    for keys in [PROOF, COMPILE, CASES, EXPECT, SIDE, COMMANDS, STEP, COMMANDS_SIDE] {
        for key in keys.required.iter().chain(keys.optional) {
            let ways = [format!("`{key}`"), format!("[{key}]"), format!(".{key}]"), format!(".{key}.<")];
            assert!(ways.iter().any(|way| guide.contains(way)), "`{key}` is not in docs/proofs.md");
        }
    }
    // What is written as in a proof is explained there.
    let guide = [include_str!("../../docs/recipes.md"), guide].concat();
    for keys in [KERNELS, KERNEL_CASES, CALLS] {
        for key in keys.required.iter().chain(keys.optional) {
            let ways = [format!("`{key}`"), format!("[{key}]"), format!(".{key}]"), format!(".{key}.<")];
            assert!(ways.iter().any(|way| guide.contains(way)), "`{key}` is in neither guide");
        }
    }
}

#[test]
fn nesting_without_end_is_a_mistake_and_not_the_end_of_the_stack() {
    for nest in ["[", "{ a = ", "a."] {
        let files = everything_with("summary = ", &format!("summary = {}\nother = ", nest.repeat(30_000)));
        assert!(parse("everything", FILE, files).is_err(), "{nest}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(from in 0usize..1500, length in 0usize..40, by in ".{0,12}|[\\[\\]{}=\"'\n.]{0,8}") {
        let mut files = everything_with("", "");
        let mut bytes = files.get(FILE).expect("it has a recipe").to_vec();
        let end = bytes.len().min(from + length);
        bytes.splice(from.min(end)..end, by.into_bytes());
        files.insert(FILE, bytes);
        if let Err(error) = parse("everything", FILE, files) {
            prop_assert!(!rendered(&error).is_empty());
        }
    }
}
