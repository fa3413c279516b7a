//! Installs, removals and swaps that are killed at any moment: the old or the new state, never half.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::chance;
use crate::home::Home;
use crate::packages::Recipe;
use crate::strace::{can_trace, killed_at};

const ROUNDS: u32 = 40;

/// Some megabytes that compress badly, so that an install takes a while.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    std::iter::repeat_with(next).take(6_000_000).collect()
}

/// The packages that are listed, the current one with a star; each must be whole.
fn listed(home: &Home) -> BTreeSet<String> {
    let ran = home.run("installed --prefix base --json");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let all = ran.json().remove(0);
    let mut found = BTreeSet::new();
    for one in all.as_array().unwrap() {
        let folder = Path::new(one["folder"].as_str().unwrap());
        let version = one["version"].as_str().unwrap();
        let folder = home.path("base").join(folder.file_name().unwrap());
        let manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("share/rdna-build/manifest.json")).unwrap())
                .unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap().split('/').skip(3).collect::<Vec<_>>().join("/");
            let size = fs::metadata(folder.join(&path)).unwrap().len();
            assert!(file["size"].is_null() || size == file["size"].as_u64().unwrap(), "{path}");
        }
        found.insert(format!("{version}{}", if one["current"] == true { "*" } else { "" }));
    }
    if let Ok(target) = fs::read_link(home.path("base/tiny-gfx1010")) {
        assert!(home.path("base").join(target).is_dir(), "the link leads somewhere");
        assert!(home.path("base/tiny-gfx1010.env.sh").is_file());
    }
    found
}

/// Runs a command and kills it after a while; answers whether it had ended by itself.
fn killed(home: &Home, arguments: &str, after: Duration) -> bool {
    let mut command = home.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < after {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success());
            return true;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap().success()
}

fn set(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn an_install_that_is_killed_at_any_moment_leaves_the_old_or_the_new_state() {
    let home = Home::new();
    let pack = |version: &str, seed| {
        let files: &[(&str, &[u8])] = &[("lib/libtiny.so.1", &noise(seed)), ("include/tiny.h", b"int x;")];
        let path = Recipe { version, files, ..Recipe::PLAIN }.pack(&home.path("packages"));
        path.display().to_string()
    };
    let (one, two) = (pack("1.0", 1), pack("2.0", 2));
    let install = |package: &str| format!("install --prefix base {package}");
    let started = Instant::now();
    assert_eq!(home.run(&install(&one)).code, 0);
    let whole = started.elapsed();
    let mut random = chance::Chance(7);
    let (mut old, mut new) = (0, 0);
    for round in 0..ROUNDS {
        let before = listed(&home);
        let (arguments, after) = match before.contains("2.0*") {
            false => (install(&two), set(&["1.0", "2.0*"])),
            true => ("uninstall --prefix base tiny-2.0".to_owned(), set(&["1.0*"])),
        };
        let moment = whole.mul_f64(1.3 * random.below(1000) as f64 / 1000.0);
        let ended = killed(&home, &arguments, moment);
        let found = listed(&home);
        match found {
            found if found == after => new += 1,
            found if found == before && !ended => old += 1,
            found => panic!("round {round}: {before:?} became {found:?} and not {after:?}"),
        }
    }
    assert!(old > 0 && new > 0, "killed too early or too late each time: {old} old, {new} new");
    // The next one works, and leaves nothing of those that died.
    assert_eq!(home.run(&install(&two)).code, 0);
    assert_eq!(listed(&home), set(&["1.0", "2.0*"]));
    let work = home.path("base/.rdna-build/work");
    assert!(!work.exists() || fs::read_dir(work).unwrap().next().is_none());
    for name in ["tiny-2.0", "tiny-1.0"] {
        assert_eq!(home.run(&format!("uninstall --prefix base {name}")).code, 0);
    }
    assert!(!home.path("base").exists());
}

/// What changes the disk.
const CHANGES: &str = "rename,renameat2,symlink,link,linkat,unlink,unlinkat,rmdir,mkdir";

#[test]
fn a_change_that_is_killed_at_any_step_is_not_begun_or_done() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    let pack = |version: &str, text: &[u8]| {
        let recipe = Recipe { version, files: &[("lib/libtiny.so.1", text)], ..Recipe::PLAIN };
        recipe.pack(&home.path(&format!("packages-{}", text.len()))).display().to_string()
    };
    let (one, two, rebuilt) = (pack("1.0", b"1"), pack("2.0", b"2"), pack("2.0", b"another"));
    let install = |package: &str| format!("install --prefix base {package}");
    let remove = |version: &str| format!("uninstall --prefix base tiny-{version}");
    let back = || "rollback --prefix base tiny".to_owned();
    // What is there before, what is done, and what is there then.
    for (before, change, after) in [
        (vec![], install(&one), set(&["1.0*"])),
        (vec![install(&one)], install(&two), set(&["1.0", "2.0*"])),
        (vec![install(&one), install(&two)], install(&rebuilt), set(&["1.0", "2.0*"])),
        (vec![install(&one), install(&two)], remove("2.0"), set(&["1.0*"])),
        (vec![install(&one), install(&two)], remove("1.0"), set(&["2.0*"])),
        (vec![install(&one), install(&two)], back(), set(&["1.0*", "2.0"])),
        (vec![install(&one)], remove("1.0"), set(&[])),
    ] {
        for command in &before {
            assert_eq!(home.run(command).code, 0);
        }
        let old = listed(&home);
        let saved = home.path("base").exists().then(|| home.path("saved"));
        if let Some(saved) = &saved {
            fs::rename(home.path("base"), saved).unwrap();
        }
        for step in 1.. {
            let _ = fs::remove_dir_all(home.path("base"));
            if let Some(saved) = &saved {
                let copied = Command::new("cp").arg("-a").arg(saved).arg(home.path("base")).status();
                assert!(copied.unwrap().success());
            }
            let ended = killed_at(&home, &change, CHANGES, step);
            let found = listed(&home);
            let at = format!("{change}, step {step}");
            assert!(found == old && !ended || found == after, "{at}: {old:?} became {found:?}");
            // The next command works, and leaves nothing behind.
            assert_eq!(home.run(&install(&two)).code, 0, "{at}");
            assert!(listed(&home).contains("2.0*"), "{at}");
            for version in ["2.0", "1.0"] {
                home.run(&format!("uninstall --prefix base tiny-{version}"));
            }
            let left = home.path("base").exists().then(|| home.files());
            let left: Vec<String> =
                left.into_iter().flatten().filter(|file| file.starts_with("base/")).collect();
            assert!(left.is_empty(), "{at}: {left:?}");
            if ended {
                break;
            }
        }
        let _ = fs::remove_dir_all(home.path("base"));
        let _ = fs::remove_dir_all(home.path("saved"));
    }
}

#[test]
fn an_interrupted_install_ends_as_such_and_leaves_nothing() {
    let home = Home::new();
    let files: &[(&str, &[u8])] = &[("lib/libtiny.so.1", &noise(3)), ("lib/other", &noise(4))];
    let package = Recipe { files, ..Recipe::PLAIN }.pack(&home.path("packages"));
    let before = home.files();
    let mut interrupted = 0;
    for round in 0..10 {
        let mut command = home.command(&format!("install --prefix base {}", package.display()));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(15 + 10 * round));
        let process = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        // Without a code: it had not got as far as to listen.
        match child.wait().unwrap().code() {
            Some(130) => interrupted += 1,
            Some(0) => assert_eq!(home.run("uninstall --prefix base tiny").code, 0),
            Some(other) => panic!("ended with {other}"),
            None => continue,
        }
        assert_eq!(home.files(), before, "round {round}");
    }
    assert!(interrupted > 0, "it was never in the middle");
}

#[test]
fn a_swap_that_is_killed_at_any_moment_leaves_one_whole_library_and_the_way_back() {
    const TORCH: &str = "venv/lib/python3.12/site-packages/torch/lib";
    let fixture = |name: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/venv").join(name)).unwrap()
    };
    let home = Home::new();
    for name in ["libamdhip64.so", "librocblas.so", "libMIOpen.so", "libtorch_hip.so"] {
        home.write(&format!("{TORCH}/{name}"), fixture(name));
    }
    let (original, ours) = (fixture("libMIOpen.so"), fixture("ours.so"));
    let files: &[(&str, &[u8])] = &[("lib/libMIOpen.so.1", &ours), ("share/large", &noise(5))];
    let package = Recipe { name: "miopen", files, ..Recipe::PLAIN }.pack(&home.path("packages"));
    let swap = format!("install --into-venv venv {}", package.display());
    let before = home.files();
    let started = Instant::now();
    assert_eq!(home.run(&swap).code, 0);
    let whole = started.elapsed();
    let library = home.path(TORCH).join("libMIOpen.so");
    let mut random = chance::Chance(11);
    let mut seen = BTreeSet::new();
    for round in 0..ROUNDS {
        let is_ours = fs::read(&library).unwrap() == ours;
        let (arguments, limit) = match is_ours {
            true => ("rollback --into-venv venv".to_owned(), whole.mul_f64(0.3)),
            false => (swap.clone(), whole.mul_f64(1.3)),
        };
        killed(&home, &arguments, limit.mul_f64(random.below(1000) as f64 / 1000.0));
        let found = fs::read(&library).unwrap();
        assert!(found == ours || found == original, "round {round}: neither");
        seen.insert((is_ours, found == ours));
    }
    assert!(seen.len() >= 3, "killed too early or too late each time: {seen:?}");
    assert_eq!(home.run(&swap).code, 0);
    assert_eq!(home.run("rollback --into-venv venv").code, 0);
    assert_eq!(fs::read(&library).unwrap(), original);
    assert_eq!(home.files(), before);
}
