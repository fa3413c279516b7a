//! Measures `rdna-build doctor` on this machine, with and without asking the engine.
//!
//! ```sh
//! cargo bench --bench doctor
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::process::{Command, Stdio};
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_rdna-build");
const ROUNDS: usize = 41;

fn main() {
    let whole = measured(&["toolchains", "inspect", "--host", "--json"], 5);
    let asked = measured(&["doctor", "--json"], ROUNDS);
    let alone = measured(&["doctor", "--json", "--engine", "unix:///nowhere/engine.sock"], ROUNDS);
    println!("doctor                   {:8.1} ms  (goal: at most 100 ms)", asked * 1e3);
    println!("doctor, without engine   {:8.1} ms", alone * 1e3);
    println!("toolchains inspect host  {:8.1} ms  which looks everywhere", whole * 1e3);
}

/// The median.
fn measured(arguments: &[&str], rounds: usize) -> f64 {
    let mut seconds: Vec<f64> = (0..rounds)
        .map(|_| {
            let mut command = Command::new(BINARY);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            let started = Instant::now();
            // It ends with 4 where something is wrong with the machine.
            assert!(matches!(command.status().unwrap().code(), Some(0 | 4)));
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[rounds / 2]
}
