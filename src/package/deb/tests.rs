use std::fs;

use snapbox::{assert_data_eq, str};

use super::super::tests::{described, packed_as};
use super::*;
use crate::package::list;

/// The texts of a control archive, one after the other.
fn control_of(archive: &Path) -> String {
    let mut shell = ar::Archive::new(File::open(archive).unwrap());
    let mut text = String::new();
    while let Some(entry) = shell.next_entry() {
        let entry = entry.unwrap();
        assert_eq!((entry.header().uid(), entry.header().mtime()), (0, 1_700_000_000));
        if entry.header().identifier() == CONTROL.as_bytes() {
            let mut tar = tar::Archive::new(zstd::Decoder::new(entry).unwrap());
            for file in tar.entries().unwrap() {
                let mut file = file.unwrap();
                text += &format!("== {}\n", file.path().unwrap().display());
                file.read_to_string(&mut text).unwrap();
            }
        }
    }
    text
}

#[test]
fn a_unit_is_four_packages_that_say_what_they_need() {
    let (root, manifest) = described();
    let into = tempfile::tempdir().unwrap();
    let packed = packed_as("deb", &manifest, root.path(), into.path()).unwrap();
    let names: Vec<_> =
        packed.iter().map(|one| one.archive.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        [
            "x-hip-gfx1010_1.0-1+debian.sid_amd64.deb",
            "x-hip-gfx1010-dev_1.0-1+debian.sid_amd64.deb",
            "x-hip-gfx1010-dbgsym_1.0-1+debian.sid_amd64.deb",
            "x-hip-gfx1010-default_1.0-1+debian.sid_amd64.deb",
        ]
    );
    let control: String = packed.iter().map(|one| control_of(&one.archive)).collect();
    assert_data_eq!(
        control,
        str![[r#"
== control
Package: x-hip-gfx1010
Version: 1.0-1+debian.sid
Architecture: amd64
Maintainer: Ada <ada@example.org>
Installed-Size: 4907
Depends: libamdhip64-6 (>= 6.4.3), libc6 (>= 2.38), librocrand-dev | rocrand-dev
Section: libs
Priority: optional
Homepage: https://example.org
Description: library
 a library.
 .
 Built for the gfx target gfx1010 by rdna-build 0 with the toolchain
 debian-sid.
 .
 All that is loaded lies below /opt/rdna-build/x-1.0-gfx1010; nothing else of
 the system changes. What went into it stands in the manifest there.
== control
Package: x-hip-gfx1010-dev
Version: 1.0-1+debian.sid
Architecture: amd64
Maintainer: Ada <ada@example.org>
Installed-Size: 22
Depends: libamdhip64-dev, x-hip-gfx1010 (= 1.0-1+debian.sid)
Section: libdevel
Priority: optional
Homepage: https://example.org
Description: library (development files)
 a library.
 .
 Built for the gfx target gfx1010 by rdna-build 0 with the toolchain
 debian-sid.
 .
 Headers and CMake files, below /opt/rdna-build/x-1.0-gfx1010.
== control
Package: x-hip-gfx1010-dbgsym
Version: 1.0-1+debian.sid
Architecture: amd64
Maintainer: Ada <ada@example.org>
Installed-Size: 20
Depends: x-hip-gfx1010 (= 1.0-1+debian.sid)
Section: debug
Priority: optional
Homepage: https://example.org
Description: library (debug symbols)
 a library.
 .
 Built for the gfx target gfx1010 by rdna-build 0 with the toolchain
 debian-sid.
 .
 What debuggers read of the library below /opt/rdna-build/x-1.0-gfx1010.
== control
Package: x-hip-gfx1010-default
Version: 1.0-1+debian.sid
Architecture: amd64
Maintainer: Ada <ada@example.org>
Installed-Size: 20
Depends: x-hip-gfx1010 (= 1.0-1+debian.sid)
Conflicts: libx1
Replaces: libx1
Provides: libx1
Section: libs
Priority: optional
Homepage: https://example.org
Description: library (as the system's default)
 a library.
 .
 Built for the gfx target gfx1010 by rdna-build 0 with the toolchain
 debian-sid.
 .
 With this, programs of the whole system load the library below
 /opt/rdna-build/x-1.0-gfx1010 instead of the distribution's.
== conffiles
/etc/ld.so.conf.d/000-x-hip-gfx1010.conf
== triggers
activate-noawait ldconfig

"#]]
    );
}

#[test]
fn nothing_but_documents_lies_outside_of_the_prefix() {
    let (root, manifest) = described();
    let into = tempfile::tempdir().unwrap();
    let packed = packed_as("deb", &manifest, root.path(), into.path()).unwrap();
    let prefix = manifest.build.prefix.trim_matches('/');
    let mut seen = Vec::new();
    for one in &packed[..3] {
        for listed in list(&one.archive).unwrap() {
            let is_above = prefix.starts_with(&format!("{}/", listed.path));
            let is_document = listed.path.starts_with("usr/share/") || "usr/share".starts_with(&listed.path);
            assert!(is_above || is_document || listed.path.starts_with(prefix), "{}", listed.path);
            seen.push(listed.path);
        }
    }
    for file in &manifest.files {
        assert_eq!(seen.iter().filter(|path| *path == file.path()).count(), 1, "{}", file.path());
    }
}

#[test]
fn a_file_that_is_no_such_package_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.deb");
    for (bytes, reason) in [
        (&b"no archive"[..], "a.deb"),
        (b"!<arch>\n", "no data.tar.zst"),
        (b"!<arch>\ndata.tar.zst    0           0     0     100644  4         `\nabcd", "not a package"),
    ] {
        fs::write(&archive, bytes).unwrap();
        let error = list(&archive).unwrap_err();
        assert!(matches!(error, PackageError::NotOurs { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
