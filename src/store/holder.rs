//! Who holds a lock or fills a draft, and whether that process still lives.

use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::model::RunId;

/// A run and its process, told apart from a later process with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub run: RunId,
    pub pid: u32,
    /// The kernel's id of this boot.
    boot: String,
    /// Clock ticks from boot to the start of the process.
    started: u64,
}

impl Holder {
    /// This process, working for `run`.
    pub fn this_process(run: RunId) -> Self {
        let pid = std::process::id();
        Self { run, pid, boot: boot_id(), started: start_of(pid).unwrap_or(0) }
    }

    /// Whether its process still runs on this machine.
    pub fn is_alive(&self) -> bool {
        self.boot == boot_id() && start_of(self.pid).is_some_and(|started| started == self.started)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} (process {})", self.run, self.pid)
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // proc(5): the name in parentheses may hold anything; start time is field 22, the 20th after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_another_boot_or_start_is_dead() {
        let here = Holder::this_process("r1".parse().unwrap());
        assert!(here.is_alive());
        assert!(!Holder { boot: "other".into(), ..here.clone() }.is_alive());
        assert!(!Holder { started: here.started + 1, ..here }.is_alive());
    }
}
