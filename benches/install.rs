//! Measures `install` of a package against `tar -xf` of it, as a ratio within one run.
//!
//! ```sh
//! cargo bench --bench install                                  # a package made up for it: 400 MiB
//! cargo bench --bench install -- miopen-3.3.0-gfx1010-debian-sid.tar.zst
//! ```
//!
//! Needs tar with zstd. `install` has everything on the disk when it ends, `tar` in the kernel's memory; therefore tar is measured
//! with a `sync -f` behind it as well. The second install finds everything there.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rdna_build::model::{BuildFacts, Digest, Manifest, PinnedSource, SourceRecord, ToolchainRecord};
use rdna_build::package;
use tokio_util::sync::CancellationToken;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 9;
const MADE_UP: usize = 400 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // Beside the build, not in memory: the disk is part of what is measured.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let package = match arguments.as_slice() {
        [package] => PathBuf::from(package),
        _ => made_up(folder.path()),
    };
    measure(&package, folder.path());
}

fn measure(package: &Path, folder: &Path) {
    let (mut plain, mut synced, mut installed, mut again) = (vec![], vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let into = folder.join(round.to_string());
        let base = folder.join(format!("base-{round}"));
        let unpack = |into: &Path| {
            fs::create_dir(into).unwrap();
            let mut command = Command::new("tar");
            command.arg("-C").arg(into).arg("-xf").arg(package);
            timed(command)
        };
        let sync = || {
            let mut command = Command::new("sync");
            command.arg("-f").arg(folder);
            timed(command)
        };
        sync();
        let unpacked = unpack(&into);
        let flushed = sync();
        fs::remove_dir_all(&into).unwrap();
        sync();
        let first = timed(install(package, &base));
        let second = timed(install(package, &base));
        fs::remove_dir_all(&base).unwrap();
        // The first round reads the package from the disk.
        if round > 0 {
            plain.push(unpacked);
            synced.push(unpacked + flushed);
            installed.push(first);
            again.push(second);
        }
    }
    let (plain, synced, installed, again) = (median(plain), median(synced), median(installed), median(again));
    println!("{}", package.display());
    println!("tar -xf            {plain:7.2} s");
    println!("tar -xf, sync -f   {synced:7.2} s");
    println!(
        "install            {installed:7.2} s  {:.2} × tar -xf (goal: at most 1.2), {:.2} × with sync",
        installed / plain,
        installed / synced
    );
    println!("install, again     {again:7.2} s  {:.2} × tar -xf", again / plain);
}

fn install(package: &Path, base: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("install").arg(package).arg("--prefix").arg(base).arg("--quiet");
    command
}

fn timed(mut command: Command) -> f64 {
    let started = Instant::now();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    seconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A package with one large library that compresses about as code does, and some small files.
fn made_up(folder: &Path) -> PathBuf {
    let (tree, prefix) = (folder.join("tree"), "opt/rdna-build/tiny-1.0-gfx1010");
    for below in ["lib", "include", "share"] {
        fs::create_dir_all(tree.join(prefix).join(below)).unwrap();
    }
    fs::write(tree.join(prefix).join("lib/libtiny.so.1"), like_code(MADE_UP)).unwrap();
    for number in 0..40 {
        fs::write(tree.join(prefix).join(format!("include/{number}.h")), vec![b'x'; 4000]).unwrap();
    }
    let cancel = CancellationToken::new();
    let manifest = manifest(prefix, package::scan(&tree, &cancel).unwrap());
    let format = package::format(package::DEFAULT_FORMAT).unwrap();
    package::pack(format, &manifest, &tree, folder, &cancel, &mut |_, _| ()).unwrap().remove(0).archive
}

/// Words of a small vocabulary with noise in between.
fn like_code(size: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let words: Vec<Vec<u8>> =
        (0..4096).map(|_| (0..4 + next() % 24).map(|_| next() as u8).collect()).collect();
    let mut bytes = Vec::with_capacity(size + 64);
    while bytes.len() < size {
        match next() % 4 {
            0 => bytes.extend((next() as u32).to_le_bytes()),
            _ => bytes.extend(&words[(next() % 4096) as usize]),
        }
    }
    bytes
}

fn manifest(prefix: &str, files: Vec<rdna_build::model::PackagedFile>) -> Manifest {
    let digest = Digest::of("");
    Manifest {
        schema: 1,
        name: "tiny".into(),
        version: "1.0".into(),
        target: "gfx1010".into(),
        toolchain: ToolchainRecord {
            pins: vec![],
            id: "debian-sid".into(),
            definition: digest,
            identity: digest,
            image: None,
            provides: BTreeMap::new(),
            packages: BTreeMap::new(),
        },
        source: SourceRecord { pinned: PinnedSource::Bundled { folder: "source".into(), digest } },
        patches: Vec::new(),
        build: BuildFacts {
            prefix: format!("/{prefix}"),
            options: BTreeMap::new(),
            environment: BTreeMap::new(),
            source_date_epoch: 315_532_800,
        },
        about: None,
        needs: vec![],
        tool: "rdna-build 0".into(),
        keys: BTreeMap::new(),
        files,
        verification: None,
    }
}
