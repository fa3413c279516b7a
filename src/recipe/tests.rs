use std::path::Path;

use proptest::prelude::*;
use snapbox::{IntoData, assert_data_eq, str};

use super::keys::{BUILD, OUTPUT, PATCH, RECIPE, TARGETS, VERSION};
use super::parse::{FILE, parse};
use super::{RecipeBook, RecipeError, lint};
use crate::document::testing::rendered;
use crate::document::{Origin, read_folder};
use crate::model::{FileSet, HostPath, OptionValue, Recipe, SourceSpec};

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
    assert_eq!(recipe.patches[1].when["boost"].to_string(), ">=1.87");
    assert_eq!((recipe.patches[0].fuzz, recipe.patches[1].fuzz), (0, 2));
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

#[test]
fn lint_warns_of_what_works_but_could_surprise() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = HostPath::new(folder.path()).join("everything");
    let mut files = everything_with("commit = \"0123456789abcdef0123456789abcdef01234567\"\n", "");
    let text = files.text(FILE).expect("it has a recipe").to_owned();
    let text = text
        .replace("why = \"gfx1010 has no row_bcast\"\n", "")
        .replace(">=1.1, <3", ">=7")
        .replace("kind = \"shared-library\"", "kind = \"file\"");
    files.insert(FILE, text.into_bytes());
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
  ⚠ `patches/0003-forgotten.patch` is never applied
   ╭─[everything/recipe.toml:1:1]
 1 │ # Every key a recipe can have.
   · ▲
 2 │ schema = 1
   ╰────
  help: name it in [[patches]], or remove the file

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
  ⚠ this patch does not say why it is there
    ╭─[everything/recipe.toml:54:1]
 53 │
 54 │ [[patches]]
    · ───────────
 55 │ file = "patches/0001-first.patch"
    ╰────
  help: say in one sentence what breaks without it: `why = "…"`

Warning:
  ⚠ no version of this recipe is >=7: the patch is never applied
    ╭─[everything/recipe.toml:60:12]
 59 │ why = "boost 1.87 dropped the old header"
 60 │ versions = ">=7"
    ·            ─────
 61 │ when = { boost = ">=1.87", hip = ">=6" }
    ╰────

Warning:
  ⚠ `lib/libeverything.so.1` is only checked to be there
    ╭─[everything/recipe.toml:66:8]
 65 │ path = "lib/libeverything.so.1"
 66 │ kind = "file"
    ·        ──────
 67 │
    ╰────
  help: `kind = "shared-library"` also checks what is in it

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
    for keys in [RECIPE, VERSION, TARGETS, BUILD, PATCH, OUTPUT] {
        for key in keys.required.iter().chain(keys.optional) {
            let ways = [format!("`{key}`"), format!("[{key}]"), format!("[build.{key}]")];
            assert!(ways.iter().any(|way| guide.contains(way)), "`{key}` is not in docs/recipes.md");
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
