//! `rdna-build patch`: a made-up series seen, edited, begun and written back, with the real program and real git.

use std::process::Command;

use snapbox::{assert_data_eq, str};

use crate::home::{Home, Ran, tiny_recipe};

const GREETING: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

/// Replaces line five.
const FIVE: &str = "\
Subject: [PATCH] five is cinq

Because.
---
 greeting.txt | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/greeting.txt b/greeting.txt
--- a/greeting.txt
+++ b/greeting.txt
@@ -2,7 +2,7 @@ one
 two
 three
 four
-five
+cinq
 six
 seven
 eight
";

const SERIES: &str = r#"schema = 1

[[patches]]
name = "five"
why = "five is cinq"
[[patches.variants]]
file = "0001-five.patch"

[[patches]]
name = "nine"
why = "nine is neuf"
opt-in = true
[[patches.variants]]
file = "0002-nine.patch"
versions = ">=1.1"
[[patches.variants]]
file = "1.0/0002-nine.patch"
versions = "<1.1"
"#;

/// A recipe with two versions; in the second the text begins one line later and `ten` is `dix`.
fn home() -> Home {
    let home = Home::new();
    let second = "\n[[versions]]\nversion = \"1.1\"\nrocm = \"6.4.3\"\nbundled = \"later\"\n";
    home.write("recipes/tiny/recipe.toml", tiny_recipe(&format!("bundled = \"source\"\n{second}")));
    home.write("recipes/tiny/source/greeting.txt", GREETING);
    home.write("recipes/tiny/source/README", "read me\n");
    let later = format!("zero\n{}", GREETING.replace("ten", "dix"));
    home.write("recipes/tiny/later/greeting.txt", later);
    home.write("recipes/tiny/patches/series.toml", SERIES);
    home.write("recipes/tiny/patches/0001-five.patch", FIVE);
    let nine = |last: &str, at: u32| {
        format!(
            "--- a/greeting.txt\n+++ b/greeting.txt\n@@ -{at},4 +{at},4 @@\n seven\n eight\n-nine\n+neuf\n {last}\n"
        )
    };
    home.write("recipes/tiny/patches/0002-nine.patch", nine("dix", 8));
    home.write("recipes/tiny/patches/1.0/0002-nine.patch", nine("ten", 7));
    home
}

fn patch(home: &Home, arguments: &str) -> Ran {
    home.run(&format!("patch {arguments} --recipes recipes"))
}

#[test]
fn the_status_shows_each_patch_on_each_version_and_where_a_hunk_would_fit() {
    let ran = patch(&home(), "status tiny");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
patch          1.0                1.1
five           applies, unproven  fits elsewhere, unproven
nine (opt-in)  applies, unproven  applies, unproven

unproven: its proofs were never run on this version; applied only when asked for

five on 1.1
patch::fit

  x patches/0001-five.patch applies only if it may give up more: hunk 1 of greeting.txt fits at line 3, 1 line further down (@@ -2,7 +2,7 @@ one, line 11 of the patch)
    ,-[patches/0001-five.patch:11:1]
 10 | +++ b/greeting.txt
 11 | @@ -2,7 +2,7 @@ one
    : ^^^^^^^^^|^^^^^^^^^
    :          `-- this hunk
 12 |  two
    `----
  help: look at the place; if right, say `fit = "offset"` where the patch is named (now `exact`), or make it anew for this version

"#]]
    );
    assert_eq!(ran.code, 3);
}

#[test]
fn a_form_that_fits_although_its_range_says_otherwise_is_named() {
    let home = home();
    home.write("recipes/tiny/patches/series.toml", SERIES.replace(">=1.1", ">=1.0"));
    let ran = patch(&home, "status tiny --version 1.0");
    assert!(ran.stdout.contains("1.0/0002-nine.patch fits this version"), "{}", ran.stdout);
    assert!(ran.stdout.contains("nine on 1.0"), "{}", ran.stdout);
    assert_eq!(ran.code, 3);
}

#[test]
fn the_status_for_programs_tells_of_every_hunk() {
    let ran = patch(&home(), "status tiny --json");
    let document = ran.json().remove(0);
    let versions = document["versions"].as_array().unwrap();
    assert_eq!(versions[0]["patches"]["Ok"][0]["trial"]["outcome"], "applies", "{document:#}");
    assert_eq!(versions[1]["patches"]["Ok"][0]["trial"]["outcome"], "looser", "{document:#}");
    assert_eq!(versions[0]["patches"]["Ok"][0]["unproven"], true);
}

#[test]
fn a_clone_serves_all_versions_that_it_has_without_a_checkout() {
    let home = home();
    let git = |arguments: &str| {
        let mut command = Command::new("git");
        command.args(arguments.split(' '));
        home.prepare(&mut command);
        command.current_dir(home.path("clone")).env("GIT_AUTHOR_NAME", "n").env("GIT_AUTHOR_EMAIL", "e");
        command.env("GIT_COMMITTER_NAME", "n").env("GIT_COMMITTER_EMAIL", "e");
        let ran = home.finish(&mut command);
        assert_eq!(ran.code, 0, "git {arguments}: {}", ran.stderr);
    };
    home.write("clone/sub/greeting.txt", GREETING);
    git("init -q");
    git("add .");
    git("commit -qm one");
    git("tag v1.0");
    home.write("clone/sub/greeting.txt", "something else\n");
    let versions = "git = \"https://example.org/tiny.git\"\ntag = \"v1.0\"\nsubdir = \"sub\"\n\n[[versions]]\n\
                    version = \"1.1\"\nrocm = \"6.4.3\"\ngit = \"https://example.org/tiny.git\"\ntag = \"v1.1\"";
    home.write("recipes/tiny/recipe.toml", tiny_recipe(versions));
    let ran = patch(&home, "status tiny --repository clone");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
patch          1.0
five           applies, unproven
nine (opt-in)  applies, unproven

unproven: its proofs were never run on this version; applied only when asked for
1.1: the clone does not have v1.1

"#]]
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn an_edited_patch_is_written_back_with_its_head() {
    let home = home();
    let ran = patch(&home, "edit tiny five");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[HOME]/tiny-1.0-five\n"), "{}", ran.stderr);
    let file = home.path("tiny-1.0-five/greeting.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, GREETING.replace("five", "cinq"));
    // Nothing was changed: the same bytes.
    let ran = home.run("patch refresh tiny-1.0-five");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[HOME]/recipes/tiny/patches/0001-five.patch\n"));
    let written = || std::fs::read_to_string(home.path("recipes/tiny/patches/0001-five.patch")).unwrap();
    assert_eq!(written(), FIVE);

    std::fs::write(&file, text.replace("cinq", "CINQ")).unwrap();
    std::fs::write(home.path("tiny-1.0-five/new.txt"), "new").unwrap();
    let ran = home.run("patch refresh tiny-1.0-five");
    assert!(ran.stderr.contains("rdna-build patch prove tiny five"), "{}", ran.stderr);
    assert_data_eq!(
        written(),
        str![[r#"
Subject: [PATCH] five is cinq

Because.
---
 greeting.txt | 2 +-
 new.txt      | 1 +
 2 files changed, 2 insertions(+), 1 deletion(-)
 create mode 100644 new.txt

diff --git a/greeting.txt b/greeting.txt
--- a/greeting.txt
+++ b/greeting.txt
@@ -2,7 +2,7 @@ one
 two
 three
 four
-five
+CINQ
 six
 seven
 eight
diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+new
/ No newline at end of file

"#]]
    );
    let ran = patch(&home, "status tiny --version 1.0");
    assert!(ran.stdout.contains("five           applies"), "{}", ran.stdout);
}

#[test]
fn a_later_patch_is_edited_on_top_of_the_earlier_ones() {
    let home = home();
    let ran = patch(&home, "edit tiny nine --unproven-patches --into desk");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut command = Command::new("git");
    command.args(["diff", "-U0"]);
    home.prepare(&mut command);
    let diff = home.finish(command.current_dir(home.path("desk"))).stdout;
    assert!(diff.contains("-nine\n+neuf\n") && !diff.contains("cinq"), "{diff}");
    let text = std::fs::read_to_string(home.path("desk/greeting.txt")).unwrap();
    assert!(text.contains("cinq\n") && text.contains("neuf\n"), "{text}");
}

#[test]
fn a_new_patch_is_added_to_the_series_and_applies() {
    let home = home();
    assert_eq!(patch(&home, "new tiny ten --unproven-patches --with-patch nine").code, 0);
    let desk = home.path("tiny-1.0-ten");
    let edited = std::fs::read_to_string(desk.join("greeting.txt")).unwrap();
    std::fs::write(desk.join("greeting.txt"), edited.replace("ten", "dix")).unwrap();
    let ran = home.run("patch refresh tiny-1.0-ten/.");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Once more changes nothing of the series.
    assert_eq!(home.run("patch refresh tiny-1.0-ten").code, 0);
    let ran = home.run("recipes lint recipes/tiny");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let shown = home.run("recipes show tiny --json --recipes recipes").json().remove(0);
    let names: Vec<_> = shown["patches"].as_array().unwrap().iter().map(|patch| &patch["name"]).collect();
    assert_eq!(names, ["five", "nine", "ten"]);
    let ran = patch(&home, "status tiny --version 1.0");
    assert!(ran.stdout.contains("ten            applies"), "{}", ran.stdout);
}

#[test]
fn a_patch_of_an_embedded_recipe_goes_into_the_current_folder() {
    let home = Home::new();
    assert_eq!(home.run("patch edit selftest allocator-non-coherent").code, 0);
    let desk = home.path("selftest-1.0.0-allocator-non-coherent");
    let file = desk.join("src/version.cpp");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("// mine\n{text}")).unwrap();
    let ran = home.run("patch refresh selftest-1.0.0-allocator-non-coherent");
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "[HOME]/allocator-non-coherent.patch\n"),
        "{}",
        ran.stderr
    );
    let ran = home.run(
        "plan selftest --target gfx1010 --without-patch allocator-non-coherent --patch allocator-non-coherent.patch",
    );
    assert!(ran.stdout.contains("not applied  allocator-non-coherent: left out"), "{}", ran.stdout);
    assert!(ran.stdout.contains("brought by the person who builds"), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_done_is_said_with_the_next_thing_to_type() {
    let home = home();
    let refused = |arguments: &str, code: i32, says: &str| {
        let ran = patch(&home, arguments);
        assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments}");
    };
    refused("edit tiny fife", 2, "did you mean `five`?");
    refused("new tiny five", 2, "rdna-build patch edit tiny five");
    refused("status tiny --version 9", 2, "tiny has no version 9");
    home.write("tiny-1.0-five/mine", "precious");
    refused("edit tiny five", 2, "is there already");
    assert_eq!(std::fs::read_to_string(home.path("tiny-1.0-five/mine")).unwrap(), "precious");
    let ran = home.run("patch refresh");
    assert!(ran.stderr.contains("is not a folder that `rdna-build patch edit` made"), "{}", ran.stderr);
    assert_eq!(ran.code, 2);

    assert_eq!(patch(&home, "new tiny ten --into empty").code, 0);
    let ran = home.run("patch refresh empty");
    assert!(ran.stderr.contains("nothing is changed"), "{}", ran.stderr);
    std::fs::write(home.path("empty/README"), b"\0\x01").unwrap();
    let ran = home.run("patch refresh empty");
    assert!(ran.stderr.contains("is binary"), "{}", ran.stderr);
    assert_eq!(ran.code, 3);
}

#[test]
fn own_patches_come_from_options_and_settings_and_bad_ones_are_refused() {
    let home = home();
    let applied = |arguments: &str| -> Vec<String> {
        let ran = home.run(&format!("plan tiny --target gfx1010 --recipes recipes --json {arguments}"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let plan = ran.json().remove(0);
        let patches = plan["units"][0]["patches"].as_array().unwrap().clone();
        patches.iter().map(|patch| patch["file"].as_str().unwrap().to_owned()).collect()
    };
    home.write("mine.patch", FIVE);
    home.write("rdna-build.toml", "[patches]\ntiny = [\"settings.patch\"]\nother = \"nowhere.patch\"\n");
    home.write("settings.patch", FIVE);
    assert_eq!(
        applied("--patch mine.patch --unproven-patches"),
        ["patches/0001-five.patch", "own/0001-settings.patch", "own/0002-mine.patch"]
    );
    for (bad, says) in [("nowhere.patch", "cannot be read"), ("recipes", "it is not a regular file")] {
        let ran = home.run(&format!("plan tiny --target gfx1010 --recipes recipes --patch {bad}"));
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert_eq!(ran.code, 2);
    }
    let ran = home.run("plan tiny --target gfx1010 --recipes recipes --patch mine.patch --patch-fit loose");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`loose` is not a fit"), "{}", ran.stderr);
}

#[test]
fn nothing_is_recorded_in_a_recipe_that_is_part_of_the_program() {
    let ran = Home::new().run("patch prove selftest --record");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
cli::usage

  x the recipe selftest is part of this program: nothing can be recorded in it
  help: name the folder that holds its folder: --recipes DIR

"#]]
    );
    assert_eq!(ran.code, 2);
}

#[test]
fn a_patch_that_is_not_there_cannot_be_proven() {
    let ran = patch(&home(), "prove tiny fiv");
    assert!(ran.stderr.contains("tiny has no patch `fiv`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `five`?"), "{}", ran.stderr);
    assert_eq!(ran.code, 2);
}

#[test]
fn patches_without_a_proof_are_skipped_by_name_and_nothing_is_proven() {
    // No engine is needed to see that there is nothing to run.
    let ran = patch(&home(), "prove tiny --engine unix:///nonexistent.sock");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
patch  proof  verdict  without the patch → with it
five   –      skipped  it has no proof
nine   –      skipped  it has no proof

tiny 1.0 with [..]: 2 skipped

"#]]
    );
    assert_eq!(ran.code, 77, "{}", ran.stderr);
}
