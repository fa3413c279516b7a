//! The store when the power goes: killed at each change of a commit and a collection, and the order in which a commit is
//! written to the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::home::{Home, tiny_recipe};
use crate::strace::{can_trace, killed_at, traced};

/// Where the program keeps its store below its home.
const STORE: &str = ".cache/rdna-build";

/// Commits the source of a version, without an engine.
const COMMIT: &str = "patch status tiny --recipes recipes --version";

/// A recipe with two versions: one of a few files, which are written to the disk one by one, and one of many.
pub fn home() -> Home {
    let home = Home::new();
    let many = "\n[[versions]]\nversion = \"2.0\"\nrocm = \"6.4.3\"\nbundled = \"many\"\n";
    home.write("recipes/tiny/recipe.toml", tiny_recipe(&format!("bundled = \"few\"\n{many}")));
    home.write("recipes/tiny/few/README", "read me\n");
    home.write("recipes/tiny/few/src/deep/file.c", "int x;\n");
    for number in 0..40 {
        home.write(&format!("recipes/tiny/many/{number}"), number.to_string());
    }
    home
}

/// Files of entries and drafts with their bytes. Records say when and by which run, and are left out.
pub fn contents(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let is_content = |file: &String| file.starts_with(STORE) && file.contains("/content/");
    home.files()
        .into_iter()
        .filter(is_content)
        .map(|file| (file.clone(), fs::read(home.path(&file)).unwrap()))
        .collect()
}

/// Every entry is whole: what is half made counts for none.
#[track_caller]
pub fn is_whole(home: &Home, at: &str) {
    let checked = home.run("cache verify --keep --json");
    assert_eq!(checked.code, 0, "{at}: {}{}", checked.stdout, checked.stderr);
}

/// What is left of drafts after a collection that removes nothing else.
fn drafts(home: &Home) -> Vec<PathBuf> {
    assert_eq!(home.run("cache gc --max-size 1GiB").code, 0);
    let drafts = fs::read_dir(home.path(STORE).join("v1/drafts")).unwrap();
    drafts.map(|draft| draft.unwrap().path()).collect()
}

#[test]
fn a_commit_that_is_killed_at_any_change_is_not_begun_or_whole_and_the_next_makes_the_same() {
    if !can_trace() {
        return;
    }
    let home = home();
    let commit = format!("{COMMIT} 1.0");
    assert_eq!(home.run(&commit).code, 0);
    let whole = contents(&home);
    assert_eq!(whole.len(), 3);
    // One kind of call at a time: the threads of the program count each for itself.
    for call in ["mkdir", "chmod", "fchmod", "fsync", "rename", "unlink"] {
        for step in 1.. {
            fs::remove_dir_all(home.path(".cache")).unwrap();
            let ended = killed_at(&home, &commit, call, step);
            let at = format!("{call} {step}");
            is_whole(&home, &at);
            let found = contents(&home);
            let in_place = found.keys().filter(|file| !file.contains("/drafts/")).count();
            assert!(in_place == 0 || found == whole, "{at}: {:?}", found.keys());
            assert_eq!(home.run(&commit).code, 0, "{at}");
            assert!(drafts(&home).is_empty(), "{at}");
            assert_eq!(contents(&home), whole, "{at}");
            if ended {
                assert!(step > 1, "there is no {call}");
                break;
            }
        }
    }
}

#[test]
fn a_collection_that_is_killed_at_any_change_leaves_whole_entries_and_the_next_ends_it() {
    if !can_trace() {
        return;
    }
    let home = home();
    for version in ["1.0", "2.0"] {
        assert_eq!(home.run(&format!("{COMMIT} {version}")).code, 0);
    }
    let before = contents(&home);
    let saved = home.path("saved");
    fs::rename(home.path(".cache"), &saved).unwrap();
    let (mut kept, mut gone) = (0, 0);
    for call in ["rename", "chmod", "unlink", "unlinkat", "rmdir"] {
        for step in 1.. {
            let _ = fs::remove_dir_all(home.path(".cache"));
            let mut copy = std::process::Command::new("cp");
            assert!(copy.arg("-a").args([&saved, &home.path(".cache")]).status().unwrap().success());
            let ended = killed_at(&home, "cache gc --max-size 1KiB", call, step);
            let at = format!("{call} {step}");
            is_whole(&home, &at);
            let left = contents(&home);
            let is_there = |(file, bytes): (&String, &Vec<u8>)| before.get(file) == Some(bytes);
            assert!(left.iter().filter(|(file, _)| file.contains("/entries/")).all(is_there), "{at}");
            match left.is_empty() {
                true => gone += 1,
                false => kept += 1,
            }
            assert_eq!(home.run("cache gc --max-size 1KiB").code, 0, "{at}");
            assert!(contents(&home).is_empty() && drafts(&home).is_empty(), "{at}");
            if ended {
                break;
            }
        }
    }
    assert!(kept > 5 && gone > 5, "killed too early or too late each time: {kept} kept, {gone} gone");
}

/// One system call: its name, the paths in it, whether it makes a file.
struct Call {
    name: String,
    paths: Vec<PathBuf>,
    creates: bool,
}

impl Call {
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        // What failed changed nothing.
        if rest.contains("= -1 ") {
            return None;
        }
        let mut paths = Vec::new();
        for piece in rest.split(['"', '<', '>']) {
            if piece.starts_with('/') {
                paths.push(PathBuf::from(piece));
            }
        }
        Some(Self { name: name.to_owned(), paths, creates: name == "mkdir" || rest.contains("O_CREAT") })
    }

    fn is_sync_of(&self, path: &Path) -> bool {
        match self.name.as_str() {
            "fsync" => self.paths.first().is_some_and(|synced| synced == path),
            "syncfs" => true,
            _ => false,
        }
    }

    /// Whether it changes what would be lost of a path: its bytes or rights, or the names in it.
    fn changes(&self, path: &Path) -> bool {
        let of_it = || self.paths.iter().any(|own| own == path);
        let in_it = || self.paths.iter().any(|own| own.parent() == Some(path));
        match self.name.as_str() {
            "write" | "chmod" | "fchmod" => of_it(),
            "mkdir" | "openat" => self.creates && (of_it() || in_it()),
            "rename" => in_it(),
            _ => false,
        }
    }
}

/// The paths of an entry that a power cut could still take, by a trace of what was done to them. Before the rename that is
/// what lies in the draft, after it the folders above the entry.
fn not_on_the_disk(calls: &[Call], store: &Path) -> Vec<PathBuf> {
    let is_commit = |call: &Call| call.name == "rename" && call.paths[0].starts_with(store.join("v1/drafts"));
    let commit = calls.iter().position(is_commit).expect("it is put in its place");
    let (draft, entry) = (&calls[commit].paths[0], &calls[commit].paths[1]);
    let is_synced = |path: &Path, calls: &[Call]| {
        let changed = calls.iter().rposition(|call| call.changes(path));
        changed.is_none_or(|changed| calls[changed..].iter().any(|call| call.is_sync_of(path)))
    };
    let mut inside = vec![entry.clone()];
    let mut lost = Vec::new();
    while let Some(path) = inside.pop() {
        if path.is_dir() {
            inside.extend(fs::read_dir(&path).unwrap().map(|child| child.unwrap().path()));
        }
        let drafted = draft.join(path.strip_prefix(entry).unwrap());
        // With nothing behind it, `join` leaves a slash that no trace has.
        let drafted: PathBuf = drafted.components().collect();
        if !is_synced(&drafted, &calls[..commit]) {
            lost.push(drafted);
        }
    }
    let above = entry.ancestors().skip(1).take_while(|folder| folder.starts_with(store));
    lost.extend(above.filter(|folder| !is_synced(folder, calls)).map(Path::to_owned));
    lost
}

#[test]
fn an_entry_is_on_the_disk_before_its_name_and_its_name_before_the_run_goes_on() {
    if !can_trace() {
        return;
    }
    for version in ["1.0", "2.0"] {
        let home = home();
        let calls = "openat,write,mkdir,chmod,fchmod,rename,fsync,syncfs";
        let mut lines = traced(&home, &format!("{COMMIT} {version}"), calls);
        // The tag for backup tools may be lost.
        lines.retain(|line| !line.contains("/.new-"));
        let read = |lines: &[String]| lines.iter().filter_map(|line| Call::read(line)).collect::<Vec<_>>();
        let store = home.path(STORE);
        let lost = not_on_the_disk(&read(&lines), &store);
        assert!(lost.is_empty(), "a power cut could take {lost:?}");
        // And the judge sees it where one of these calls is missing.
        for (number, line) in lines.iter().enumerate() {
            let is_all = |line: &String| line.starts_with("syncfs");
            // Having all of the disk written makes up for whatever came before.
            if is_all(line) || line.starts_with("fsync") && !lines[number..].iter().any(is_all) {
                let mut without = lines.clone();
                without.remove(number);
                assert!(!not_on_the_disk(&read(&without), &store).is_empty(), "needless: {line}");
            }
        }
    }
}
