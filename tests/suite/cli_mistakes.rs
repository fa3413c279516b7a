//! Bad input: a clear error that says what to type next, the promised exit code, and nothing lost.

use snapbox::{assert_data_eq, str};

use crate::home::{Home, fails, tiny_recipe};

#[test]
fn a_recipe_that_is_not_there_is_told_the_nearest() {
    fails(
        &Home::new(),
        "miopne --target gfx1010",
        2,
        str![[r#"
cli::unknown_recipe

  x there is no recipe `miopne`
  help: did you mean `miopen`?

"#]],
    );
    fails(
        &Home::new(),
        "recipes show pytorch",
        2,
        str![[r#"
cli::unknown_recipe

  x there is no recipe `pytorch`
  help: `rdna-build recipes` lists what can be built, --recipes adds a folder

"#]],
    );
    fails(
        &Home::new(),
        "plans --target gfx1010",
        2,
        str![[r#"
cli::unknown_recipe

  x there is no recipe `plans`
  help: did you mean the command `rdna-build plan`?

"#]],
    );
}

#[test]
fn a_target_that_llvm_does_not_know_is_told_the_nearest() {
    fails(
        &Home::new(),
        "miopen --target gfx101",
        2,
        str![[r#"
error: invalid value 'gfx101' for '--target <GFX>': `gfx101` is not a gfx target, did you mean `gfx1010`?

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_target_that_the_recipe_is_not_made_for_is_refused() {
    fails(
        &Home::new(),
        "miopen --target gfx1030",
        2,
        str![[r#"
cli::usage

  x recipe miopen is not made for gfx1030
  help: did you mean `gfx1010`? It is made for gfx1010, gfx1011, gfx1012

"#]],
    );
}

#[test]
fn a_version_that_the_recipe_does_not_have_is_refused() {
    fails(
        &Home::new(),
        "selftest --target gfx1010 --version 1.0.1",
        2,
        str![[r#"
cli::usage

  x selftest has no version 1.0.1
  help: did you mean 1.0.0? It has 1.0.0

"#]],
    );
}

#[test]
fn a_toolchain_that_is_not_there_is_told_the_nearest() {
    fails(
        &Home::new(),
        "miopen --target gfx1010 --toolchain debian-14",
        3,
        str![[r#"
cli::unknown_toolchain

  x there is no toolchain `debian-14`
  help: did you mean `debian-13`?

"#]],
    );
    fails(
        &Home::new(),
        "toolchains show windows",
        3,
        str![[r#"
cli::unknown_toolchain

  x there is no toolchain `windows`
  help: `rdna-build toolchains` lists them, --toolchains adds a folder

"#]],
    );
}

#[test]
fn a_toolchain_that_does_not_fit_is_refused_with_what_speaks_against_it() {
    fails(
        &Home::new(),
        "miopen --target gfx1010 --toolchain debian-13",
        3,
        str![[r#"
toolchain::unfit

  x the toolchain debian-13 cannot build miopen 3.3.0: hip 5.7.1 does not meet >=6.0, [..]rocblas 5.5.1 does not meet >=6.0[..]
  help: leave out --toolchain to have one chosen; `rdna-build toolchains show ID` says what one provides

"#]],
    );
}

#[test]
fn an_invalid_recipe_shows_all_its_mistakes_with_their_lines() {
    let home = Home::new();
    let recipe = tiny_recipe("git = \"https://example.org/tiny.git\"\ncommit = \"abc\"")
        .replace("gfx1010", "gfx101")
        .replace("minutes = 1", "minuts = 1");
    home.write("recipes/tiny/recipe.toml", recipe);
    fails(
        &home,
        "tiny --target gfx1010 --recipes recipes",
        3,
        str![[r#"
recipe::invalid

  x the recipe `tiny` has 3 mistakes
  help: correct them, then run: rdna-build recipes lint [HOME]/recipes/tiny/recipe.toml

Error: 
  x `abc` is not a full commit id: it needs 40 hexadecimal digits, an abbreviated id names no commit for sure
    ,-[[HOME]/recipes/tiny/recipe.toml:12:10]
 11 | git = "https://example.org/tiny.git"
 12 | commit = "abc"
    :          ^^^^^
 13 | 
    `----

Error: 
  x `gfx101` is not a gfx target, did you mean `gfx1010`?
    ,-[[HOME]/recipes/tiny/recipe.toml:15:14]
 14 | [targets]
 15 | supported = ["gfx101"]
    :              ^^^^^^^^
 16 | 
    `----

Error: 
  x unknown key `build.minuts`
    ,-[[HOME]/recipes/tiny/recipe.toml:23:1]
 22 | disk = "1 MiB"
 23 | minuts = 1
    : ^^^^^^
 24 | 
    `----
  help: did you mean `minutes`?

"#]],
    );
}

#[test]
fn lint_lists_mistakes_and_says_when_there_are_none() {
    let home = Home::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/recipes/mistakes");
    let mistakes = home.run(&format!("recipes lint {fixture}"));
    assert_eq!((mistakes.code, mistakes.stdout.as_str()), (3, ""));
    // The whole report is held by the recipe reader's own test.
    assert!(mistakes.stderr.contains("mistakes/proofs/steps.toml:24:1"), "{}", mistakes.stderr);
    let good = home.write("tiny/recipe.toml", tiny_recipe("bundled = \"source\""));
    home.write("tiny/source/CMakeLists.txt", "");
    for path in ["tiny", "tiny/recipe.toml"] {
        assert_data_eq!(
            home.run(&format!("recipes lint {path}")).stderr,
            str![[r#"
tiny is valid

"#]]
        );
    }
    std::fs::remove_file(good).unwrap();
    fails(
        &home,
        "recipes lint tiny",
        3,
        str![[r#"
document::missing

  x [HOME]/tiny has no recipe.toml
  help: name the folder that holds recipe.toml

"#]],
    );
    fails(
        &home,
        "recipes lint nowhere",
        3,
        str![[r#"
document::read

  x cannot read [HOME]/nowhere: No such file or directory (os error 2)
  help: check the path, and the right to read it

"#]],
    );
}

#[test]
fn a_folder_of_recipes_that_is_not_there_is_named() {
    fails(
        &Home::new(),
        "recipes --recipes nowhere",
        3,
        str![[r#"
document::read

  x cannot read [HOME]/nowhere: No such file or directory (os error 2)
  help: check the path, and the right to read it

"#]],
    );
    fails(
        &Home::new(),
        "toolchains --toolchains nowhere",
        3,
        str![[r#"
document::read

  x cannot read [HOME]/nowhere: No such file or directory (os error 2)
  help: check the path, and the right to read it

"#]],
    );
}

#[test]
fn a_mistake_leaves_nothing_behind() {
    let home = Home::new();
    home.run("plan miopen --target gfx1030");
    home.run("recipes show pytorch");
    home.run("miopen --target gfx101");
    assert_eq!(home.files(), [""; 0]);
}
