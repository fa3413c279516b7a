//! The store while whole runs are killed, meet each other and find damage: the next run makes the same bytes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::chance::Chance;
use crate::desk::{Desk, TOOLCHAIN, leftovers_of};
use crate::faults::{drafts, says, text};
use crate::support::{environment, skip};
use crate::tiny::{INSTALL, recipe, step};
use crate::tool::{Ended, start};

/// The stages of a run in order. Before the first of these it looks into the image.
const STAGES: [&str; 4] = ["source", "prepare", "build", "package"];

/// How often a run is killed; [CONTRIBUTING.md](../../CONTRIBUTING.md) names the variable.
fn kills() -> u32 {
    environment("RDNA_BUILD_KILLS").map_or(15, |number| number.parse().expect("a number"))
}

/// Lets the store forget what stages made.
fn forget(desk: &Desk, stages: &[&str]) {
    for stage in stages {
        let made = desk.store.join("v1/entries").join(stage);
        let _not_made_yet = Command::new("rm").arg("-rf").arg(made).status();
    }
    let _not_made_yet = fs::remove_dir_all(desk.output());
}

/// What `cache verify` says, and how it ends.
fn verify(desk: &Desk, words: &[&str]) -> (Option<i32>, Vec<Value>) {
    let words = [&["cache", "verify", "--json"], words].concat();
    let output = desk.command(&words).output().expect("the tool starts");
    let said = serde_json::from_slice(&output.stdout).expect("a list");
    (output.status.code(), said)
}

fn collect(desk: &Desk) {
    let collected = desk.command(&["cache", "gc", "--max-size", "100GiB"]).output().expect("the tool starts");
    assert!(collected.status.success());
}

#[test]
fn a_run_killed_at_any_moment_loses_nothing_and_the_next_makes_the_same() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "struck-often", INSTALL);
    let whole = desk.build("struck-often", &[]).expect(0);
    forget(&desk, &STAGES);
    let begun = Instant::now();
    desk.build("struck-often", &[]).expect(0);
    let mut length = begun.elapsed();
    let mut chance = Chance(41);
    let mut killed = 0;
    for round in 0..kills() {
        forget(&desk, &STAGES);
        let begun = Instant::now();
        let mut run = desk.start("struck-often", "gfx1010", &[]);
        run.watch(length.mul_f64(chance.below(1000) as f64 / 1000.0));
        run.kill();
        let process = run.process();
        match run.end().status.signal() {
            Some(_) => killed += 1,
            // The machine has less to do now than when the length was measured.
            None => length = length.min(begun.elapsed()),
        }
        let (code, said) = verify(&desk, &["--keep"]);
        assert_eq!(code, Some(0), "round {round}: {said:#?}");
        let next = desk.build("struck-often", &[]).expect(0);
        assert_eq!(next.digests(), whole.digests(), "round {round}");
        assert_eq!(leftovers_of(process), [], "round {round}: {:?}", next.notes());
        collect(&desk);
        assert_eq!(drafts(&desk), [""; 0], "round {round}");
    }
    assert!(killed * 2 >= kills(), "{killed} of {}", kills());
}

#[test]
fn of_eight_runs_of_one_unit_one_builds_and_the_others_say_for_whom_they_wait() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "crowded", &format!("{}{INSTALL}", step("at-work", "sleep 2")));
    let runs: Vec<_> = (0..8).map(|_| desk.start("crowded", "gfx1010", &[])).collect();
    let processes: BTreeSet<u32> = runs.iter().map(|run| run.process()).collect();
    let ended: Vec<Ended> = runs.into_iter().map(|run| run.end().expect(0)).collect();
    let built = ended.iter().filter(|run| run.reason("build").is_some()).count();
    assert_eq!(built, 1, "only one builds");
    for run in &ended {
        assert_eq!(run.digests(), ended[0].digests());
        for wait in run.find("waiting") {
            let holder = text(&wait["holder"]);
            // Who has just got the lock has not said its name yet.
            let is_known = processes.iter().any(|process| holder.ends_with(&format!("(process {process})")));
            assert!(is_known || holder == "another run", "{holder}");
        }
    }
    let waited = ended.iter().filter(|run| !run.find("waiting").is_empty()).count();
    assert_eq!(waited, 7, "all others waited");
    assert_eq!(drafts(&desk), [""; 0]);
}

#[test]
fn a_flipped_bit_is_named_and_never_built_into_anything() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "flipped", INSTALL);
    let whole = desk.build("flipped", &[]).expect(0);
    for stage in ["inventory", "source", "prepare", "build", "package"] {
        let own = ["inventory"].into_iter().chain(STAGES).skip_while(|one| *one != stage);
        let after: Vec<&str> = own.skip(1).collect();
        for file in files_below(&desk.store.join("v1/entries").join(stage)) {
            // What is made of it is made again, lest nobody looks at it.
            forget(&desk, &after);
            let bytes = fs::metadata(&file).expect("there").len();
            if bytes == 0 {
                continue;
            }
            flip(&file, bytes / 2);
            let at = file.display();
            let (code, said) = verify(&desk, &["--keep"]);
            let damaged: Vec<&Value> = said.iter().filter(|one| one["condition"] == "damaged").collect();
            assert_eq!((code, damaged.len()), (Some(5), 1), "{at}: {said:#?}");
            assert_eq!(damaged[0]["stage"], stage, "{at}");

            let next = desk.build("flipped", &[]).expect(0);
            let warned = next.find("warning").iter().any(|one| text(&one["message"]).contains("the store's"));
            assert!(warned, "{at}: {:#?}", next.events);
            assert_eq!(next.digests(), whole.digests(), "{at}");
            assert_eq!(published(&desk, &next), whole.digests()[0], "{at}");
            assert_eq!(verify(&desk, &[]).0, Some(0), "{at}");
        }
    }
}

/// Sharing between users: one builds, all others may read.
#[test]
fn another_user_gets_the_package_from_a_store_that_he_may_only_read() {
    let (Some(desk), Some(first)) = (Desk::shared(), Desk::first_run()) else { return };
    if !rustix::process::geteuid().is_root() {
        return skip("only root can become another user").unwrap_or_default();
    }
    // Where everybody may go, unlike a folder of Cargo's in somebody's home.
    let place = tempfile::tempdir().expect("a folder");
    let (store, out) = (place.path().join("store"), place.path().join("out"));
    let words = ["cache", "gc", "--max-size", "1GiB", "--store", store.to_str().expect("text")];
    assert!(desk.command(&words).output().expect("the tool starts").status.success());
    for stage in ["toolchain", "package"] {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(desk.store.join("v1/entries").join(stage)).arg(store.join("v1/entries"));
        assert!(copy.status().expect("cp runs").success());
    }
    fs::create_dir(&out).expect("a folder");
    for (folder, mode) in [(place.path(), 0o755), (&out, 0o777)] {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("ours");
    }
    let program = place.path().join("rdna-build");
    fs::copy(env!("CARGO_BIN_EXE_rdna-build"), &program).expect("copied");
    let build = |target: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(["build", "selftest", "--toolchain", TOOLCHAIN, "--target", target]);
        command.env_clear().env("PATH", environment("PATH").unwrap_or_default()).current_dir("/");
        command.env("HOME", "/nonexistent").env("RDNA_BUILD_STORE", &store).env("RDNA_BUILD_OUTPUT", &out);
        start(command).end()
    };
    let before = files_below(&store);
    let ended = build("gfx1010").expect(0);
    assert!(ended.is_cached());
    assert_eq!(ended.digests(), first.digests());
    assert_eq!(published(&desk, &ended), first.digests()[0]);
    says(&build("gfx1012").expect(4), &["no right to go on while", "--store DIR"]);
    assert_eq!(files_below(&store), before);
}

#[test]
fn what_is_only_a_hint_may_be_damaged_in_any_way() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "hinted", INSTALL);
    let whole = desk.build("hinted", &[]).expect(0);
    let hints: Vec<PathBuf> = files_below(&desk.store.join("v1/units"));
    assert_eq!(hints.len(), 1);
    for text in ["", "{", "{\"stages\":{\"build\":7}}", "\u{0}"] {
        forget(&desk, &STAGES);
        fs::write(&hints[0], text).expect("written");
        assert_eq!(desk.build("hinted", &[]).expect(0).digests(), whole.digests());
    }
}

/// The digest of the package in the output folder.
fn published(desk: &Desk, ended: &Ended) -> String {
    let package = text(&ended.units()[0]["outcome"]["packages"][0]["path"]);
    let bytes = fs::read(desk.path(package)).expect("published");
    crate::model::Digest::of(bytes).to_string()
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        match path.is_dir() {
            true => waiting
                .extend(fs::read_dir(&path).expect("readable").map(|child| child.expect("readable").path())),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn flip(file: &Path, place: u64) {
    let mode = fs::metadata(file).expect("there").permissions().mode();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("ours");
    let mut bytes = fs::read(file).expect("readable");
    bytes[place as usize] ^= 4;
    fs::write(file, bytes).expect("written");
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("ours");
}
