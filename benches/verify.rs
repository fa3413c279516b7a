//! Measures `verify` on a package: the tier `static` against unpacking the package with tar, and the tier `kernels` with one
//! job against two, and against its own second run. As ratios within one run.
//!
//! ```sh
//! cargo bench --bench verify -- miopen-3.3.0-gfx1010-debian-sid.tar.zst [FOLDER]
//! ```
//!
//! FOLDER is the source where the package was built from one. Needs the engine that holds the toolchain's image, and tar with
//! zstd. Kernels are compiled twice in full, for MIOpen some minutes each.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod measure;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use measure::median;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [package] => measure(package, None),
        [package, source] => measure(package, Some(source)),
        _ => println!("verify: name a package to verify; nothing was measured"),
    }
}

fn measure(package: &str, source: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    // The toolchain's image is looked into once for each store.
    for store in [&one, &two] {
        timed(verify(package, None, store, &["--tier", "static"]));
    }
    let (mut unpacked, mut read) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let into = folder.path().join(round.to_string());
        std::fs::create_dir(&into).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(&into).arg("-xf").arg(package);
        unpacked.push(timed(tar));
        std::fs::remove_dir_all(&into).unwrap();
        read.push(timed(verify(package, None, &one, &["--tier", "static"])));
    }
    let (unpacked, read) = (median(unpacked), median(read));
    println!("tar -x                 {unpacked:8.2} s");
    println!("static                 {read:8.2} s  {:.1} × tar -x  (goal: at most 5 s)", read / unpacked);

    let kernels = |store: &Path, jobs: &str| {
        timed(verify(package, source, store, &["--tier", "kernels", "--filter", "kernels-", "--jobs", jobs]))
    };
    let alone = kernels(&one, "1");
    let together = kernels(&two, "2");
    let again = kernels(&two, "2");
    println!("kernels, one job       {alone:8.2} s");
    println!(
        "kernels, two jobs      {together:8.2} s  {:.2} × as fast (goal: at least 1.8)",
        alone / together
    );
    println!("kernels, second run    {again:8.2} s  {:.3} (goal: at most 0.1)", again / together);
}

fn verify(package: &str, source: Option<&str>, store: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["verify", package, "--json"]).args(more).arg("--store").arg(store);
    command.args(source.into_iter().flat_map(|source| ["--source", source]));
    command
}

/// Seconds. What fails at once would be fast: only a verification that came to an end counts.
fn timed(mut command: Command) -> f64 {
    let started = Instant::now();
    let ended = command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped()).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let code = ended.status.code();
    assert!(matches!(code, Some(0 | 5)), "{code:?}: {}", String::from_utf8_lossy(&ended.stderr));
    seconds
}
