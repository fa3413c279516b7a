//! `patch prove` with real compilers: the proofs of the selftest, which are one of each kind, and proofs that must not
//! pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::desk::{Desk, TOOLCHAIN, leftovers_of};
use crate::tool::{Ended, start};

const RECIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/selftest");

/// A desk with a selftest of its own, and that recipe's folder.
fn desk() -> Option<(Desk, PathBuf)> {
    let desk = Desk::shared()?;
    let recipes = desk.path("recipes");
    fs::create_dir(&recipes).expect("a folder");
    let copied = Command::new("cp").arg("-a").args([Path::new(RECIPE), &recipes]).status().expect("cp runs");
    assert!(copied.success());
    Some((desk, recipes.join("selftest")))
}

fn prove(desk: &Desk, more: &[&str]) -> Ended {
    let words = ["patch", "prove", "selftest", "--toolchain", TOOLCHAIN];
    let started = start(desk.command(&[&words, more].concat()));
    let process = started.process();
    let ended = started.end();
    assert_eq!(leftovers_of(process), [], "nothing is left in the engine");
    ended
}

/// Patch, verdict and whether it was known before, of each result.
fn results(ended: &Ended) -> Vec<(String, String, bool)> {
    let [report] = ended.events.as_slice() else { panic!("one document: {ended:?}") };
    let results = report["results"].as_array().expect("results");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let one = |result: &Value| {
        (text(&result["patch"]), text(&result["verdict"]), result["cached"].as_bool().expect("a switch"))
    };
    results.iter().map(one).collect()
}

fn failures(ended: &Ended) -> String {
    let results = ended.events[0]["results"].as_array().expect("results");
    results.iter().map(|result| result["failures"].to_string()).collect()
}

#[test]
fn the_selftest_is_proven_as_its_record_says_and_a_second_run_only_looks_it_up() {
    let Some((desk, recipe)) = desk() else { return };
    let record = recipe.join("patches/proven.toml");
    fs::remove_file(&record).expect("it has a record");
    let first = prove(&desk, &["--record"]);
    assert_eq!(first.status.code(), Some(0), "{first:#?}");
    let verdicts: Vec<_> = results(&first).into_iter().map(|(patch, verdict, _)| (patch, verdict)).collect();
    let passed = |patch: &str| (patch.to_owned(), "passed".to_owned());
    assert_eq!(
        verdicts,
        [
            passed("wave-sum-rows-on-gfx8-gfx9"),
            passed("allocator-non-coherent"),
            passed("buffer-copy-word3-gfx10")
        ]
    );
    let committed = fs::read_to_string(Path::new(RECIPE).join("patches/proven.toml")).expect("committed");
    assert_eq!(fs::read_to_string(&record).expect("written"), committed);

    let second = prove(&desk, &["--offline"]);
    assert_eq!(second.status.code(), Some(0), "{second:#?}");
    assert!(results(&second).iter().all(|(_, _, cached)| *cached), "{second:#?}");
}

/// Changes a proof of the desk's selftest.
fn change(recipe: &Path, proof: &str, part: &str, by: &str) {
    let path = recipe.join("proofs").join(proof);
    let text = fs::read_to_string(&path).expect("a proof");
    assert!(text.contains(part), "{text}");
    fs::write(&path, text.replacen(part, by, 1)).expect("written");
}

#[test]
fn a_wrong_expectation_fails_by_what_was_observed_before() {
    let Some((desk, recipe)) = desk() else { return };
    let patch = "wave-sum-rows-on-gfx8-gfx9";
    assert_eq!(prove(&desk, &[patch]).status.code(), Some(0));
    change(&recipe, "wave-sum-rows.toml", "failing = 2", "failing = 1");
    let ended = prove(&desk, &[patch, "--record"]);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    assert_eq!(results(&ended), [(patch.to_owned(), "failed".to_owned(), true)]);
    assert!(
        failures(&ended).contains("2 of 2 fail saying `not a valid operand`, 1 were expected"),
        "{ended:#?}"
    );
    let record = fs::read_to_string(recipe.join("patches/proven.toml")).expect("a record");
    assert!(!record.contains(patch) && record.contains("allocator-non-coherent"), "{record}");
}

#[test]
fn what_holds_without_the_patch_proves_nothing() {
    let Some((desk, recipe)) = desk() else { return };
    let path = recipe.join("proofs/wave-sum-rows.toml");
    let text = fs::read_to_string(&path).expect("a proof");
    let (matrix, _) = text.split_once("[[compile.expect]]").expect("it expects something");
    let expect = "[[compile.expect]]\ntargets = [\"gfx900\"]\nidentical = true\n";
    fs::write(&path, format!("{matrix}{expect}")).expect("written");
    let ended = prove(&desk, &["wave-sum-rows-on-gfx8-gfx9"]);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    assert_eq!(results(&ended)[0].1, "proves-nothing");
}

#[test]
fn a_hostile_compiler_is_bounded_and_reaches_nobody() {
    let Some((desk, recipe)) = desk() else { return };
    // Prints without end, asks who it is, and where it could go.
    let hostile = r#"schema = 1
summary = "a command that means no good"

[compile]
inputs = ["device"]
command = ["sh", "-c", "id -u; ls -d /var/run/docker.sock; grep -c : /proc/net/dev; touch /etc/x; yes {file} # {object}"]
targets = ["gfx1010"]
cases = [{ files = ["device/row_sum.hip"] }]
expect = [{ before = { failing = 1 }, after = { failing = 0 } }]
"#;
    fs::write(recipe.join("proofs/wave-sum-rows.toml"), hostile).expect("written");
    let ended = prove(&desk, &["wave-sum-rows-on-gfx8-gfx9"]);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    let said = failures(&ended);
    // User 1000; no engine's socket; only the loopback interface; no right to write; stopped by its limit.
    assert!(said.contains("| 1000\\n"), "{said}");
    assert!(said.contains("cannot access '/var/run/docker.sock'"), "{said}");
    assert!(said.contains("| 1\\n"), "{said}");
    assert!(said.contains("Permission denied"), "{said}");
    assert!(said.len() < 4096, "{said}");
}

#[test]
fn a_library_that_cannot_be_built_fails_its_proof_and_says_why() {
    let Some((desk, recipe)) = desk() else { return };
    let patches = recipe.join("patches");
    let series = fs::read_to_string(patches.join("series.toml")).expect("a series");
    // Without the patch that the build needs in front of it.
    let (_, rest) = series.split_once("[[patches]]\nname = \"allocator-non-coherent\"").expect("it is there");
    let series = format!("schema = 1\n[[patches]]\nname = \"allocator-non-coherent\"{rest}");
    fs::write(patches.join("series.toml"), series).expect("written");
    let ended = prove(&desk, &["allocator-non-coherent"]);
    assert_eq!(ended.status.code(), Some(5), "{ended:#?}");
    let said = failures(&ended);
    assert!(said.contains("before: nothing could be observed: build failed"), "{said}");
    assert!(said.contains("not a valid operand"), "{said}");
}
