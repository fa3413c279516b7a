//! How long a command takes, and the middle of several such times.
#![allow(dead_code, reason = "not every measurement needs both")]

use std::process::{Command, Stdio};
use std::time::Instant;

/// Wall seconds of a command that must succeed.
pub fn timed(command: &mut Command) -> f64 {
    let started = Instant::now();
    let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    seconds
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
