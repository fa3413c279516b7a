use std::fs;

use snapbox::{assert_data_eq, str};

use super::super::tests::{described, packed_as};
use super::*;
use crate::package::list;

fn shown(archive: &Path) -> String {
    let package = rpm::Package::open(archive).unwrap();
    package.verify_digests().unwrap();
    let data = &package.metadata;
    let mut text = format!("{}\n", data.get_nevra().unwrap());
    for (name, dependencies) in [
        ("requires", data.get_requires().unwrap()),
        ("provides", data.get_provides().unwrap()),
        ("conflicts", data.get_conflicts().unwrap()),
    ] {
        for one in dependencies.iter().filter(|one| !one.name.starts_with("rpmlib(")) {
            text += &format!("  {name} {} {}\n", one.name, one.version);
        }
    }
    for file in data.get_file_paths().unwrap() {
        text += &format!("  {}\n", file.display());
    }
    text
}

#[test]
fn a_unit_is_four_packages_that_say_what_they_need() {
    let (root, manifest) = described();
    let into = tempfile::tempdir().unwrap();
    let packed = packed_as("rpm", &manifest, root.path(), into.path()).unwrap();
    let shown: String = packed.iter().map(|one| shown(&one.archive)).collect();
    assert_data_eq!(
        shown.replace(&"n".repeat(200), "LONG"),
        str![[r#"
x-hip-gfx1010-1.0-1.debian.sid.x86_64
  requires libamdhip64.so.6()(64bit) 
  requires libamdhip64.so.6(hip_4.2)(64bit) 
  requires libc.so.6()(64bit) 
  requires libc.so.6(GLIBC_2.34)(64bit) 
  requires libm.so.6()(64bit) 
  requires libother.so.1()(64bit) 
  requires rocrand-devel 3
  provides x-hip-gfx1010 1.0-1.debian.sid
  provides x-hip-gfx1010(x86-64) 1.0-1.debian.sid
  /opt/rdna-build
  /opt/rdna-build/x-1.0-gfx1010
  /opt/rdna-build/x-1.0-gfx1010/bin
  /opt/rdna-build/x-1.0-gfx1010/bin/x
  /opt/rdna-build/x-1.0-gfx1010/lib
  /opt/rdna-build/x-1.0-gfx1010/lib/libx.so.1
  /opt/rdna-build/x-1.0-gfx1010/lib/LONG
  /opt/rdna-build/x-1.0-gfx1010/share
  /opt/rdna-build/x-1.0-gfx1010/share/doc
  /opt/rdna-build/x-1.0-gfx1010/share/doc/x
  /opt/rdna-build/x-1.0-gfx1010/share/doc/x/LICENSE.txt
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/manifest.json
x-hip-gfx1010-devel-1.0-1.debian.sid.x86_64
  requires libamdhip64-dev 
  requires x-hip-gfx1010(x86-64) 1.0-1.debian.sid
  provides x-hip-gfx1010-devel 1.0-1.debian.sid
  provides x-hip-gfx1010-devel(x86-64) 1.0-1.debian.sid
  /opt/rdna-build
  /opt/rdna-build/x-1.0-gfx1010
  /opt/rdna-build/x-1.0-gfx1010/include
  /opt/rdna-build/x-1.0-gfx1010/include/x.h
  /opt/rdna-build/x-1.0-gfx1010/lib
  /opt/rdna-build/x-1.0-gfx1010/lib/libx.so
  /opt/rdna-build/x-1.0-gfx1010/share
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/dev
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/dev/manifest.json
x-hip-gfx1010-debuginfo-1.0-1.debian.sid.x86_64
  requires x-hip-gfx1010(x86-64) 1.0-1.debian.sid
  provides x-hip-gfx1010-debuginfo 1.0-1.debian.sid
  provides x-hip-gfx1010-debuginfo(x86-64) 1.0-1.debian.sid
  /opt/rdna-build
  /opt/rdna-build/x-1.0-gfx1010
  /opt/rdna-build/x-1.0-gfx1010/lib
  /opt/rdna-build/x-1.0-gfx1010/lib/.debug
  /opt/rdna-build/x-1.0-gfx1010/lib/.debug/libx.so.1.debug
  /opt/rdna-build/x-1.0-gfx1010/share
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/debug
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/debug/manifest.json
x-hip-gfx1010-default-1.0-1.debian.sid.x86_64
  requires /bin/sh 
  requires /bin/sh 
  requires config(x-hip-gfx1010-default) 1.0-1.debian.sid
  requires x-hip-gfx1010(x86-64) 1.0-1.debian.sid
  provides config(x-hip-gfx1010-default) 1.0-1.debian.sid
  provides x 
  provides x-hip-gfx1010-default 1.0-1.debian.sid
  provides x-hip-gfx1010-default(x86-64) 1.0-1.debian.sid
  conflicts x 
  /etc/ld.so.conf.d/000-x-hip-gfx1010.conf
  /opt/rdna-build
  /opt/rdna-build/x-1.0-gfx1010
  /opt/rdna-build/x-1.0-gfx1010/share
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/default
  /opt/rdna-build/x-1.0-gfx1010/share/rdna-build/default/manifest.json

"#]]
    );
}

#[test]
fn a_file_that_changed_since_the_scan_is_refused_and_nothing_is_left() {
    let (root, manifest) = described();
    let into = tempfile::tempdir().unwrap();
    let program = root.path().join(manifest.build.prefix.trim_matches('/')).join("bin/x");
    fs::write(&program, "#!/bin/ss\n").unwrap();
    let error = packed_as("rpm", &manifest, root.path(), into.path()).unwrap_err();
    assert!(matches!(error, PackageError::Changed { .. }), "{error}");
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_package_is_refused() {
    let (root, manifest) = described();
    let into = tempfile::tempdir().unwrap();
    let packed = packed_as("rpm", &manifest, root.path(), into.path()).unwrap();
    let bytes = fs::read(&packed[0].archive).unwrap();
    for cut in [0, 50, 1000, bytes.len() / 2] {
        fs::write(&packed[0].archive, &bytes[..cut]).unwrap();
        let error = list(&packed[0].archive).unwrap_err();
        assert!(matches!(error, PackageError::NotOurs { .. }), "{error}");
    }
}
