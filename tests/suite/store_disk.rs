//! A store on a disk that is full at any write, that may only be read, or that is another user's.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::{Home, Ran};
use crate::store_kills::{contents, home, is_whole};

const COMMIT: &str = "patch status tiny --recipes recipes --version 1.0";

/// A file system over a folder, gone with the value.
struct Mounted(PathBuf);

impl Mounted {
    /// A small one in memory; `None` where mounting is not allowed, which is said.
    fn small(over: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&over).unwrap();
        Self::mount(&["-t", "tmpfs", "-o", options, "tmpfs"], over)
    }

    /// The folder itself, read-only.
    fn read_only(over: PathBuf) -> Option<Self> {
        let folder = over.display().to_string();
        let mounted = Self::mount(&["--bind", &folder], over)?;
        assert!(mounted.remount("bind,ro"));
        Some(mounted)
    }

    fn mount(arguments: &[&str], over: PathBuf) -> Option<Self> {
        let mut command = Command::new("mount");
        command.args(arguments).arg(&over).stderr(std::process::Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return Some(Self(over));
        }
        eprintln!("skipped: no right to mount");
        None
    }

    fn remount(&self, options: &str) -> bool {
        let options = format!("remount,{options}");
        Command::new("mount")
            .args(["-o", &options])
            .arg(&self.0)
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _shown_by_the_folder_that_stays = Command::new("umount").arg(&self.0).status();
    }
}

/// A run that met a full disk: it says so and what to do, and leaves no half entry.
#[track_caller]
fn is_full(home: &Home, ran: &Ran, at: &str) {
    assert_eq!(ran.code, 4, "{at}: {}", ran.stderr);
    let says = |part| assert!(ran.stderr.contains(part), "{at}: no `{part}` in {}", ran.stderr);
    says("no room left");
    says("help: free s");
    let drafts = fs::read_dir(home.path(".cache/rdna-build/v1/drafts"));
    assert_eq!(drafts.map_or(0, |drafts| drafts.count()), 0, "{at}");
    // Looking at what is there needs no room, once there is a store.
    if home.path(".cache/rdna-build/CACHEDIR.TAG").exists() {
        is_whole(home, at);
    }
}

#[test]
fn a_disk_that_is_full_at_any_write_is_named_and_the_next_run_with_room_works() {
    const PAGE: usize = 4096;
    const PAGES: usize = 64;
    let home = home();
    let store = home.path(".cache/rdna-build");
    let Some(_mounted) = Mounted::small(store.clone(), &format!("size={}", PAGES * PAGE)) else { return };
    let fill = store.join("fill");
    let mut said = std::collections::BTreeSet::new();
    for free in 0.. {
        fs::write(&fill, vec![1; (PAGES - free) * PAGE]).unwrap();
        let ran = home.run(COMMIT);
        if ran.code == 0 {
            assert!(free > 4, "nothing was written with {free} pages free");
            break;
        }
        is_full(&home, &ran, &format!("{free} pages free"));
        said.insert(place(&ran));
        fs::remove_file(&fill).unwrap();
        assert_eq!(home.run(COMMIT).code, 0, "{free} pages free before");
        let all = fs::read_dir(&store).unwrap().map(|child| child.unwrap().path());
        all.for_each(|path| remove(&path));
    }
    let all = ["CACHEDIR.TAG", "README", "file.c", "record.json", "tree.json"].map(str::to_owned);
    assert_eq!(said, all.into(), "what there was no room for");

    // Making room needs none.
    fs::write(&fill, "").unwrap();
    let more = [1; PAGE];
    let mut file = fs::File::options().append(true).open(&fill).unwrap();
    while std::io::Write::write_all(&mut file, &more).is_ok() {}
    let collected = home.run("cache gc --max-size 1KiB");
    assert_eq!(collected.code, 0, "{}", collected.stderr);
    assert!(contents(&home).is_empty());
}

#[test]
fn a_disk_with_no_room_for_another_file_is_named_and_the_next_run_with_room_works() {
    let home = home();
    let store = home.path(".cache/rdna-build");
    // One is the root folder's.
    for files in 2.. {
        let Some(mounted) = Mounted::small(store.clone(), &format!("size=1m,nr_inodes={files}")) else {
            return;
        };
        let ran = home.run(COMMIT);
        if ran.code == 0 {
            assert!(files > 15, "nothing was made with {files} files");
            break;
        }
        is_full(&home, &ran, &format!("{files} files"));
        assert!(mounted.remount("nr_inodes=1000"));
        assert_eq!(home.run(COMMIT).code, 0, "{files} files before");
    }
}

/// The name of the file that there was no room for.
fn place(ran: &Ran) -> String {
    let mut words = ran.stderr.split_whitespace().map(|word| word.trim_end_matches(':'));
    let path = words.rfind(|word| word.starts_with("[HOME]/.cache")).expect("a path");
    Path::new(path).file_name().unwrap().to_string_lossy().into_owned()
}

fn remove(path: &Path) {
    let status = Command::new("rm").arg("-rf").arg(path).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_store_that_may_only_be_read_is_read_and_says_so_when_it_is_to_be_written() {
    let home = home();
    assert_eq!(home.run(COMMIT).code, 0);
    let before = home.files();
    let store = home.path(".cache/rdna-build");
    let Some(_mounted) = Mounted::read_only(store) else { return };
    for command in [COMMIT, "cache list", "cache verify", "cache gc --max-size 1GiB", "logs"] {
        let ran = home.run(command);
        assert_eq!(ran.code, 0, "{command}: {}", ran.stderr);
    }
    for command in ["patch status tiny --recipes recipes --version 2.0", "cache gc --max-size 1KiB"] {
        let ran = home.run(command);
        assert_eq!(ran.code, 4, "{command}: {}", ran.stderr);
        assert!(ran.stderr.contains("store::denied") && ran.stderr.contains("--store DIR"), "{}", ran.stderr);
    }
    assert_eq!(home.files(), before);
}

#[test]
fn what_another_user_has_in_his_store_can_be_used() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can become another user");
        return;
    }
    let home = home();
    assert_eq!(home.run(COMMIT).code, 0);
    let before = home.files();
    // A folder of a test is its own user's alone.
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let program = home.path("rdna-build");
    fs::copy(env!("CARGO_BIN_EXE_rdna-build"), &program).unwrap();
    let other = |arguments: &str| {
        let mut command = Command::new("setpriv");
        home.prepare(&mut command);
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(arguments.split_whitespace()).env("HOME", "/nonexistent");
        command.env("RDNA_BUILD_STORE", home.path(".cache/rdna-build"));
        home.finish(&mut command)
    };
    let looked = other(COMMIT);
    assert_eq!(looked.code, 0, "{}", looked.stderr);
    assert_eq!(other("cache verify").code, 0);
    let refused = other("patch status tiny --recipes recipes --version 2.0");
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("store::denied"), "{}", refused.stderr);
    fs::remove_file(program).unwrap();
    assert_eq!(home.files(), before);
}
