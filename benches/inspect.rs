//! Measures looking into images and weighing toolchains, against the plainest way to see all of an image: streaming it out
//! of the engine with `docker export`. As ratios within one run.
//!
//! ```sh
//! cargo bench --bench inspect -- debian-sid          # a toolchain whose image was made, or any image
//! ```
//!
//! Needs a container engine with the `docker` command. `cold` looks with an empty store, `warm` with one that remembers.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

mod measure;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use measure::median;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const COLD: usize = 5;
const WARM: usize = 21;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [what] => measure(what),
        _ => println!("inspect: name a toolchain or an image to look into; nothing was measured"),
    }
}

fn measure(what: &str) {
    let id = output(Command::new(BINARY).args(["toolchains", "inspect", what, "--json"]));
    assert!(!id.is_empty(), "it can be looked into");
    let image = image(what);
    let (mut cold, mut export) = (Vec::new(), Vec::new());
    let store = tempfile::tempdir().unwrap();
    for round in 0..COLD {
        let store = store.path().join(round.to_string());
        cold.push(timed(inspect(&image, Some(&store))));
        export.push(exported(&image));
    }
    let warm: Vec<f64> = (0..WARM).map(|_| timed(inspect(&image, Some(&store.path().join("0"))))).collect();
    let resolve: Vec<f64> = (0..WARM)
        .map(|_| {
            let mut command = Command::new(BINARY);
            command.args(["toolchains", "resolve", "miopen", "--target", "gfx1010", "--json"]);
            timed(command)
        })
        .collect();
    let (cold, warm, export, resolve) = (median(cold), median(warm), median(export), median(resolve));
    println!("{what} ({image})");
    println!("docker export   {:9.1} ms", export * 1e3);
    println!("inspect, cold   {:9.1} ms  ratio {:.3}  (goal: at most 3000 ms)", cold * 1e3, cold / export);
    println!("inspect, warm   {:9.1} ms  ratio {:.3}  (goal: at most 50 ms)", warm * 1e3, warm / export);
    println!("resolve miopen  {:9.1} ms               (goal: at most 100 ms)", resolve * 1e3);
}

/// The engine's id of a toolchain's image, or the name as it is.
fn image(what: &str) -> String {
    let format = "{{.ID}}";
    let reference = format!("localhost/rdna-build/{what}");
    let found =
        output(Command::new("docker").args(["images", "-q", "--no-trunc", "--format", format, &reference]));
    String::from_utf8(found).unwrap().lines().next().map_or_else(|| what.to_owned(), str::to_owned)
}

fn inspect(image: &str, store: Option<&Path>) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["toolchains", "inspect", image, "--json"]);
    if let Some(store) = store {
        command.env("RDNA_BUILD_STORE", store);
    }
    command
}

fn exported(image: &str) -> f64 {
    let made = output(Command::new("docker").args(["create", image, "/bin/true"]));
    let container = String::from_utf8(made).unwrap().trim().to_owned();
    let mut command = Command::new("docker");
    command.args(["export", &container]);
    let seconds = timed(command);
    output(Command::new("docker").args(["rm", &container]));
    seconds
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

fn timed(mut command: Command) -> f64 {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
    started.elapsed().as_secs_f64()
}
