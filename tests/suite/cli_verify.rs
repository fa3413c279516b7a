//! `rdna-build verify` where there is no engine: what can be read of a library's file, and what is refused before anything is begun.

use snapbox::{assert_data_eq, str};

use crate::home::{Home, fails};

/// A library with code for gfx1010 and a host part; it exports two functions and needs nothing of ROCm.
const LIBRARY: &[u8] = include_bytes!("../fixtures/code/libfat.so");
/// One that calls a function of another library with constants, and holds no code for a GPU.
const CALLS: &[u8] = include_bytes!("../fixtures/code/libcalls-gnu.so");

fn home() -> Home {
    let home = Home::new();
    home.write("libfat.so", LIBRARY);
    home.write("libcalls.so", CALLS);
    home
}

#[test]
fn a_library_is_read_without_an_engine_and_the_rest_is_skipped_by_name() {
    let home = home();
    let ran = home.run("verify --library libfat.so");
    let [checks, ..] = ran.stdout.split("\n\n").skip(1).collect::<Vec<_>>()[..] else {
        panic!("{}", ran.stdout)
    };
    assert_data_eq!(
        checks.to_owned(),
        str![[r#"
static
  skipped  package-files      a foreign library has no manifest
  failed   soname             it has no soname: nothing but its path finds it
  passed   search-path        it has none, the system's folders are searched
  skipped  needed-libraries   no image to run it in was named: --toolchain ID or --image IMAGE
  skipped  undefined-symbols  no image to run it in was named: --toolchain ID or --image IMAGE
  skipped  one-llvm           no image to run it in was named: --toolchain ID or --image IMAGE
  skipped  runtime-conflicts  no image to run it in was named: --toolchain ID or --image IMAGE
  skipped  rocblas-kernels    no image to run it in was named: --toolchain ID or --image IMAGE
  passed   code-objects       2 code objects for gfx1010, named as they are
  skipped  loadable-code      no image to run it in was named: --toolchain ID or --image IMAGE
  skipped  exported-api       the recipe does not say which headers declare the library's functions
  skipped  patch-marks        no recipe of this library is known
  skipped  kernel-texts       the recipe names no text that this library would need
  skipped  databases          a foreign library comes without its files
"#]]
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn code_for_another_gpu_is_a_failure_with_its_own_exit_code() {
    let home = home();
    let ran = home.run("verify --library libfat.so --target gfx1030 --filter code-objects");
    assert_eq!(ran.code, 5, "{}", ran.stdout);
    assert!(ran.stdout.contains("none for gfx1030"), "{}", ran.stdout);
    let ran = home.run("verify --library libcalls.so --filter code-objects");
    assert_eq!(ran.code, 77, "nothing was verified: {}", ran.stdout);
}

#[test]
fn a_report_for_programs_says_the_same() {
    let home = home();
    let ran = home.run("verify --library libfat.so --filter soname --filter code-objects --json");
    let report = ran.json().remove(0);
    let outcomes: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.len(), 2, "{report}");
    assert_eq!((&report["devices"], &report["runtime"]), (&serde_json::json!([]), &serde_json::Value::Null));

    let words = "--filter code-objects --filter needed --target gfx1030 --report junit";
    let ran = home.run(&format!("verify --library libfat.so {words}"));
    assert_data_eq!(
        ran.stdout,
        str![[r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="rdna-build verify [HOME]/libfat.so gfx1030" tests="2" failures="1" errors="0">
    <testsuite name="static" tests="2" disabled="1" errors="0" failures="1">
        <properties>
            <property name="target" value="gfx1030"/>
            <property name="runtime" value="none"/>
            <property name="device" value="none"/>
        </properties>
        <testcase name="needed-libraries" classname="gfx1030.static">
            <skipped message="no image to run it in was named: --toolchain ID or --image IMAGE"/>
        </testcase>
        <testcase name="code-objects" classname="gfx1030.static">
            <failure message="it holds code for gfx1010, and none for gfx1030">gfx1010: 2 code objects
- build the library for the target: GPU_TARGETS, AMDGPU_TARGETS or --offload-arch
</failure>
        </testcase>
    </testsuite>
</testsuites>

"#]]
    );
}

#[test]
fn where_nothing_can_compute_nothing_is_passed_and_the_exit_code_says_so() {
    let home = home();
    let ran = home.run("verify --library libfat.so --tier emulated,gpu");
    assert_eq!(ran.code, 77, "{}", ran.stdout);
    let checks = ran.stdout.split_once("emulated\n").expect("the tier").1.to_owned();
    assert_data_eq!(checks, str![[]]);
}

#[test]
fn what_cannot_be_verified_is_refused_before_anything_is_begun() {
    let home = home();
    fails(
        &home,
        "verify",
        2,
        str![[r#"
cli::usage

  x nothing was built here that could be verified
  help: name a package, or what else to look at: --installed DIR, --library FILE, --image IMAGE

"#]],
    );
    fails(
        &home,
        "verify gone.tar.zst",
        2,
        str![[r#"
cli::usage

  x there is no package [HOME]/gone.tar.zst
  help: a build says where it put its package: `rdna-build logs`

"#]],
    );
    fails(
        &home,
        "verify --tier hardware",
        2,
        str![[]],
    );
    fails(&home, "verify --tier gpu --device card0", 2, str![[]]);
    fails(&home, "verify --tier emulated --emulator nowhere --library libfat.so", 4, str![[]]);
    fails(&home, "verify --tier emulated --emulator-config x.json", 2, str![[]]);
    fails(
        &home,
        "verify --library libfat.so --filter sonane",
        2,
        str![[r#"
cli::usage

  x no check of these tiers begins with `sonane`
  help: did you mean `soname`?

"#]],
    );
    fails(
        &home,
        "verify --image some:1 --library libMIOpen.so.1",
        2,
        str![[r#"
cli::usage

  x --library libMIOpen.so.1: a path in an image begins with `/`
  help: without --image it is a file of this machine

"#]],
    );
    fails(
        &home,
        "verify --timeout 10",
        2,
        str![[r#"
error: invalid value '10' for '--timeout <TIME>': a number with s, m or h behind it is expected, e.g. 10m

For more information, try '--help'.

"#]],
    );
    fails(
        &home,
        "verify --library libfat.so --toolchain debian-sit",
        3,
        str![[r#"
cli::unknown_toolchain

  x there is no toolchain `debian-sit`
  help: did you mean `debian-sid`?

"#]],
    );
    fails(
        &home,
        "verify --build r1-1",
        2,
        str![[r#"
cli::usage

  x there is no run `r1-1`

"#]],
    );
    fails(
        &home,
        "verify --installed .",
        2,
        str![[r#"
verify::not_installed

  x [HOME]/. holds no package of rdna-build: [HOME]/./share/rdna-build/manifest.json: No such file or directory (os error 2)
  help: name the folder that the package was unpacked to; `--library FILE` verifies a library of others

"#]],
    );
}
