//! The selftest from recipe to package, on the real engine.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use rdna_build::model::{Digest, Manifest, PackagedFile, PinnedSource};
use rdna_build::package;

use crate::desk::{Desk, TOOLCHAIN};

const PATCHES: [&str; 3] = [
    "patches/0001-wave-sum-broadcast-rows-on-gfx8-and-gfx9-only.patch",
    "patches/0002-allocator-take-non-coherent-host-memory.patch",
    "patches/0003-buffer-copy-describe-buffers-as-gfx10-reads-them.patch",
];

/// The processor in a code object's ELF flags, from LLVM's AMDGPU documentation.
const MACH: u32 = 0xff;
const GFX1010: u32 = 0x33;
const GFX1012: u32 = 0x35;

#[test]
fn a_package_holds_code_for_its_target_and_its_digest_lies_beside_it() {
    let Some(desk) = Desk::shared() else { return };
    let run = desk.selftest("gfx1010", &[]).expect(0);
    let archive = package_in(&desk, "gfx1010");
    let digest = Digest::of(fs::read(&archive).expect("the package")).to_string();
    assert_eq!(run.digests()[0], digest.as_str(), "the symbols come behind it");
    let beside = fs::read_to_string(format!("{}.sha256", archive.display())).expect("the digest");
    let name = archive.file_name().expect("a name").to_string_lossy();
    assert_eq!(beside, format!("{digest}  {name}\n"));

    let listed = package::list(&archive).expect("a package");
    let below = |path: &str| format!("opt/rdna-build/selftest-1.0.0-gfx1010/{path}");
    for file in ["lib/librdna_selftest.so.1", "lib/rdna-selftest/vector_add-gfx1010.co"] {
        assert!(listed.iter().any(|entry| entry.path.ends_with(&below(file))), "{file} of {listed:#?}");
    }
    assert_eq!(machine_of(&archive, "vector_add-gfx1010.co"), GFX1010);
}

#[test]
fn a_manifest_names_everything_that_went_in() {
    let Some(desk) = Desk::shared() else { return };
    desk.selftest("gfx1010", &[]).expect(0);
    let archive = package_in(&desk, "gfx1010");
    let manifest = package::read_manifest(&archive).expect("a manifest");
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/selftest");
    let digest_of = |path: &str| Digest::of(fs::read(recipe.join(path)).expect("a patch"));
    let patches: Vec<_> = manifest.patches.iter().map(|patch| (patch.file.as_str(), patch.sha256)).collect();
    assert_eq!(patches, PATCHES.map(|patch| (patch, digest_of(patch))));
    assert!(manifest.patches.iter().all(|patch| !patch.why.is_empty()));

    let versions = &manifest.toolchain.packages;
    for package in ["clang-21", "libamdhip64-dev", "rocm-device-libs-21", "libc6"] {
        assert!(versions.get(package).is_some_and(|version| !version.is_empty()), "{package}: {versions:#?}");
    }
    assert!(manifest.toolchain.provides["hip"].starts_with("6."), "{:?}", manifest.toolchain.provides);
    let pins = &manifest.toolchain.pins;
    let pinned = |name: &str| pins.iter().find(|pin| pin.name == name).map(|pin| pin.value.as_str());
    assert_eq!(pinned("HIP_CLANG_PATH"), Some("/usr/lib/llvm-21/bin"), "{pins:?}");
    assert_eq!(
        pinned("HIP_DEVICE_LIB_PATH"),
        Some("/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode"),
        "{pins:?}"
    );
    assert_eq!(pinned("ROCM_PATH"), None, "on Debian it would hide the device libraries: {pins:?}");
    assert!(pins.iter().all(|pin| !pin.why.is_empty()), "{pins:?}");
    assert_eq!(manifest.keys.keys().collect::<Vec<_>>(), ["package", "prepare", "source"]);
    assert!(matches!(manifest.source.pinned, PinnedSource::Bundled { .. }));
    assert!(!manifest.files.is_empty());
    for file in &manifest.files {
        match file {
            PackagedFile::File { path, sha256, .. } => {
                assert_eq!(Digest::of(member(&archive, path)), *sha256, "{path}");
            }
            PackagedFile::Symlink { .. } => {}
        }
    }

    // Beside the package the same, and which of this engine's images it was.
    let beside = fs::read(desk.output().join(format!("selftest-1.0.0-gfx1010-{TOOLCHAIN}.manifest.json")));
    let mut beside: Manifest = serde_json::from_slice(&beside.expect("a manifest")).expect("a manifest");
    assert!(beside.toolchain.image.take().is_some_and(|image| image.starts_with("sha256:")));
    assert_eq!(beside, manifest);
}

#[test]
fn a_second_run_takes_everything_from_the_store_and_asks_no_engine() {
    let Some(desk) = Desk::shared() else { return };
    let first = Desk::first_run().expect("the desk needed it");
    let nobody = ["--engine", "unix:///nonexistent.sock", "--offline"];
    let second = desk.selftest("gfx1010", &nobody).expect(0);
    assert!(second.is_cached(), "{:#?}", second.events);
    assert_eq!(second.digests(), first.digests());
    assert_eq!(second.find("stage-started"), [""; 0]);
    assert!(package_in(&desk, "gfx1010").exists());
}

#[test]
fn a_package_is_the_same_bytes_wherever_and_however_often_it_is_built() {
    let Some(desk) = Desk::fresh() else { return };
    let first = Desk::first_run().expect("the desk needed it");
    // Another store, another work volume, and a compiler cache that knows nothing.
    let cache = desk.path("ccache");
    fs::create_dir(&cache).expect("a folder");
    open_to_all(&cache);
    let build = |more: &[&str]| {
        let mut command =
            desk.command(&["build", "selftest", "--target", "gfx1010", "--toolchain", TOOLCHAIN]);
        command.env("CCACHE_DIR", &cache).args(more);
        crate::tool::start(command).end().expect(0)
    };
    let whole = build(&[]);
    assert!(!whole.is_cached());
    assert_eq!(whole.digests(), first.digests());

    let again = build(&["--rebuild", "--offline"]);
    assert_eq!(again.reason("build"), Some(""), "nothing changed");
    assert_eq!(again.digests(), first.digests());

    // A comment in what a patch adds: what it touches is compiled again, and nothing else.
    let recipe = desk.path("recipes/selftest");
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/selftest"), &recipe);
    let patch = recipe.join(PATCHES[2]);
    let text = fs::read_to_string(&patch).expect("a patch");
    let added = text.lines().find(|line| line.starts_with('+') && !line.starts_with("+++")).expect("a line");
    fs::write(&patch, text.replacen(added, &format!("{added} // touched"), 1)).expect("written");
    let touched = build(&["--offline"]);
    let reason = touched.reason("build").expect("it is built");
    assert!(reason.contains(PATCHES[2]) && !reason.contains(PATCHES[0]), "{reason}");
    assert_ne!(touched.digests(), first.digests(), "the sources are in the package's keys");
    assert!(
        touched.steps() > 0 && touched.steps() * 2 < whole.steps(),
        "{} of {}",
        touched.steps(),
        whole.steps()
    );

    // The recipe as it was: the old package is still there.
    fs::remove_dir_all(desk.path("recipes")).expect("removed");
    assert!(build(&["--engine", "unix:///nonexistent.sock"]).is_cached());
}

#[test]
fn two_targets_are_two_packages() {
    let Some(desk) = Desk::fresh() else { return };
    let run = desk.selftest("gfx1010,gfx1012", &[]).expect(0);
    assert_eq!(run.units().len(), 2);
    for (target, machine) in [("gfx1010", GFX1010), ("gfx1012", GFX1012)] {
        assert_eq!(machine_of(&package_in(&desk, target), &format!("vector_add-{target}.co")), machine);
    }
    assert_eq!(run.digests()[0], Desk::first_run().expect("the desk needed it").digests()[0]);
}

#[test]
fn a_plan_touches_nothing_and_names_the_keys_of_the_run() {
    let Some(desk) = Desk::fresh() else { return };
    let words = ["plan", "selftest", "--target", "gfx1010", "--toolchain", TOOLCHAIN, "--json"];
    let plan = |store: &Path| -> serde_json::Value {
        let output = desk.command(&words).arg("--store").arg(store).output().expect("the tool starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let nowhere = desk.path("nowhere");
    assert_eq!(plan(&nowhere)["units"][0]["stages"][0]["state"]["state"], "to-do");
    assert!(!nowhere.exists());

    let before = listing(&desk.store);
    let planned = plan(&desk.store);
    assert_eq!(listing(&desk.store), before);
    assert_eq!(listing(&desk.path("home")), BTreeMap::new());
    assert!(!desk.output().exists());

    let run = desk.selftest("gfx1010", &[]).expect(0);
    for stage in run.units()[0]["stages"].as_array().expect("stages") {
        let stages = planned["units"][0]["stages"].as_array().expect("stages");
        let same = stages.iter().find(|one| one["stage"] == stage["stage"]).expect("it was planned");
        assert_eq!(same["state"]["key"], stage["key"], "{}", stage["stage"]);
    }
}

fn package_in(desk: &Desk, target: &str) -> PathBuf {
    desk.output().join(format!("selftest-1.0.0-{target}-{TOOLCHAIN}.tar.zst"))
}

/// The bytes of the member whose path ends so.
fn member(archive: &Path, path: &str) -> Vec<u8> {
    let file = fs::File::open(archive).expect("the package");
    let mut tar = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
    let mut entry = tar
        .entries()
        .expect("a tar")
        .map(|entry| entry.expect("a whole entry"))
        .find(|entry| entry.path().expect("a path").ends_with(path))
        .unwrap_or_else(|| panic!("no {path}"));
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).expect("whole");
    bytes
}

fn machine_of(archive: &Path, name: &str) -> u32 {
    let elf = member(archive, name);
    assert_eq!(elf.get(..6), Some(&b"\x7fELF\x02\x01"[..]), "64 bits, little endian");
    let machine = u16::from_le_bytes(elf[18..20].try_into().expect("two bytes"));
    assert_eq!(machine, 224, "EM_AMDGPU");
    u32::from_le_bytes(elf[48..52].try_into().expect("four bytes")) & MACH
}

/// Every path with its size and time.
fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let Ok(children) = fs::read_dir(folder) else { return found };
    for child in children {
        let path = child.expect("readable").path();
        let status = path.symlink_metadata().expect("readable");
        if status.is_dir() {
            found.extend(listing(&path));
        }
        found.insert(path, (status.len(), status.modified().expect("a time")));
    }
    found
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    let status = Command::new("cp").arg("-rT").args([from, to]).status().expect("cp runs");
    assert!(status.success());
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("ours");
}
