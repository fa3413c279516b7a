use super::*;
use crate::model::{DebianPackage, PackageSet};

const URL: &str = "https://example.org/a.git";

fn commit(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    (folder, path)
}

#[test]
fn pins_are_written_sorted_and_read_back() {
    let (_folder, path) = folder();
    let mut lock = LockFile::read(&path).unwrap();
    assert!(lock.pin_commit(URL, "v2", &commit('2')).unwrap());
    assert!(lock.pin_commit(URL, "v1", &commit('1')).unwrap());
    assert!(lock.pin_image("debian:sid", &Digest::of("sid")).unwrap());
    assert!(lock.write_if_changed(&path).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    let body: String =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let expected = format!(
        "version = 1\n\n[[image]]\nreference = \"debian:sid\"\ndigest = \"sha256:{}\"\n\n\
         [[source]]\nurl = \"{URL}\"\nreference = \"v1\"\ncommit = \"{}\"\n\n\
         [[source]]\nurl = \"{URL}\"\nreference = \"v2\"\ncommit = \"{}\"\n",
        Digest::of("sid"),
        commit('1'),
        commit('2'),
    );
    assert_eq!(body, expected);

    let mut again = LockFile::read(&path).unwrap();
    assert_eq!(again, lock);
    assert_eq!(again.commit_for(URL, "v1"), Some(&commit('1')));
    assert_eq!(again.digest_for("debian:sid"), Some(&Digest::of("sid")));
    assert!(!again.pin_commit(URL, "v1", &commit('1')).unwrap());
    assert!(!again.write_if_changed(&path).unwrap());
}

#[test]
fn a_tag_that_moved_is_refused() {
    let (_folder, path) = folder();
    let mut lock = LockFile::default();
    lock.pin_commit(URL, "v1", &commit('1')).unwrap();
    lock.pin_image("debian:sid", &Digest::of("a")).unwrap();
    lock.write_if_changed(&path).unwrap();
    let mut lock = LockFile::read(&path).unwrap();
    let error = lock.pin_commit(URL, "v1", &commit('2')).unwrap_err();
    assert!(matches!(error, LockFileError::CommitMoved { .. }), "{error}");
    let error = lock.pin_image("debian:sid", &Digest::of("b")).unwrap_err();
    assert!(matches!(error, LockFileError::ImageMoved { .. }), "{error}");
    assert_eq!(lock.commit_for(URL, "v1"), Some(&commit('1')));
}

#[test]
fn pins_of_concurrent_writers_all_stay() {
    let (_folder, path) = folder();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let mut lock = LockFile::read(path).unwrap();
                lock.pin_commit(URL, &format!("v{n}"), &commit('a')).unwrap();
                lock.write_if_changed(path).unwrap();
            });
        }
    });
    assert_eq!(LockFile::read(&path).unwrap().pins.sources.len(), 8);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn two_writers_who_disagree_are_told() {
    let (_folder, path) = folder();
    let (mut first, mut second) = (LockFile::read(&path).unwrap(), LockFile::read(&path).unwrap());
    first.pin_commit(URL, "v1", &commit('1')).unwrap();
    second.pin_commit(URL, "v1", &commit('2')).unwrap();
    first.write_if_changed(&path).unwrap();
    let error = second.write_if_changed(&path).unwrap_err();
    assert!(matches!(error, LockFileError::CommitMoved { .. }), "{error}");
}

fn mistakes(text: &str) -> Vec<String> {
    match text::parse(Path::new("rdna-build.lock"), text).unwrap_err() {
        LockFileError::Invalid { mistakes, .. } => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn every_mistake_is_named_with_its_line() {
    let one = "1".repeat(40);
    let two = "2".repeat(40);
    let text = format!(
        "version = 1\n[[image]]\nreference = \"a\"\ndigest = \"latest\"\n[[source]]\nurl = \"u\"\nreference = \"r\"\ncommit = \"{one}\"\n\
         [[source]]\nurl = \"u\"\nreference = \"r\"\ncommit = \"{two}\"\n"
    );
    let found = mistakes(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("line 4: `latest` is not a sha256"), "{found:?}");
    assert!(found[1].starts_with("line 10: this source is pinned twice"), "{found:?}");
    assert!(mistakes("version = 1\n<<<<<<< HEAD\n")[0].starts_with("line 2: "));
    assert!(mistakes("version = 1\n[[source]]\nurl = \"u\"\nreference = \"r\"\n")[0].contains("commit"));
    assert!(mistakes("")[0].contains("version"));
}

fn packages() -> LockedPackages {
    let package = |name: &str| DebianPackage {
        name: name.to_owned(),
        version: "1:2.0~rc1-3+b1".to_owned(),
        suite: "sid".to_owned(),
        file: format!("pool/main/{name}_2.0~rc1-3+b1_amd64.deb"),
        size: 12,
        sha256: Digest::of(name),
    };
    let set = PackageSet { date: 1_793_347_681, packages: vec![package("aa"), package("libstdc++6")] };
    LockedPackages { request: Digest::of("request"), set }
}

#[test]
fn a_locked_toolchain_is_written_one_package_a_line_and_read_back() {
    let (_folder, path) = folder();
    let id: ToolchainId = "debian-sid".parse().unwrap();
    let mut lock = LockFile::default();
    lock.pin_commit(URL, "v1", &commit('1')).unwrap();
    lock.lock_packages(&id, packages());
    assert!(lock.write_if_changed(&path).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("sha256 = ")).count(), 2, "{text}");
    let mut again = LockFile::read(&path).unwrap();
    assert_eq!(again.packages_for(&id), Some(&packages()));
    assert_eq!(again.commit_for(URL, "v1"), Some(&commit('1')));

    // Locking again is what a person does to follow the mirror.
    let mut newer = packages();
    newer.set.packages.pop();
    again.lock_packages(&id, newer.clone());
    assert!(again.write_if_changed(&path).unwrap());
    assert_eq!(LockFile::read(&path).unwrap().packages_for(&id), Some(&newer));
}

#[test]
fn hostile_packages_are_refused_with_their_place() {
    let (_folder, path) = folder();
    let mut lock = LockFile::default();
    lock.lock_packages(&"debian-sid".parse().unwrap(), packages());
    lock.write_if_changed(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let line = 1 + good.lines().position(|line| line.contains("name = \"aa\"")).unwrap();
    for (from, to, mistake) in [
        ("name = \"aa\"", "name = \"../aa\"", "`../aa` is not a package's name"),
        ("version = \"1:2", "version = \"\\u001b[31m1:2", "is not a package's version"),
        ("file = \"pool/main/aa", "file = \"pool/../../aa", "is not a package's place on a mirror"),
        ("file = \"pool/main/aa", "file = \"http://example.org/aa", "is not a package's place on a mirror"),
        ("file = \"pool/main/aa", "file = \"/pool/main/aa", "is not a package's place on a mirror"),
        ("suite = \"sid\"", "suite = \"sid/../..\"", "is not a suite"),
        ("size = 12", "size = -1", "-1 is less than nothing"),
        ("sha256 = \"", "sha256 = \"0", "is not a sha256"),
    ] {
        let found = mistakes(&good.replacen(from, to, 1));
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(found[0].starts_with(&format!("line {line}: ")) && found[0].contains(mistake), "{found:?}");
    }
    let twice = good.replace("name = \"libstdc++6\"", "name = \"aa\"");
    assert_eq!(mistakes(&twice), [format!("line {}: this package is named twice", line + 1)]);
    let unknown = good.replacen("size = 12", "size = 12, url = \"x\"", 1);
    assert!(mistakes(&unknown)[0].contains("unknown field `url`"), "{:?}", mistakes(&unknown));
    let other = good.replace("date = ", "date = -");
    assert!(mistakes(&other)[0].contains("is less than nothing"));
}

#[test]
fn a_newer_version_is_named_before_its_unknown_keys() {
    let error = text::parse(Path::new("x"), "version = 2\nnew = true\n").unwrap_err();
    assert!(matches!(error, LockFileError::Version { version: 2, .. }), "{error}");
}
