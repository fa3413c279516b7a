//! `verify` on real libraries in real containers: a package of ours, the same with defects, and Debian's own MIOpen.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, TOOLCHAIN, leftovers_of};
use crate::tool::{Ended, start};

const PACKAGE: &str = "selftest-1.0.0-gfx1010-debian-sid-hip";

fn verify(desk: &Desk, words: &[&str]) -> Ended {
    let started = start(desk.command(&[&["verify"], words].concat()));
    let process = started.process();
    let ended = started.end();
    assert_eq!(leftovers_of(process), [], "nothing is left in the engine");
    ended
}

/// The selftest's package, built with these options.
fn package(desk: &Desk, more: &[&str]) -> PathBuf {
    desk.selftest("gfx1010", more).expect(0);
    desk.output().join(format!("{PACKAGE}.tar.zst"))
}

/// Check → (outcome, what it says with its evidence).
pub fn check(ended: &Ended, id: &str) -> (String, String) {
    let [report] = ended.events.as_slice() else { panic!("one document: {ended:?}") };
    let checks = report["checks"].as_array().expect("checks");
    let check =
        checks.iter().find(|check| check["check"] == id).unwrap_or_else(|| panic!("no {id}: {checks:#?}"));
    let outcome = check["outcome"].as_str().expect("text").to_owned();
    (outcome, format!("{} {}", check["says"], check["evidence"]))
}

#[track_caller]
fn expect(ended: &Ended, id: &str, outcome: &str, says: &str) {
    let (found, said) = check(ended, id);
    assert_eq!(found, outcome, "{id}: {said}");
    assert!(said.contains(says), "{id}: {said}");
}

fn code(ended: &Ended) -> Option<i32> {
    ended.status.code()
}

#[test]
fn a_package_of_ours_is_verified_down_to_its_kernels_and_the_second_time_from_the_store() {
    let Some(desk) = Desk::shared() else { return };
    let archive = package(&desk, &[]);
    let words = [archive.to_str().expect("text"), "--tier", "static,kernels"];
    let first = verify(&desk, &words);
    assert_eq!(code(&first), Some(0), "{first:#?}");
    for (id, says) in [
        ("package-files", "each with the digest"),
        ("soname", "librdna_selftest.so.1"),
        ("needed-libraries", "all found in debian-sid-hip"),
        ("undefined-symbols", "binds all"),
        ("one-llvm", "libLLVM"),
        ("exported-api", "functions"),
        ("patch-marks", "passes 0x80000000 to hipHostMalloc"),
        ("patch-marks", "1 changed places"),
        ("kernel-texts", "fill"),
        ("code-objects", "code objects for gfx1010"),
        ("loadable-code", "HIP 6.4"),
        ("kernels-compile", "2 of 2"),
        ("kernels-target", "2 objects for gfx1010"),
        ("kernels-descriptors", "none of another generation in 2"),
        ("kernels-limits", "2 objects"),
        ("kernels-in-library", "2 files"),
    ] {
        expect(&first, id, "passed", says);
    }
    // The small toolchain has no rocBLAS, and the library needs none.
    expect(&first, "rocblas-kernels", "skipped", "needs no rocBLAS");
    let report = &first.events[0];
    assert_eq!(report["devices"].as_array().map(Vec::len), Some(0));
    assert_eq!(report["runtime"]["name"], TOOLCHAIN);

    // What was verified stands in the manifest beside the package, and nowhere inside.
    let beside = desk.output().join(format!("{PACKAGE}.manifest.json"));
    let manifest: Value = serde_json::from_slice(&fs::read(beside).expect("there")).expect("a document");
    assert_eq!(manifest["verification"]["checks"], report["checks"]);

    let second = verify(&desk, &words);
    assert_eq!(second.events[0]["checks"], report["checks"]);
}

#[test]
fn a_kernel_with_the_descriptor_of_gfx9_fails() {
    let Some(desk) = Desk::shared() else { return };
    let archive = package(&desk, &["--without-patch", "buffer-copy-word3-gfx10"]);
    let ended = verify(&desk, &[archive.to_str().expect("text"), "--tier", "kernels"]);
    assert_eq!(code(&ended), Some(5), "{ended:#?}");
    expect(&ended, "kernels-descriptors", "failed", "0x00027000");
    expect(&ended, "kernels-compile", "passed", "2 of 2");
}

#[test]
fn an_installed_package_that_somebody_wrote_into_fails() {
    let Some(desk) = Desk::shared() else { return };
    let archive = package(&desk, &[]);
    let root = desk.path("root");
    fs::create_dir(&root).expect("a folder");
    let unpacked =
        Command::new("tar").args(["-C", root.to_str().expect("text"), "-xf"]).arg(&archive).status();
    assert!(unpacked.expect("tar runs").success());
    let prefix = root.join("opt/rdna-build/selftest-1.0.0-gfx1010");
    let words = ["--installed", prefix.to_str().expect("text")];
    let whole = verify(&desk, &words);
    assert_eq!(code(&whole), Some(0), "{whole:#?}");

    fs::write(prefix.join("lib/libextra.so"), "not ours").expect("written");
    fs::write(prefix.join("include/rdna_selftest/rdna_selftest.h"), "#define RDNA_SELFTEST_API\n")
        .expect("written");
    let touched = verify(&desk, &words);
    assert_eq!(code(&touched), Some(5), "{touched:#?}");
    expect(&touched, "package-files", "failed", "libextra.so");
    expect(&touched, "package-files", "failed", "rdna_selftest.h");
    expect(&touched, "exported-api", "failed", "no function is declared");
}

/// A shared library made on this machine.
fn library(desk: &Desk, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let text = desk.path(&format!("{name}.c"));
    fs::write(&text, source).expect("written");
    let into = desk.path(name);
    // Without the C library the loader has nothing to look at.
    let with_libc = ["-Wl,--no-as-needed", "-lc"];
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&into, &text])
        .args(options)
        .args(with_libc)
        .status();
    assert!(made.expect("a compiler of C").success());
    into
}

#[test]
fn a_library_that_would_hang_when_it_is_loaded_is_only_looked_at() {
    let Some(desk) = Desk::shared() else { return };
    let source = "__attribute__((constructor)) static void wait(void) { for(;;) __asm__(\"\"); }";
    let hangs = library(&desk, "libhangs.so.1", source, &["-Wl,-soname,libhangs.so.1"]);
    let started = Instant::now();
    let ended = verify(&desk, &["--library", hangs.to_str().expect("text"), "--toolchain", TOOLCHAIN]);
    assert_eq!(code(&ended), Some(0), "{ended:#?}");
    expect(&ended, "needed-libraries", "passed", "libraries");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_library_needs_and_nobody_has_is_named() {
    let Some(desk) = Desk::shared() else { return };
    library(&desk, "libgone.so.7", "int gone(void) { return 1; }", &["-Wl,-soname,libgone.so.7"]);
    let lost = desk.path("libgone.so.7");
    let options = [lost.to_str().expect("text"), "-Wl,-soname,libneeds.so.1", "-Wl,-rpath,/opt/elsewhere"];
    let needs =
        library(&desk, "libneeds.so.1", "int gone(void); int here(void) { return gone(); }", &options);
    let words = ["--library", needs.to_str().expect("text"), "--toolchain", TOOLCHAIN];
    let ended = verify(&desk, &words);
    assert_eq!(code(&ended), Some(5), "{ended:#?}");
    expect(&ended, "needed-libraries", "failed", "libgone.so.7");
    expect(&ended, "undefined-symbols", "skipped", "not all");
    expect(&ended, "search-path", "failed", "/opt/elsewhere");

    let options = ["-Wl,-soname,libloose.so.1", "-Wl,--unresolved-symbols=ignore-all"];
    let loose =
        library(&desk, "libloose.so.1", "int gone(void); int here(void) { return gone(); }", &options);
    let ended = verify(&desk, &["--library", loose.to_str().expect("text"), "--toolchain", TOOLCHAIN]);
    expect(&ended, "undefined-symbols", "failed", "gone");
}

#[test]
fn what_is_no_package_and_no_library_is_refused() {
    let Some(desk) = Desk::shared() else { return };
    let text = desk.path("text.tar.zst");
    fs::write(&text, "no archive").expect("written");
    let ended = verify(&desk, &[text.to_str().expect("text")]);
    assert_eq!(code(&ended), Some(4), "{ended:#?}");
    assert!(ended.stderr.contains("is not a package of rdna-build"), "{}", ended.stderr);

    let ended = verify(&desk, &["--library", text.to_str().expect("text"), "--toolchain", TOOLCHAIN]);
    assert_eq!(code(&ended), Some(5), "{ended:#?}");
    expect(&ended, "soname", "failed", "not a 64-bit ELF file");

    let ended = verify(&desk, &["--installed", desk.path("").to_str().expect("text")]);
    assert_eq!(code(&ended), Some(2), "{ended:#?}");
    let ended = verify(&desk, &["--image", "rdna-build/no-such-image:1"]);
    assert_eq!(code(&ended), Some(2), "{ended:#?}");
}

#[test]
fn time_that_runs_out_is_said_and_leaves_nothing() {
    let Some(desk) = Desk::shared() else { return };
    let archive = package(&desk, &[]);
    // A store without results: everything is compiled, which takes longer than this.
    let Some(fresh) = Desk::fresh() else { return };
    let ended = verify(&fresh, &[archive.to_str().expect("text"), "--tier", "kernels", "--timeout", "1s"]);
    assert_eq!(code(&ended), Some(124), "{ended:#?}");
    assert!(ended.stderr.contains("timed out after 1 s"), "{}", ended.stderr);
}

const MIOPEN: &str = r#"schema = 1
summary = "Debian's own MIOpen"
rocm = "ROCM"
[base.debian]
SUITES
components = ["main"]
check-valid-until = false
packages = ["libmiopen1"]
# Kernels for other chips are most of it.
path-exclude = ["/usr/lib/*/rocblas/*gfx*"]
path-include = ["/usr/lib/*/rocblas/*gfx101[012]*"]
[compiler]
c = "/usr/bin/true"
cxx = "/usr/bin/true"
[provides]
"#;

/// The engine's id of an image with Debian's MIOpen and what it depends on.
fn debian(desk: &Desk, suites: &str, rocm: &str) -> String {
    let folder = desk.path("toolchains/debians-miopen");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("toolchain.toml"), MIOPEN.replace("ROCM", rocm).replace("SUITES", suites))
        .expect("written");
    // A library of this machine is the occasion on which the image is made.
    let any = library(desk, "libany.so.1", "int any;", &["-Wl,-soname,libany.so.1"]);
    let made = verify(desk, &["--library", any.to_str().expect("text"), "--toolchain", "debians-miopen"]);
    assert_eq!(code(&made), Some(0), "{made:#?}");
    made.events[0]["runtime"]["image"].as_str().expect("an image").to_owned()
}

/// What both lack, each in its own words.
fn lacks(ended: &Ended, patches: &[&str]) {
    assert_eq!(code(ended), Some(5), "{ended:#?}");
    for id in
        ["soname", "search-path", "needed-libraries", "undefined-symbols", "one-llvm", "rocblas-kernels"]
    {
        expect(ended, id, "passed", "");
    }
    for says in patches {
        expect(ended, "patch-marks", "failed", says);
    }
    expect(ended, "kernel-texts", "failed", "Winograd");
    expect(ended, "package-files", "skipped", "foreign");
}

#[test]
fn debians_miopen_is_told_what_it_lacks_for_the_chip() {
    let Some(desk) = Desk::shared() else { return };
    let image = debian(&desk, "suite = \"sid\"", "6.4.3");
    let marks = [
        "holds `#if defined(__AMDGCN__) && !(MIO_BN_GFX103X`",
        "holds `src_block_config.range[3] = 0x00027000;`",
        "does not hold `#elif defined(CK_AMD_GPU_GFX1010)`",
        "passes 0x0 as argument 3 of hipHostMalloc",
        "holds `-mno-xnack`",
    ];
    lacks(&verify(&desk, &["--image", &image]), &marks);
}

#[test]
fn debians_newer_miopen_is_told_as_well() {
    let Some(desk) = Desk::shared() else { return };
    let image = debian(&desk, "suite = \"sid\"\nfurther-suites = [\"experimental\"]", "7.2.4");
    let marks = [
        "holds `#if defined(__AMDGCN__) && !(MIO_BN_GFX103X`",
        "does not hold `#elif defined(CK_AMD_GPU_GFX1010)`",
        "passes 0x0 as argument 3 of hipHostMalloc",
        "holds `-mno-xnack`",
    ];
    lacks(&verify(&desk, &["--image", &image]), &marks);
}
