use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::mpsc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::{Ingredients, UnitId};

pub(super) fn store() -> (tempfile::TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(root.path()).unwrap();
    (root, store)
}

pub(super) fn key(of: &str) -> Key {
    Digest::of(of).to_string().parse().unwrap()
}

pub(super) fn holder() -> Holder {
    Holder::this_process("r-test".parse().unwrap())
}

pub(super) fn made() -> Made {
    Made { ingredients: Ingredients::default(), seconds: 1.5, detail: serde_json::json!({"n": 1}) }
}

pub(super) fn put(store: &Store, of: &str) -> Entry {
    let draft = store.draft(Stage::Build, &key(of), &holder()).unwrap();
    fs::create_dir(draft.content().join("lib")).unwrap();
    fs::write(draft.content().join("lib/a"), of).unwrap();
    draft.commit(made()).unwrap()
}

pub(super) fn names(folder: PathBuf) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_committed_is_found_and_read_only() {
    let (_root, store) = store();
    drop(put(&store, "k"));
    let entry = store.lookup(Stage::Build, &key("k")).unwrap().entry().expect("a hit");
    assert_eq!(fs::read_to_string(entry.content().join("lib/a")).unwrap(), "k");
    for path in [entry.content(), entry.content().join("lib"), entry.content().join("lib/a")] {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o222, 0, "{}", path.display());
    }
    assert_eq!((entry.record().files, entry.record().seconds), (1, 1.5));
    assert!(matches!(store.lookup(Stage::Package, &key("k")).unwrap(), Lookup::Miss));
    assert_eq!(names(store.layout.drafts()), Vec::<String>::new());
}

#[test]
fn sealing_follows_no_symlink_out_of_the_draft() {
    let (root, store) = store();
    let outside = root.path().join("outside");
    fs::write(&outside, "").unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o644)).unwrap();
    let draft = store.draft(Stage::Build, &key("k"), &holder()).unwrap();
    symlink(&outside, draft.content().join("link")).unwrap();
    draft.commit(made()).unwrap();
    assert_eq!(fs::metadata(&outside).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_dropped_draft_leaves_nothing() {
    let (_root, store) = store();
    let draft = store.draft(Stage::Source, &key("k"), &holder()).unwrap();
    fs::write(draft.content().join("half"), "x").unwrap();
    drop(draft);
    assert_eq!(names(store.layout.drafts()), Vec::<String>::new());
    assert!(matches!(store.lookup(Stage::Source, &key("k")).unwrap(), Lookup::Miss));
}

#[test]
fn only_drafts_of_the_dead_are_swept() {
    let (_root, store) = store();
    let dead =
        store.draft(Stage::Source, &key("dead"), &Holder::this_process("r-dead".parse().unwrap())).unwrap();
    std::mem::forget(dead);
    let alive = store.draft(Stage::Source, &key("alive"), &holder()).unwrap();
    assert_eq!(store.sweep_drafts(&|holder| holder.run.as_str() != "r-dead").unwrap(), 1);
    assert_eq!(names(store.layout.drafts()).len(), 2);
    assert!(alive.content().is_dir());
}

#[test]
fn of_concurrent_commits_one_wins_and_all_get_it() {
    for unusable in [false, true] {
        let (_root, store) = store();
        if unusable {
            let record = Layout::record(&store.layout.entry(Stage::Build, &key("k")));
            fs::create_dir_all(record.parent().unwrap()).unwrap();
            fs::write(record, "{").unwrap();
        }
        commit_from_many_threads(&store);
    }
}

fn commit_from_many_threads(store: &Store) {
    let found: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn(move || {
                    let draft = store.draft(Stage::Build, &key("k"), &holder()).unwrap();
                    fs::write(draft.content().join("who"), n.to_string()).unwrap();
                    let entry = draft.commit(made()).unwrap();
                    fs::read_to_string(entry.content().join("who")).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|who| *who == found[0]), "{found:?}");
    assert_eq!(names(store.layout.drafts()), Vec::<String>::new());
}

#[test]
fn an_unusable_record_is_never_a_hit_and_the_next_commit_replaces_it() {
    let (_root, store) = store();
    let record = Layout::record(&store.layout.entry(Stage::Build, &key("k")));
    let good = {
        put(&store, "k");
        fs::read_to_string(&record).unwrap()
    };
    let unsealed = format!("{{{}", &good[good.find("\"schema\"").unwrap()..]);
    let older = unsealed.replace("\"schema\":1", "\"schema\":0");
    let foreign = unsealed.replace("\"build\"", "\"source\"");
    let changed = good.replace("\"build\"", "\"source\"");
    for bad in [&good[..good.len() / 2], "", &older, &foreign, &changed] {
        fs::remove_file(&record).unwrap();
        fs::write(&record, bad).unwrap();
        match store.lookup(Stage::Build, &key("k")).unwrap() {
            Lookup::Unusable { path, reason } => assert!(path == record && !reason.is_empty()),
            other => panic!("{other:?} for {bad}"),
        }
        put(&store, "k");
        assert!(matches!(store.lookup(Stage::Build, &key("k")).unwrap(), Lookup::Hit(_)));
    }
    assert_eq!(names(store.layout.drafts()), Vec::<String>::new());
}

#[test]
fn a_lock_is_waited_for_and_its_holder_named() {
    let (_root, store) = store();
    let first = store.try_lock(&key("k"), &holder()).unwrap().expect("free");
    let (waits, is_waiting) = mpsc::channel();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            let cancel = CancellationToken::new();
            store.lock(&key("k"), &holder(), &mut |who| waits.send(who.to_owned()).unwrap(), &cancel)
        });
        let who = is_waiting.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(who, format!("run r-test (process {})", std::process::id()));
        drop(first);
        let second = second.join().unwrap().unwrap();
        assert!(store.try_lock(&key("k"), &holder()).unwrap().is_err());
        drop(second);
    });
    assert_eq!(names(store.layout.root().join("v1/locks")), Vec::<String>::new());
}

#[test]
fn a_lock_keeps_all_others_out_although_its_file_comes_and_goes() {
    let (_root, store) = store();
    let inside = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut taken = 0;
                while taken < 200 {
                    let Ok(_lock) = store.try_lock(&key("k"), &holder()).unwrap() else { continue };
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    taken += 1;
                }
            });
        }
    });
}

#[test]
fn a_cancelled_wait_ends() {
    let (_root, store) = store();
    let _first = store.try_lock(&key("k"), &holder()).unwrap().expect("free");
    let cancel = CancellationToken::new();
    let ended = store.lock(&key("k"), &holder(), &mut |_| cancel.cancel(), &cancel);
    assert!(matches!(ended, Err(StoreError::Cancelled { .. })), "{ended:?}");
}

#[test]
fn peeking_creates_and_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let nowhere = root.path().join("none");
    let store = Store::peek(&nowhere);
    assert!(matches!(store.lookup(Stage::Build, &key("k")).unwrap(), Lookup::Miss));
    assert!(store.list().unwrap().is_empty() && store.runs().unwrap().is_empty());
    assert!(!nowhere.exists());

    put(&Store::open(&nowhere).unwrap(), "k");
    age(&Store::peek(&nowhere), "k", 100);
    let before = store.list().unwrap()[0].last_used;
    assert!(matches!(store.lookup(Stage::Build, &key("k")).unwrap(), Lookup::Hit(_)));
    assert_eq!(store.list().unwrap()[0].last_used, before);
}

/// Lets an entry be made and used last so many seconds ago.
pub(super) fn age(store: &Store, of: &str, seconds: u64) {
    rewrite(store, of, |record| record["created"] = 1.into());
    used_at(store, of, std::time::SystemTime::now() - Duration::from_secs(seconds));
}

pub(super) fn used_at(store: &Store, of: &str, time: std::time::SystemTime) {
    fs::File::open(record_of(store, of)).unwrap().set_modified(time).unwrap();
}

pub(super) fn record_of(store: &Store, of: &str) -> PathBuf {
    Layout::record(&store.layout.entry(Stage::Build, &key(of)))
}

/// Changes an entry's record as another version would have written it.
pub(super) fn rewrite(store: &Store, of: &str, change: impl FnOnce(&mut serde_json::Value)) {
    let text = fs::read(record_of(store, of)).unwrap();
    let mut record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    record.as_object_mut().unwrap().remove("seal");
    change(&mut record);
    spoil(&record_of(store, of), &record.to_string());
}

#[test]
fn the_least_recently_used_go_first_and_those_in_use_stay() {
    let (_root, store) = store();
    for (of, seconds) in [("old", 4000), ("older", 5000), ("oldest", 6000), ("new", 10)] {
        put(&store, of);
        age(&store, of, seconds);
    }
    let one = store.list().unwrap()[0].bytes;
    assert!(one > 0 && store.usage().unwrap().entries == 4 * one);
    let held = store.lookup(Stage::Build, &key("older")).unwrap().entry().unwrap();
    age(&store, "older", 5000);
    let making = store.try_lock(&key("old"), &holder()).unwrap().expect("free");

    let limits = Limits { max_size: Some(3 * one), older_than: Some(Duration::from_secs(3600)) };
    let collected = store.gc(limits, &holder()).unwrap();
    let keys = |listed: &[Listed]| listed.iter().map(|entry| entry.key).collect::<Vec<_>>();
    assert_eq!(keys(&collected.removed), [key("oldest")]);
    assert_eq!(keys(&collected.in_use), [key("older"), key("old")]);

    drop((held, making));
    store.gc(Limits { max_size: Some(one), older_than: None }, &holder()).unwrap();
    assert_eq!(keys(&store.list().unwrap()), [key("new")]);
    assert_eq!(names(store.layout.drafts()), Vec::<String>::new());
}

#[test]
fn of_a_found_stage_the_measured_seconds_stay() {
    let (_root, store) = store();
    let unit = UnitId {
        recipe: "miopen".parse().unwrap(),
        version: "3.3.0".parse().unwrap(),
        target: "gfx1010".parse().unwrap(),
        toolchain: "debian-sid".parse().unwrap(),
    };
    assert_eq!(store.history(&unit), UnitHistory::default());
    let mut ingredients = Ingredients::default();
    store.remember(&unit, Stage::Build, key("a"), &ingredients, Some(90.0)).unwrap();
    ingredients.add("patches/1", "x");
    store.remember(&unit, Stage::Build, key("b"), &ingredients, None).unwrap();
    let last = store.history(&unit).stages.remove(&Stage::Build).unwrap();
    assert_eq!((last.key, last.seconds, last.ingredients), (key("b"), Some(90.0), ingredients));
}

#[test]
fn only_the_newest_runs_keep_their_logs() {
    let (_root, store) = store();
    for (name, seconds) in [("r1", 300), ("r2", 200), ("r3", 100)] {
        let folder = store.run_folder(&name.parse().unwrap()).unwrap();
        fs::write(folder.join("log"), name).unwrap();
        let time = std::time::SystemTime::now() - Duration::from_secs(seconds);
        fs::File::open(folder).unwrap().set_modified(time).unwrap();
    }
    assert_eq!(store.prune_runs(2).unwrap(), 1);
    let left = store.runs().unwrap();
    assert_eq!(left.iter().map(|run| run.as_str()).collect::<Vec<_>>(), ["r3", "r2"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("v1"), "a file in the way").unwrap();
    let error = Store::open(root.path()).unwrap_err();
    assert!(error.to_string().contains("v1/entries"), "{error}");
}

#[test]
fn a_full_disk_is_told_with_what_is_free() {
    let root = tempfile::tempdir().unwrap();
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = StoreError::io("writing", &root.path().join("not/there"))(full);
    assert!(matches!(&error, StoreError::Full { free, .. } if free.contains(" free ")), "{error}");
}

pub(super) fn checked(store: &Store, heal: bool) -> Vec<Checked> {
    let mut all = Vec::new();
    store.check(heal, &holder(), &mut |one| all.push(one.clone())).unwrap();
    all
}

/// Writes into a sealed entry, as a broken disk or a careless person does.
pub(super) fn spoil(path: &Path, bytes: &str) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_not_what_was_committed_is_found_and_removed() {
    for damage in ["content", "lost", "added", "executable", "record"] {
        let (_root, store) = store();
        drop(put(&store, "good"));
        let content = put(&store, "bad").content();
        let file = content.join("lib/a");
        let folder = fs::Permissions::from_mode(0o755);
        fs::set_permissions(content.join("lib"), folder).unwrap();
        match damage {
            "content" => spoil(&file, "bed"),
            "lost" => fs::remove_file(&file).unwrap(),
            "added" => fs::write(content.join("lib/b"), "").unwrap(),
            "executable" => fs::set_permissions(&file, fs::Permissions::from_mode(0o555)).unwrap(),
            _ => spoil(&content.with_file_name("record.json"), "{"),
        }
        let kept = checked(&store, false);
        let is_damaged = |one: &&Checked| matches!(one.condition, Condition::Damaged(_));
        assert_eq!((kept.len(), kept.iter().filter(is_damaged).count()), (2, 1), "{damage}: {kept:?}");
        let healed = checked(&store, true);
        let removed: Vec<&Checked> = healed.iter().filter(|one| one.removed).collect();
        assert_eq!(removed.len(), 1, "{damage}");
        assert_eq!(removed[0].what, CheckedThing::Entry { stage: Stage::Build, key: key("bad") });
        assert!(matches!(store.lookup(Stage::Build, &key("bad")).unwrap(), Lookup::Miss), "{damage}");
        assert!(checked(&store, true).iter().all(|one| one.condition == Condition::Whole), "{damage}");
    }
}

#[test]
fn a_damaged_entry_in_someones_hands_stays_until_they_are_done() {
    let (_root, store) = store();
    let entry = put(&store, "k");
    spoil(&entry.content().join("lib/a"), "other");
    assert!(checked(&store, true).iter().all(|one| !one.removed));
    drop(entry);
    assert!(checked(&store, true).iter().all(|one| one.removed));
}

#[test]
fn a_download_that_is_not_its_digest_is_removed_and_an_unfinished_one_left_alone() {
    let (_root, store) = store();
    let (good, bad) = (Digest::of("good"), Digest::of("bad"));
    fs::write(store.download(&good), "good").unwrap();
    fs::write(store.download(&bad), "worse").unwrap();
    fs::write(store.downloads().join("half.part"), "x").unwrap();
    let mut all = checked(&store, true);
    all.sort_by_key(|one| one.removed);
    let of = |one: &Checked| (one.what.clone(), one.removed);
    let download = |sha256| CheckedThing::Download { sha256 };
    assert_eq!(all.iter().map(of).collect::<Vec<_>>(), [(download(good), false), (download(bad), true)]);
    assert_eq!(names(store.downloads()).len(), 2);
}

#[test]
fn an_entry_from_before_contents_were_recorded_is_read_and_told_apart() {
    let (_root, store) = store();
    drop(put(&store, "old"));
    rewrite(&store, "old", |record| drop(record.as_object_mut().unwrap().remove("contents")));
    assert!(store.lookup(Stage::Build, &key("old")).unwrap().entry().is_some());
    assert_eq!(checked(&store, true)[0].condition, Condition::Unrecorded);
}
