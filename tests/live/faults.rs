//! Everything that can break a run, broken on purpose: it says so, leaves nothing behind, and the next run works.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::desk::{Desk, containers_of, leftovers_of};
use crate::proxy::{Late, Proxy, post, socket};
use crate::support::skip;
use crate::tiny::{INSTALL, c_recipe, recipe, step, toolchain};
use crate::tool::{Ended, start};

const HELLO: (&str, &str) = ("hello.c", "int main(void) { return 0; }\n");

#[test]
fn an_interrupt_at_any_moment_leaves_nothing_and_the_next_run_makes_the_same() {
    const MOMENTS: u32 = 12;
    let Some(desk) = Desk::fresh() else { return };
    c_recipe(&desk, "interrupted", &format!("add_executable(hello hello.c)\n{INSTALL}"), &[HELLO]);
    let whole = desk.build("interrupted", &[]).expect(0);
    let (mut interrupted, begun) = (0, Instant::now());
    desk.build("interrupted", &["--rebuild"]).expect(0);
    let mut length = begun.elapsed();
    for moment in 0..MOMENTS {
        let begun = Instant::now();
        let mut run = desk.start("interrupted", "gfx1010", &["--rebuild"]);
        run.watch(length * moment / MOMENTS + Duration::from_millis(20));
        run.interrupt();
        let (process, asked) = (run.process(), Instant::now());
        let ended = run.end();
        assert_eq!(leftovers_of(process), [], "{:#?}", ended.events);
        assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
        match ended.was_interrupted() {
            true => interrupted += 1,
            false => {
                // The machine has less to do now than when the length was measured.
                length = length.min(begun.elapsed());
                assert_eq!(ended.expect(0).digests(), whole.digests());
            }
        }
    }
    assert!(interrupted * 2 >= MOMENTS, "{interrupted} of {MOMENTS}");
    assert_eq!(drafts(&desk), [""; 0]);
    assert_eq!(desk.build("interrupted", &["--rebuild"]).expect(0).digests(), whole.digests());
}

/// The engine makes what it was asked for although whoever asked has hung up: it has to be waited for.
#[test]
fn an_interrupt_while_a_container_is_made_leaves_no_container() {
    let (Some(desk), Some(socket)) = (Desk::fresh(), socket()) else { return };
    recipe(&desk, "late", INSTALL);
    let late = Late { path: "/containers/create", by: Duration::from_secs(2) };
    let proxy = Proxy::open_late(&desk.path("engine.sock"), &socket, late);
    let run = desk.start("late", "gfx1010", &["--engine", &proxy.address()]);
    proxy.wait_until_held();
    run.interrupt();
    let process = run.process();
    run.end().expect(130);
    std::thread::sleep(late.by);
    assert_eq!(leftovers_of(process), []);
}

#[test]
fn an_interrupt_while_an_image_is_configured_leaves_no_half_made_image() {
    let Some(desk) = Desk::without_toolchain() else { return };
    recipe(&desk, "early", INSTALL);
    toolchain(&desk, "small");
    let words = ["build", "early", "--target", "gfx1010", "--toolchain", "small"];
    let mut run = start(desk.command(&words));
    run.wait_for("configuring", |event| event["event"] == "log" && event["item"] == "configure image");
    assert_ne!(leftovers_of(run.process()), []);
    run.interrupt();
    let process = run.process();
    run.end().expect(130);
    assert_eq!(leftovers_of(process), []);
}

#[test]
fn a_killed_run_is_swept_by_the_next() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "killed", &format!("{}{INSTALL}", step("at-work", "sleep 2")));
    let mut run = desk.start("killed", "gfx1010", &[]);
    run.wait_for_line("at-work");
    run.kill();
    let process = run.process();
    run.end();
    assert_eq!(leftovers_of(process).len(), 1, "its container");
    let draft = forged_draft(&desk);

    let next = desk.build("killed", &[]).expect(0);
    assert!(next.notes().contains(&"removed 1 leftovers of killed runs"), "{:?}", next.notes());
    assert_eq!(leftovers_of(process), []);
    assert!(!draft.exists());
    assert_eq!(drafts(&desk), [""; 0]);
}

#[test]
fn of_two_runs_of_one_unit_the_second_waits_and_takes_what_the_first_made() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "twice", &format!("{}{INSTALL}", step("at-work", "sleep 2")));
    let mut first = desk.start("twice", "gfx1010", &[]);
    first.wait_for_line("at-work");
    let mut second = desk.start("twice", "gfx1010", &[]);
    let waiting = second.wait_for("waiting", |event| event["event"] == "waiting");
    assert!(text(&waiting["holder"]).contains(&format!("process {}", first.process())), "{waiting}");
    let (first, second) = (first.end().expect(0), second.end().expect(0));
    assert!(second.is_cached() && !first.is_cached());
    assert_eq!(first.digests(), second.digests());
}

#[test]
fn different_units_are_built_at_the_same_time() {
    let Some(desk) = Desk::fresh() else { return };
    for name in ["left", "right"] {
        recipe(&desk, name, &format!("{}{INSTALL}", step("at-work", "sleep 4")));
    }
    let mut runs = ["left", "right"].map(|name| desk.start(name, "gfx1010", &[]));
    runs.iter_mut().for_each(|run| run.wait_for_line("at-work"));
    assert!(runs.iter().all(|run| !leftovers_of(run.process()).is_empty()), "both are at work");
    for run in runs {
        let ended = run.end().expect(0);
        // The image and the sources, which are the same, they look up in turns.
        assert!(ended.find("waiting").iter().all(|wait| wait["stage"] != "build"), "{:#?}", ended.events);
    }
}

#[test]
fn an_engine_that_dies_is_named_with_what_was_being_done() {
    let (Some(desk), Some(socket)) = (Desk::fresh(), socket()) else { return };
    recipe(&desk, "orphan", &format!("{}{INSTALL}", step("at-work", "sleep 2")));
    let proxy = Proxy::open(&desk.path("engine.sock"), &socket);
    let mut run = desk.start("orphan", "gfx1010", &["--engine", &proxy.address()]);
    run.wait_for_line("at-work");
    proxy.close();
    let ended = run.end().expect(4);
    says(&ended, &["the engine stopped answering while running a command in a container", "docker info"]);
    let next = desk.build("orphan", &[]).expect(0);
    assert!(next.notes().iter().any(|note| note.contains("leftovers of killed runs")), "{:?}", next.notes());
}

#[test]
fn a_container_killed_from_outside_is_no_build_that_failed() {
    let (Some(desk), Some(_)) = (Desk::fresh(), socket()) else { return };
    recipe(&desk, "struck", &format!("{}{INSTALL}", step("at-work", "sleep 2")));
    let mut run = desk.start("struck", "gfx1010", &[]);
    let started = run.wait_for("the start", |event| event["event"] == "run-started");
    run.wait_for_line("at-work");
    let containers = containers_of(text(&started["run"]));
    assert_eq!(containers.len(), 1);
    post(&format!("/containers/{}/kill", containers[0]), "");
    says(&run.end().expect(4), &["the build container was stopped from outside during build"]);
    desk.build("struck", &[]).expect(0);
}

#[test]
fn a_build_that_fills_its_disk_is_told_from_one_that_is_wrong() {
    let (Some(desk), Some(_)) = (Desk::fresh(), socket()) else { return };
    recipe(
        &desk,
        "hungry",
        &format!("{}{INSTALL}", step("at-work", "dd if=/dev/zero of=big bs=1M count=64")),
    );
    let volume = desk.work_volume("hungry");
    let options = json!({ "type": "tmpfs", "device": "tmpfs", "o": "size=8m,uid=1000,gid=1000" });
    let labels = json!({ "rdna-build": "cache" });
    let volume = json!({ "Name": volume, "Driver": "local", "DriverOpts": options, "Labels": labels });
    post("/volumes/create", &volume.to_string());
    let ended = desk.build("hungry", &[]).expect(4);
    says(&ended, &["no room left in the build container", "No space left on device", "docker system df"]);
}

#[test]
fn a_store_without_room_says_so_and_keeps_no_half_entry() {
    let Some(desk) = Desk::fresh() else { return };
    let Some(_mounted) = Mounted::over(&desk.store, "8m") else { return };
    let install = "install(FILES ${CMAKE_BINARY_DIR}/big DESTINATION share)\n";
    let make = step("at-work", "head -c 32M /dev/zero > big");
    recipe(&desk, "large", &format!("{make}{install}{INSTALL}"));
    says(&desk.build("large", &[]).expect(4), &["no room left while writing", "--store DIR"]);
    assert_eq!(drafts(&desk), [""; 0]);
}

#[test]
fn a_build_that_installs_nothing_has_failed() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "empty", "");
    let ended = desk.build("empty", &[]).expect(1);
    assert_eq!(text(&ended.units()[0]["outcome"]["why"]), "the build succeeded but installed nothing");
}

#[test]
fn a_build_that_does_not_install_what_was_promised_has_failed() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "other", "install(FILES answer.txt DESTINATION doc)\n");
    let ended = desk.build("other", &[]).expect(1);
    let why = text(&ended.units()[0]["outcome"]["why"]);
    assert!(why.contains("share/answer.txt"), "{why}");
}

#[test]
fn a_compilation_that_fails_is_shown_once_with_its_command_and_file() {
    let Some(desk) = Desk::fresh() else { return };
    let broken = ("broken.c", "int main(void) { return no_such_thing; }\n");
    let noise = step(
        "noise",
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do echo noise $i; done",
    );
    let cmake = format!("add_executable(broken broken.c)\n{noise}add_dependencies(broken step)\n{INSTALL}");
    c_recipe(&desk, "broken", &cmake, &[broken]);
    let words = ["build", "broken", "--target", "gfx1010", "--toolchain", crate::desk::TOOLCHAIN];
    let output = desk.command(&words).output().expect("the tool starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.matches("use of undeclared identifier 'no_such_thing'").count(), 1, "{stderr}");
    for part in ["broken.c:1:", "clang-21", "build failed with exit code", "build      failed after"] {
        assert!(stderr.contains(part), "no `{part}` in {stderr}");
    }
    assert!(!stderr.contains("noise 2"), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_container_of_a_failed_build_is_kept_on_request_until_the_next_run() {
    let Some(desk) = Desk::fresh() else { return };
    recipe(&desk, "kept", &format!("{}{INSTALL}", step("at-work", "exit 3")));
    let run = desk.start("kept", "gfx1010", &["--keep-failed"]);
    let process = run.process();
    let ended = run.end().expect(1);
    let kept = leftovers_of(process);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(ended.notes().iter().any(|note| note.contains(&kept[0].id[..12])), "{:?}", ended.notes());

    desk.build("kept", &[]).expect(1);
    assert_eq!(leftovers_of(process), []);
}

/// A file system over the desk's store that is soon full, holding what the store held.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn over(store: &'a Path, size: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return skip("only root can mount a small file system for the store");
        }
        let aside = store.with_extension("aside");
        fs::rename(store, &aside).expect("renamed");
        fs::create_dir(store).expect("a folder");
        let options = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(store).status();
        if !mount.is_ok_and(|status| status.success()) {
            return skip("no right to mount");
        }
        let mounted = Self(store);
        fs::remove_dir_all(aside.join("v1/downloads")).expect("not needed here");
        let copied = Command::new("cp").arg("-aT").args([&aside, store]).status();
        assert!(copied.is_ok_and(|status| status.success()));
        Some(mounted)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _shown_by_the_folder_that_stays = Command::new("umount").arg(self.0).status();
    }
}

/// A draft as a killed run leaves it: of a process that is no more.
fn forged_draft(desk: &Desk) -> std::path::PathBuf {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux");
    let note = json!({ "run": "r1-1", "pid": u32::MAX, "boot": boot.trim(), "started": 1 });
    let draft = desk.store.join("v1/drafts/build-forged");
    fs::create_dir_all(draft.join("content")).expect("a folder");
    fs::write(draft.with_extension("json"), note.to_string()).expect("written");
    draft
}

pub fn drafts(desk: &Desk) -> Vec<String> {
    let children = fs::read_dir(desk.store.join("v1/drafts")).expect("a store");
    children.map(|child| child.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

#[track_caller]
pub fn says(ended: &Ended, parts: &[&str]) {
    // What is said is wrapped to the terminal's width, with bars at the left.
    let words = |text: &str| {
        let words = text.split_whitespace().filter(|word| !matches!(*word, "|" | "│"));
        words.collect::<Vec<_>>().join(" ")
    };
    let said = words(&ended.stderr);
    for part in parts {
        assert!(said.contains(&words(part)), "no `{part}` in {}", ended.stderr);
    }
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
