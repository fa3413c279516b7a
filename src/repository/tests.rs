use std::fs;

use super::*;
use crate::openpgp::testing::TestKey;
use crate::openpgp::{Certificates, SecretKey};
use crate::package::tests::{described, packed_as};

const NOW: u64 = 1_800_000_000;

/// Packages of a made-up unit in both formats.
fn packages(into: &Path) -> Vec<PathBuf> {
    let (root, manifest) = described();
    let made = ["deb", "rpm"].map(|format| packed_as(format, &manifest, root.path(), into).unwrap());
    made.into_iter().flatten().map(|packed| packed.archive).collect()
}

fn key() -> (SecretKey, Certificates) {
    let key = TestKey::new();
    let mut known = Certificates::default();
    known.add(&key.public()).unwrap();
    (SecretKey::open(&key.secret(), None, NOW).unwrap(), known)
}

fn task<'a>(folder: &'a Path, packages: &'a [PathBuf], key: Option<&'a SecretKey>) -> Task<'a> {
    Task { folder, packages, key, now: NOW, url: Some("https://example.org/rocm/") }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Every file with its bytes.
fn state(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = files::below(folder, "").unwrap();
    files.iter().map(|path| (files::relative(folder, path), fs::read(path).unwrap())).collect()
}

#[test]
fn what_apt_reads_is_signed_and_names_every_package_by_its_digest() {
    let (made, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (key, known) = key();
    let packages = packages(made.path());
    let published = publish(&task(folder.path(), &packages, Some(&key))).unwrap();
    assert_eq!((published.apt, published.dnf, published.added.len()), (4, 4, 8));

    let release = folder.path().join("apt/dists/stable");
    let (signed, _) = known.verify_cleartext(&text(&release.join("InRelease")), NOW).unwrap();
    // The signed form has the line ends of mail.
    assert_eq!(signed.replace("\r\n", "\n").trim_end(), text(&release.join("Release")).trim_end());
    let detached = text(&release.join("Release.gpg"));
    assert!(
        known.verify_detached(detached.as_bytes(), text(&release.join("Release")).as_bytes(), NOW).is_ok()
    );

    let index = fs::read(release.join("main/binary-amd64/Packages")).unwrap();
    let digest = crate::model::Digest::of(&index);
    assert!(signed.contains(&format!(" {digest} ")), "{signed}");
    assert_eq!(fs::read(release.join(format!("main/binary-amd64/by-hash/SHA256/{digest}"))).unwrap(), index);
    let index = String::from_utf8(index).unwrap();
    for package in index.split("\n\n").filter(|package| !package.is_empty()) {
        let field = |name| apt_field(package, name);
        let bytes = fs::read(folder.path().join("apt").join(field("Filename"))).unwrap();
        assert_eq!(field("SHA256"), crate::model::Digest::of(&bytes).to_string());
        assert_eq!(field("Size"), bytes.len().to_string());
    }
    let settings = text(&folder.path().join("rdna-build.sources"));
    assert!(settings.contains("URIs: https://example.org/rocm/apt\n"), "{settings}");
    assert!(settings.contains("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n"), "{settings}");
}

fn apt_field<'t>(package: &'t str, name: &str) -> &'t str {
    package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

#[test]
fn what_dnf_reads_is_signed_and_so_is_every_package() {
    let (made, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (key, known) = key();
    let packages = packages(made.path());
    publish(&task(folder.path(), &packages, Some(&key))).unwrap();
    let repodata = folder.path().join("rpm/repodata");
    let repomd = text(&repodata.join("repomd.xml"));
    let signature = text(&repodata.join("repomd.xml.asc"));
    known.verify_detached(signature.as_bytes(), repomd.as_bytes(), NOW).expect("it counts");
    for name in repomd.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let bytes = fs::read(folder.path().join("rpm").join(name)).unwrap();
        assert!(repomd.contains(&crate::model::Digest::of(&bytes).to_string()), "{name}");
    }
    for path in files::below(&folder.path().join("rpm/packages"), ".rpm").unwrap() {
        let package = rpm::Package::open(&path).unwrap();
        package.verify_digests().unwrap();
        let (bytes, header) = (fs::read(&path).unwrap(), package.header_bytes().unwrap());
        let payload = package.metadata.get_package_segment_offsets().payload as usize;
        assert_eq!(rpm_signature::signed(&bytes, payload), Some(header.as_slice()));
        let signature = rpm_signature::signature_of(&bytes).expect("it is signed");
        assert!(known.verify_detached(&signature, &header, NOW).is_ok(), "{}", path.display());
    }
}

#[test]
fn publishing_again_changes_nothing_and_other_bytes_are_refused() {
    let (made, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let packages = packages(made.path());
    let unsigned = || publish(&task(folder.path(), &packages, None));
    unsigned().unwrap();
    let before = state(folder.path());
    assert_eq!(unsigned().unwrap().added, [""; 0]);
    assert_eq!(state(folder.path()), before);

    // Another package under the same name.
    let (root, mut manifest) = described();
    manifest.build.source_date_epoch += 1;
    for format in ["deb", "rpm"] {
        packed_as(format, &manifest, root.path(), made.path()).unwrap();
        for package in packages.iter().filter(|path| path.extension().unwrap() == format) {
            let error = publish(&task(folder.path(), std::slice::from_ref(package), None)).unwrap_err();
            assert!(matches!(error, RepositoryError::OtherBytes { .. }), "{error}");
        }
    }
    assert_eq!(state(folder.path()), before);
}

/// Whoever read the signed file just before still finds what it names; what is older goes.
#[test]
fn the_state_before_stays_readable_and_older_ones_go() {
    let (made, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let packages = packages(made.path());
    let indexes = || {
        let names = |below: &str, end: &str| files::below(&folder.path().join(below), end).unwrap();
        [names("apt/dists/stable/main/binary-amd64/by-hash", ""), names("rpm/repodata", ".gz")].concat()
    };
    for count in [3, 5, 8] {
        publish(&task(folder.path(), &packages[..count], None)).unwrap();
    }
    let before = indexes();
    for gone in packages.iter().map(|path| path.file_name().unwrap()) {
        for place in files::below(folder.path(), "").unwrap() {
            if place.file_name().unwrap() == gone && gone.to_string_lossy().contains("-default") {
                fs::remove_file(place).unwrap();
            }
        }
    }
    publish(&task(folder.path(), &[], None)).unwrap();
    let after = indexes();
    assert!(after.len() <= 2 * (2 + 3), "{after:#?}");
    assert!(after.iter().any(|path| before.contains(path)), "the last state's");
}

#[test]
fn what_is_no_package_is_refused_and_nothing_is_published_of_it() {
    let (made, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, bytes) in [("x.deb", &b"!<arch>\n"[..]), ("x.rpm", b"no package"), ("x.tar.zst", b"")] {
        let path = made.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert!(publish(&task(folder.path(), &[path], None)).is_err(), "{name}");
    }
    assert_eq!(state(folder.path()), []);
}

#[test]
fn of_two_that_publish_the_second_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let _held = lock(folder.path()).unwrap();
    let error = publish(&task(folder.path(), &[], None)).unwrap_err();
    assert!(matches!(error, RepositoryError::Busy { .. }), "{error}");
}
