//! Measures packing against the tools that distributions pack with, as ratios within one run: `.deb` against `dpkg-deb`, and
//! `.tar.zst` against `tar --zstd`, both at the same level of zstd.
//!
//! ```sh
//! cargo bench --bench packages                                 # a package made up for it: 400 MiB
//! cargo bench --bench packages -- miopen-3.3.0-gfx1010-debian-sid.tar.zst
//! ```
//!
//! Needs dpkg-deb, tar with zstd. Theirs get a tree that is unpacked already, and digest nothing; ours hold every file against
//! its digest on the way.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod made_up;
mod measure;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use measure::{median, timed};
// The made-up manifest reaches the model through the crate it is in.
use rdna_build::model;

use rdna_build::package::{self, Packed};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 5;
/// Of zstd, ours.
const LEVEL: &str = "3";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let archive = match arguments.as_slice() {
        [package] => PathBuf::from(package),
        _ => made_up::package(folder.path()),
    };
    let tree = folder.path().join("unpacked");
    package::unpack(&archive, &tree, &CancellationToken::new()).unwrap();
    let mut manifest = package::read_manifest(&archive).unwrap();
    // Who answers for a package made by an older version does not matter here.
    let about = package::read_manifest(&made_up::package(folder.path())).unwrap().about;
    manifest.about = manifest.about.or(about);

    let ours = |name: &'static str| {
        let (manifest, tree, into) = (&manifest, &tree, folder.path().join(name));
        fs::create_dir_all(&into).unwrap();
        move || {
            let (format, cancel) = (package::format(name).unwrap(), CancellationToken::new());
            let started = Instant::now();
            let packed = package::pack(format, manifest, tree, &into, &cancel, &mut |_, _| ()).unwrap();
            (started.elapsed().as_secs_f64(), packed.iter().map(|one: &Packed| one.size).sum())
        }
    };
    let control = tree.join("DEBIAN/control");
    let with_control = |is_there: bool| match is_there {
        true => {
            fs::create_dir_all(control.parent().unwrap()).unwrap();
            let text = "Package: tiny\nVersion: 1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: x\n";
            fs::write(&control, text).unwrap();
        }
        false => fs::remove_dir_all(control.parent().unwrap()).unwrap_or_default(),
    };
    let theirs = |mut command: Command, into: PathBuf| {
        command.arg(&into);
        let seconds = timed(&mut command);
        (seconds, fs::metadata(into).unwrap().len())
    };
    let dpkg = || {
        let mut command = Command::new("dpkg-deb");
        command.args(["-Zzstd", "-z", LEVEL, "--root-owner-group", "--build"]).arg(&tree);
        theirs(command, folder.path().join("theirs.deb"))
    };
    let tar = || {
        let mut command = Command::new("tar");
        command.args(["-C"]).arg(&tree).args(["-I", &format!("zstd -{LEVEL}"), "-c", ".", "-f"]);
        theirs(command, folder.path().join("theirs.tar.zst"))
    };
    let (deb, tar_zst, rpm) = (ours("deb"), ours("tar.zst"), ours("rpm"));
    let mut seen: [Vec<(f64, u64)>; 5] = Default::default();
    for round in 0..=ROUNDS {
        with_control(true);
        let dpkg = dpkg();
        with_control(false);
        let measured = [dpkg, deb(), tar(), tar_zst(), rpm()];
        // The first round reads the tree from the disk.
        if round > 0 {
            seen.iter_mut().zip(measured).for_each(|(seen, one)| seen.push(one));
        }
    }
    println!("{}", archive.display());
    let [dpkg, deb, tar, tar_zst, rpm] = seen.map(middle);
    row("dpkg-deb -Zzstd", dpkg, "");
    row(".deb", deb, &format!("{:.2} × dpkg-deb (goal: at most 0.5)", deb.0 / dpkg.0));
    row("tar --zstd", tar, "");
    row(".tar.zst", tar_zst, &format!("{:.2} × tar --zstd (goal: at most 0.5)", tar_zst.0 / tar.0));
    row(".rpm", rpm, "");
}

fn row(name: &str, (seconds, size): (f64, u64), ratio: &str) {
    println!("{name:18} {seconds:7.2} s {:8.1} MiB  {ratio}", size as f64 / f64::from(1 << 20));
}

/// The middle of the times; the size is always the same.
fn middle(seen: Vec<(f64, u64)>) -> (f64, u64) {
    let size = seen[0].1;
    (median(seen.into_iter().map(|(seconds, _)| seconds).collect()), size)
}
