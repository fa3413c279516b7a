//! A manifest to pack in tests, and what holds for every format.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::model::{About, Need, PackagedFile, Relations, testing};

pub(super) const PREFIX: &str = "/opt/rdna-build/x-1.0-gfx1010";

pub(super) fn manifest(files: Vec<PackagedFile>) -> Manifest {
    let mut manifest = testing::manifest(PREFIX, files);
    manifest.build.source_date_epoch = 1_700_000_000;
    manifest
}

/// An installed tree: a library of some megabytes, a program, a link, a name longer than a tar header.
pub(super) fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let prefix = root.path().join(&PREFIX[1..]);
    fs::create_dir_all(prefix.join("lib")).unwrap();
    fs::create_dir_all(prefix.join("bin")).unwrap();
    let noise: Vec<u8> = (0..5_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(prefix.join("lib/libx.so.1"), noise).unwrap();
    fs::write(prefix.join("bin/x"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(prefix.join("bin/x"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(prefix.join("lib").join("n".repeat(200)), "long").unwrap();
    symlink("libx.so.1", prefix.join("lib/libx.so")).unwrap();
    root
}

pub(super) fn scanned(root: &Path) -> Manifest {
    manifest(scan(root, &CancellationToken::new()).unwrap())
}

pub(super) fn packed(manifest: &Manifest, root: &Path, into: &Path) -> Result<Packed, PackageError> {
    let cancel = CancellationToken::new();
    Ok(pack(format(DEFAULT_FORMAT)?, manifest, root, into, &cancel, &mut |_, _| ())?.remove(0))
}

#[test]
fn a_package_has_its_manifest_inside_and_beside() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let manifest = scanned(root.path());
    let mut seen = Vec::new();
    let format = format(DEFAULT_FORMAT).unwrap();
    let cancel = CancellationToken::new();
    let packed =
        pack(format, &manifest, root.path(), into.path(), &cancel, &mut |done, all| seen.push((done, all)))
            .unwrap()
            .remove(0);
    let (done, all) = *seen.last().unwrap();
    assert!(done == all && all > 5_000_014, "{done} of {all}");
    let stem = "x-1.0-gfx1010-debian-sid";
    let names: Vec<_> =
        packed.files().iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        [format!("{stem}.tar.zst"), format!("{stem}.manifest.json"), format!("{stem}.tar.zst.sha256")]
    );
    assert_eq!(read_manifest(&packed.archive).unwrap(), manifest);
    assert_eq!(serde_json::from_slice::<Manifest>(&fs::read(&packed.beside[0]).unwrap()).unwrap(), manifest);
    let bytes = fs::read(&packed.archive).unwrap();
    assert_eq!((bytes.len() as u64, Digest::of(&bytes)), (packed.size, packed.sha256));
    assert_eq!(
        fs::read_to_string(&packed.beside[1]).unwrap(),
        format!("{}  {stem}.tar.zst\n", Digest::of(&bytes))
    );
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 3);
}

#[test]
fn a_file_that_changed_since_the_scan_is_refused_and_nothing_is_left() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let manifest = scanned(root.path());
    let program = root.path().join(&PREFIX[1..]).join("bin/x");
    for (text, same_size) in [("#!/bin/ss\n", true), ("#!/bin/sh\n\n", false), ("#", false)] {
        fs::write(&program, text).unwrap();
        let error = packed(&manifest, root.path(), into.path()).unwrap_err();
        assert_eq!(matches!(error, PackageError::Changed { .. }), same_size, "{error}");
        assert!(error.to_string().contains("bin/x changed"), "{error}");
    }
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

#[test]
fn a_cancelled_pack_leaves_nothing() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let cancel = CancellationToken::new();
    let mut stop = |done: u64, _| {
        if done > 1_000_000 {
            cancel.cancel();
        }
    };
    let format = format(DEFAULT_FORMAT).unwrap();
    let ended = pack(format, &scanned(root.path()), root.path(), into.path(), &cancel, &mut stop);
    assert!(matches!(ended, Err(PackageError::Cancelled)), "{ended:?}");
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

#[test]
fn names_and_paths_that_lead_elsewhere_are_refused() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    let good = scanned(root.path());
    let link = |path: &str, target: &str| PackagedFile::Symlink { path: path.into(), target: target.into() };
    let bad_files =
        [link("../x", "y"), link("/x", "y"), link("a", "/etc"), link("a/b", "../../c"), link("opt", "x")];
    for file in bad_files {
        let mut manifest = good.clone();
        manifest.files.push(file.clone());
        let error = packed(&manifest, root.path(), into.path()).unwrap_err();
        assert!(matches!(error, PackageError::BadPath { .. } | PackageError::Symlink { .. }), "{file:?}");
    }
    let names: [fn(&mut Manifest); 3] = [
        |manifest| manifest.version = "../1".into(),
        |manifest| manifest.build.prefix = "/opt/../..".into(),
        |manifest| manifest.build.prefix = "/".into(),
    ];
    for spoil in names {
        let mut manifest = good.clone();
        spoil(&mut manifest);
        let error = packed(&manifest, root.path(), into.path()).unwrap_err();
        assert!(matches!(error, PackageError::BadName { .. }), "{error}");
    }
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

/// An installed tree with headers and a licence, and all that package managers are told of it.
pub(crate) fn described() -> (tempfile::TempDir, Manifest) {
    let root = tree();
    let prefix = root.path().join(&PREFIX[1..]);
    fs::create_dir_all(prefix.join("include")).unwrap();
    fs::create_dir_all(prefix.join("share/doc/x")).unwrap();
    fs::write(prefix.join("include/x.h"), "int x;\n").unwrap();
    fs::create_dir_all(prefix.join("lib/.debug")).unwrap();
    fs::write(prefix.join("lib/.debug/libx.so.1.debug"), "symbols").unwrap();
    fs::write(prefix.join("share/doc/x/LICENSE.txt"), "MIT License\n\nCopyright (c) 2023 X\n\nAs is.\n")
        .unwrap();
    let mut manifest = scanned(root.path());
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let relations = |replaced: &str| Relations {
        depends: list(&["librocrand-dev | rocrand-dev"]),
        dev_depends: list(&["libamdhip64-dev"]),
        replaces: list(&[replaced]),
    };
    manifest.about = Some(About {
        name: "x-hip-gfx1010".into(),
        revision: "1".into(),
        maintainer: "Ada <ada@example.org>".into(),
        summary: "a library".into(),
        homepage: "https://example.org".into(),
        license: "MIT".into(),
        debian: relations("libx1"),
        rpm: Relations { depends: list(&["rocrand-devel >= 3"]), ..relations("x") },
    });
    let need = |soname: &str, versions: &[&str], debian: Option<&str>| Need {
        soname: soname.into(),
        versions: list(versions),
        debian: debian.map(str::to_owned),
    };
    manifest.needs = vec![
        need("libamdhip64.so.6", &["hip_4.2"], Some("libamdhip64-6 (>= 6.4.3)")),
        need("libc.so.6", &["GLIBC_2.34"], Some("libc6 (>= 2.38)")),
        need("libm.so.6", &[], Some("libc6 (>= 2.38)")),
        need("libother.so.1", &[], None),
    ];
    (root, manifest)
}

pub(crate) fn packed_as(
    name: &str,
    manifest: &Manifest,
    root: &Path,
    into: &Path,
) -> Result<Vec<Packed>, PackageError> {
    pack(format(name)?, manifest, root, into, &CancellationToken::new(), &mut |_, _| ())
}

#[test]
fn every_format_is_reproducible() {
    for format in FORMATS {
        let digests = || {
            let (root, manifest) = described();
            let into = tempfile::tempdir().unwrap();
            let packed = packed_as(format.name, &manifest, root.path(), into.path()).unwrap();
            packed.into_iter().map(|one| one.sha256).collect::<Vec<_>>()
        };
        let first = digests();
        // Another second, another folder.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        assert_eq!(first, digests(), "{}", format.name);
    }
}

#[test]
fn a_manifest_that_says_nothing_of_itself_makes_no_package_for_a_distribution() {
    let (root, into) = (tree(), tempfile::tempdir().unwrap());
    for name in ["deb", "rpm"] {
        let error = packed_as(name, &scanned(root.path()), root.path(), into.path()).unwrap_err();
        assert!(matches!(error, PackageError::Undescribed { .. }), "{error}");
    }
}

#[test]
fn what_comes_out_is_what_went_in() {
    let (root, manifest) = described();
    for format in FORMATS {
        let (into, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let packed = packed_as(format.name, &manifest, root.path(), into.path()).unwrap();
        let read = read_manifest(&packed[0].archive).unwrap();
        assert_eq!(read, packed[0].manifest, "{}", format.name);
        unpack(&packed[0].archive, out.path(), &CancellationToken::new()).unwrap();
        let library = read.files.iter().find(|file| file.path().ends_with("libx.so.1")).unwrap().path();
        let bytes = |root: &Path| fs::read(root.join(library)).unwrap();
        assert_eq!(bytes(out.path()), bytes(root.path()), "{}", format.name);
    }
}
