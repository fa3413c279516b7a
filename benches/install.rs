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

mod made_up;
mod measure;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{median, timed};
// The made-up manifest reaches the model through the crate it is in.
use rdna_build::model;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // Beside the build, not in memory: the disk is part of what is measured.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let package = match arguments.as_slice() {
        [package] => PathBuf::from(package),
        _ => made_up::package(folder.path()),
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
            timed(&mut command)
        };
        let sync = || {
            let mut command = Command::new("sync");
            command.arg("-f").arg(folder);
            timed(&mut command)
        };
        sync();
        let unpacked = unpack(&into);
        let flushed = sync();
        fs::remove_dir_all(&into).unwrap();
        sync();
        let first = timed(&mut install(package, &base));
        let second = timed(&mut install(package, &base));
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
