//! A clock that goes back, bits that flip, versions that are not ours yet.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use super::tests::{age, checked, holder, key, made, names, put, record_of, rewrite, store, used_at};
use super::*;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn keys(store: &Store) -> Vec<Key> {
    store.list().unwrap().iter().map(|entry| entry.key).collect()
}

#[test]
fn an_entry_used_in_the_future_is_neither_collected_at_once_nor_kept_for_ever() {
    let (_root, store) = store();
    drop(put(&store, "k"));
    let limits = Limits { older_than: Some(DAY), max_size: None };
    used_at(&store, "k", SystemTime::now() + YEAR);
    assert!(store.gc(limits, &holder()).unwrap().removed.is_empty());
    assert!(fs::metadata(record_of(&store, "k")).unwrap().modified().unwrap() <= SystemTime::now());

    // Some days later.
    age(&store, "k", 3 * DAY.as_secs());
    assert_eq!(store.gc(limits, &holder()).unwrap().removed.len(), 1);
}

#[test]
fn an_entry_used_while_the_clock_was_in_the_past_is_as_old_as_it_is() {
    let (_root, store) = store();
    drop(put(&store, "k"));
    used_at(&store, "k", SystemTime::UNIX_EPOCH + DAY);
    let limits = Limits { older_than: Some(DAY), max_size: None };
    assert!(store.gc(limits, &holder()).unwrap().removed.is_empty());
    assert_eq!(keys(&store), [key("k")]);
}

#[test]
fn what_was_used_before_the_clock_went_back_goes_before_what_was_used_since() {
    let (_root, store) = store();
    for of in ["since", "before", "long before"] {
        drop(put(&store, of));
    }
    used_at(&store, "before", SystemTime::now() + 2 * YEAR);
    used_at(&store, "long before", SystemTime::now() + YEAR);
    assert_eq!(keys(&store), ["long before", "before", "since"].map(key));
}

#[test]
fn a_record_that_was_made_at_no_time_at_all_stops_nothing() {
    let (_root, store) = store();
    drop(put(&store, "k"));
    rewrite(&store, "k", |record| record["created"] = u64::MAX.into());
    assert_eq!(keys(&store), [key("k")]);
}

#[test]
fn logs_from_the_future_are_the_old_ones() {
    let (_root, store) = store();
    for (name, seconds) in [("r2", 200), ("r3", 100)] {
        let folder = store.run_folder(&name.parse().unwrap()).unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        fs::File::open(folder).unwrap().set_modified(time).unwrap();
    }
    let folder = store.run_folder(&"r1".parse().unwrap()).unwrap();
    fs::File::open(folder).unwrap().set_modified(SystemTime::now() + YEAR).unwrap();
    store.prune_runs(2).unwrap();
    let left = store.runs().unwrap();
    assert_eq!(left.iter().map(|run| run.as_str()).collect::<Vec<_>>(), ["r3", "r2"]);
}

#[test]
fn an_unreadable_note_from_the_future_is_swept_and_a_fresh_one_is_not() {
    let (_root, store) = store();
    for (name, later) in [("fresh", Duration::ZERO), ("future", YEAR)] {
        let note = store.layout.draft_note(name);
        fs::write(&note, "").unwrap();
        let time = SystemTime::now() + later;
        fs::File::options().write(true).open(note).unwrap().set_modified(time).unwrap();
    }
    assert_eq!(store.sweep_drafts(&|_| true).unwrap(), 1);
    assert_eq!(names(store.layout.drafts()), ["fresh.json"]);
}

#[test]
fn what_a_dead_run_of_the_same_name_left_becomes_no_part_of_an_entry() {
    let (_root, store) = store();
    let before = store.draft(Stage::Build, &key("k"), &holder()).unwrap();
    let name = before.content().parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let (stem, number) = name.rsplit_once('-').unwrap();
    // Other tests take numbers as well.
    for next in (0..1000).map(|more| number.parse::<u64>().unwrap() + 1 + more) {
        let folder = store.layout.draft(&format!("{stem}-{next}"));
        fs::create_dir_all(folder.join("content")).unwrap();
        fs::write(folder.join("content/half"), "").unwrap();
        fs::write(folder.with_extension("json"), "").unwrap();
    }
    let draft = store.draft(Stage::Build, &key("k"), &holder()).unwrap();
    let entry = draft.commit(made()).unwrap();
    assert_eq!(names(entry.content()), [""; 0]);
}

#[test]
fn of_a_record_with_a_flipped_bit_nothing_else_is_believed() {
    let (_root, store) = store();
    let good = put(&store, "k").record().clone();
    let path = record_of(&store, "k");
    let bytes = fs::read(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let mut refused = 0;
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        fs::write(&path, flipped).unwrap();
        match store.lookup(Stage::Build, &key("k")).unwrap() {
            Lookup::Hit(entry) => assert_eq!(*entry.record(), good, "byte {place}"),
            Lookup::Unusable { .. } => refused += 1,
            Lookup::Miss => panic!("byte {place}"),
        }
    }
    // All but those in the name of the seal.
    assert!(refused + 10 >= bytes.len(), "{refused} of {}", bytes.len());
}

#[test]
fn an_entry_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (_root, store) = store();
    drop(put(&store, "k"));
    rewrite(&store, "k", |record| record["schema"] = 2.into());
    age(&store, "k", 100);
    let record = fs::read(record_of(&store, "k")).unwrap();

    let looked = store.lookup(Stage::Build, &key("k")).unwrap_err();
    assert!(matches!(looked, StoreError::Newer { schema: 2, .. }), "{looked}");
    let draft = store.draft(Stage::Build, &key("k"), &holder()).unwrap();
    assert!(matches!(draft.commit(made()), Err(StoreError::Newer { .. })));
    let checked = checked(&store, true);
    assert_eq!((&checked[0].condition, checked[0].removed), (&Condition::Newer, false));
    let limits = Limits { max_size: Some(0), older_than: Some(Duration::ZERO) };
    assert!(store.gc(limits, &holder()).unwrap().removed.is_empty());
    assert_eq!(fs::read(record_of(&store, "k")).unwrap(), record);
    assert_eq!(names(store.layout.drafts()), [""; 0]);
}

#[test]
fn a_newer_layout_beside_ours_is_left_as_it_is() {
    let root = tempfile::tempdir().unwrap();
    let theirs = root.path().join("v2/entries/build/00/00");
    fs::create_dir_all(&theirs).unwrap();
    fs::write(theirs.join("record.json"), "theirs").unwrap();
    let store = Store::open(root.path()).unwrap();
    drop(put(&store, "k"));
    assert_eq!(checked(&store, true).len(), 1);
    store.gc(Limits { max_size: Some(0), older_than: None }, &holder()).unwrap();
    store.sweep_drafts(&|_| false).unwrap();
    assert_eq!(fs::read(theirs.join("record.json")).unwrap(), b"theirs");
}
