//! Commands that need no engine: what they print, where, and what they leave alone.

use std::io::Read as _;
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

use crate::home::Home;

#[test]
fn a_plan_is_made_for_every_recipe_and_target_and_touches_nothing() {
    let home = Home::new();
    let recipes = home.run("recipes --json").json().remove(0);
    let mut plans = 0;
    for recipe in recipes.as_array().unwrap() {
        for target in recipe["targets"].as_array().unwrap() {
            let arguments = format!("plan {} --target {}", recipe["name"], target).replace('"', "");
            let ran = home.run(&arguments);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments}");
            assert!(ran.stdout.contains(target.as_str().unwrap()), "{}", ran.stdout);
            let document = home.run(&format!("{arguments} --json")).json().remove(0);
            assert_eq!(document["units"][0]["id"]["target"], *target);
            plans += 1;
        }
    }
    assert!(plans >= 6, "two recipes for three targets at least");
    assert_eq!(home.files(), [""; 0]);
}

#[test]
fn settings_come_from_the_strongest_place() {
    let home = Home::new();
    let setting = |home: &Home, arguments: &str, name: &str| {
        let document = home.run(&format!("config --json {arguments}")).json().remove(0);
        let settings = document["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["name"] == name).unwrap().clone();
        (found["value"].as_str().map(str::to_owned), found["origin"]["from"].as_str().unwrap().to_owned())
    };
    let is = |value: Option<&str>, from: &str| (value.map(str::to_owned), from.to_owned());
    assert_eq!(setting(&home, "", "jobs"), is(None, "default"));
    home.write(".config/rdna-build/config.toml", "jobs = 2\nengine = \"podman\"\n");
    assert_eq!(setting(&home, "", "jobs"), is(Some("2"), "user"));
    home.write("rdna-build.toml", "jobs = 3\n");
    assert_eq!(setting(&home, "", "jobs"), is(Some("3"), "project"));
    assert_eq!(setting(&home, "", "engine"), is(Some("podman"), "user"));
    let home = home.with("RDNA_BUILD_JOBS", 4);
    assert_eq!(setting(&home, "", "jobs"), is(Some("4"), "environment"));
    assert_eq!(setting(&home, "--jobs 5", "jobs"), is(Some("5"), "flag"));
}

#[test]
fn all_mistakes_of_the_settings_are_told_with_their_lines() {
    let home = Home::new().with("RDNA_BUILD_MEMORY", "lots").with("RDNA_BUILD_JOBBS", 2);
    home.write("rdna-build.toml", "jobs = 0\nengin = \"podman\"\n");
    let ran = home.run("config");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
settings::invalid

  x 3 settings are wrong
  help: `rdna-build config --help` lists every setting

Error: settings::value

  x [HOME]/rdna-build.toml:1:8: `jobs`: a whole number from 1 is expected, e.g. `4`
   ,-[[HOME]/rdna-build.toml:1:8]
 1 | jobs = 0
   :        |
   :        `-- this value
 2 | engin = "podman"
   `----

Error: settings::unknown

  x [HOME]/rdna-build.toml:2:1: there is no setting `engin`
   ,-[[HOME]/rdna-build.toml:2:1]
 1 | jobs = 0
 2 | engin = "podman"
   : ^^|^^
   :   `-- unknown
   `----
  help: did you mean `engine`?

Error: settings::variable

  x the environment variable RDNA_BUILD_MEMORY cannot be used: a size is expected: a number and a unit, e.g. `6 GiB`, `512M` or `800 MB`
  help: correct it, or `unset RDNA_BUILD_MEMORY`

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

#[test]
fn colour_is_only_for_terminals_and_for_whoever_asks() {
    let colored = |home: &Home, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rdna-build"));
        command.args(arguments).args(["miopne", "--target", "gfx1010"]);
        home.prepare(&mut command);
        let ran = home.finish(&mut command);
        ran.stderr.contains('\u{1b}')
    };
    assert!(!colored(&Home::new(), &[]));
    assert!(colored(&Home::new(), &["--color", "always"]));
    assert!(colored(&Home::new().with("CLICOLOR_FORCE", 1), &[]));
    assert!(!colored(&Home::new().with("CLICOLOR_FORCE", 1).with("NO_COLOR", 1), &[]));
    assert!(colored(&Home::new().with("NO_COLOR", 1), &["--color", "always"]));
}

#[test]
fn completions_are_written_for_every_shell() {
    for (shell, begin) in
        [("bash", "_rdna"), ("zsh", "#compdef rdna-build"), ("fish", "complete -c rdna-build")]
    {
        let ran = Home::new().run(&format!("completions {shell}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        assert!(ran.stdout.contains(begin) && ran.stdout.contains("debian-mirror"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written_into_a_folder() {
    let home = Home::new();
    let ran = home.run("man share/man1");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    let pages = home.files();
    assert!(pages.contains(&"share/man1/rdna-build.1".to_owned()), "{pages:?}");
    assert!(pages.contains(&"share/man1/rdna-build-build.1".to_owned()), "{pages:?}");
    assert!(home.run("man").stdout.starts_with(".ie"), "the main page goes to standard output");
}

#[test]
fn an_empty_store_is_no_error_and_is_not_made_by_looking() {
    let home = Home::new();
    let list = home.run("cache list");
    assert_data_eq!(
        &list.stdout,
        str![[r#"
stage  key  size  last use

"#]]
    );
    assert_data_eq!(
        &list.stderr,
        str![[r#"
0 entries, 0 B in [HOME]/.cache/rdna-build

"#]]
    );
    assert_eq!(home.run("cache path").stdout, "[HOME]/.cache/rdna-build\n");
    assert_eq!(home.run("cache list --json").stdout, "[]\n");
    let logs = home.run("logs");
    assert_data_eq!(
        &logs.stderr,
        str![[r#"
cli::usage

  x no run left a log
  help: `rdna-build selftest --target gfx1010` makes one

"#]]
    );
    assert_eq!((logs.code, logs.stdout.as_str()), (2, ""));
    assert_eq!(home.files(), [""; 0]);
    let collected = home.run("cache gc --older-than 1d");
    assert_data_eq!(
        &collected.stderr,
        str![[r#"
removed 0 entries (0 B), 0 B left

"#]]
    );
    assert_eq!((collected.code, collected.stdout.as_str()), (0, ""));
}

#[test]
fn an_empty_store_is_whole_and_nothing_in_it_can_be_shown() {
    let home = Home::new();
    let ran = home.run("cache verify");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
0 whole, 0 damaged; 0 B read in [HOME]/.cache/rdna-build

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(home.run("cache verify --json").stdout, "[]\n");
    let ran = home.run("cache show 0123");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
cli::usage

  x no entry has a key that begins with `0123`
  help: `rdna-build cache list` shows keys

"#]]
    );
    assert_eq!(ran.code, 2);
}

#[test]
fn what_was_never_made_is_said_so_and_a_damaged_download_is_named_and_removed() {
    let home = Home::new();
    let why = home.run("cache why selftest --target gfx1010 --toolchain debian-sid-hip");
    assert_eq!((why.code, why.stderr.as_str()), (0, ""), "{}", why.stdout);
    assert!(why.stdout.starts_with("selftest-1.0.0-gfx1010-debian-sid-hip\n"), "{}", why.stdout);
    assert!(why.stdout.contains("was never made here"), "{}", why.stdout);

    home.run("cache gc --older-than 1d");
    let name = "0".repeat(64);
    home.write(&format!(".cache/rdna-build/v1/downloads/{name}"), b"not what its name says");
    let kept = home.run("cache verify --keep");
    assert_eq!(kept.code, 5, "{}", kept.stdout);
    assert!(
        kept.stdout.contains("damaged  download 000000") && kept.stdout.contains("still there"),
        "{}",
        kept.stdout
    );
    let healed = home.run("cache verify");
    assert_eq!(healed.code, 0, "{}", healed.stdout);
    assert!(healed.stdout.contains("removed: the next run makes it again"), "{}", healed.stdout);
    assert_eq!(home.run("cache verify").stdout, "");
}

#[test]
fn the_help_of_what_people_type_shows_how() {
    let home = Home::new();
    for command in
        "build plan matrix shell recipes toolchains explain doctor verify logs cache config completions man"
            .split(' ')
            .chain(["", "cache gc", "cache verify", "cache why"])
    {
        let ran = home.run(&format!("{command} --help"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
        assert!(ran.stdout.contains("Examples:\n  "), "{command}: {}", ran.stdout);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in ["--help", "recipes", "plan miopen --target gfx1010 --json", "completions bash"] {
        let home = Home::new();
        let mut child =
            home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn a_toolchain_shows_what_is_left_out_of_its_packages() {
    let home = Home::new();
    let ran = home.run("toolchains show debian-sid");
    let row = ran.stdout.lines().find(|line| line.trim_start().starts_with("left out"));
    assert_eq!(
        row.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).as_deref(),
        Some("left out /usr/lib/*/rocblas/*gfx*, but not /usr/lib/*/rocblas/*gfx101[012]*")
    );
    let document = &home.run("toolchains show debian-sid --json").json()[0];
    assert_eq!(document["path-exclude"][0], "/usr/lib/*/rocblas/*gfx*");
    assert_eq!(document["path-include"][0], "/usr/lib/*/rocblas/*gfx101[012]*");
    assert!(!home.run("toolchains show debian-sid-hip").stdout.contains("left out"));
}

#[test]
fn lists_are_data_on_standard_output() {
    let home = Home::new();
    for arguments in
        ["recipes", "toolchains", "explain", "recipes show miopen", "toolchains show debian-sid", "config"]
    {
        let ran = home.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments}");
        assert!(ran.stdout.lines().count() > 2, "{arguments}");
        let ran = home.run(&format!("{arguments} --json"));
        assert_eq!((ran.code, ran.json().len()), (0, 1), "{arguments}");
    }
}

#[test]
fn locking_no_toolchain_or_one_that_cannot_be_locked_is_a_mistake_with_a_way_on() {
    let home = Home::new();
    let ran = home.run("toolchains lock");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("no toolchain is named"), "{}", ran.stderr);
    let ran = home.run("toolchains lock debian-sud");
    assert!(ran.stderr.contains("did you mean `debian-sid`?"), "{}", ran.stderr);
    let ran = home.run("toolchains lock rocm-6.4");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("run::not_lockable"), "{}", ran.stderr);
}

#[test]
fn a_matrix_lists_what_is_to_do_as_each_server_takes_it() {
    let home = Home::new();
    let ran = home.run("matrix selftest --toolchain debian-sid-hip --target gfx1010,gfx1012");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let jobs = ran.json().remove(0);
    let names: Vec<&str> = jobs.as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["selftest-1.0.0-gfx1010-debian-sid-hip", "selftest-1.0.0-gfx1012-debian-sid-hip"]);
    let github = home.run("matrix selftest --toolchain debian-sid-hip --format github");
    let (matrix, any) = github.stdout.split_once('\n').expect("two lines");
    let matrix: serde_json::Value =
        serde_json::from_str(matrix.strip_prefix("matrix=").expect("an output")).expect("one line of JSON");
    assert_eq!(matrix["include"].as_array().map(Vec::len), Some(3), "each target of the recipe");
    assert_eq!((any, github.stderr.as_str()), ("any=true\n", "3 to do, 0 in the store\n"));
    // The command of a job is one that the tool takes.
    let command = matrix["include"][0]["command"].as_str().expect("text");
    let planned = home.run(&command.replace("rdna-build build", "plan"));
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let gitlab = home.run("matrix selftest --toolchain debian-sid-hip --target gfx1010 --format gitlab");
    let pipeline: serde_json::Value = serde_json::from_str(&gitlab.stdout).expect("JSON is YAML");
    let script = &pipeline["selftest-1.0.0-gfx1010-debian-sid-hip"]["script"][0];
    assert!(script.as_str().expect("text").contains("--target gfx1010"), "{pipeline}");
    let unknown = home.run("matrix nothing");
    assert_eq!(unknown.code, home.run("plan nothing --target gfx1010").code);
    assert!(unknown.stderr.contains("nothing"), "{}", unknown.stderr);
    assert_eq!(home.files(), [""; 0]);
}
