//! A read-only look at the machine: cores, memory, disk, which other runs are alive, and what computing on its GPU needs.
//!
//! Changes nothing and starts nothing; opens no device. The engine describes itself (`Engine::info`). What the facts mean is for
//! `doctor`.

pub mod cdi;
pub mod choice;
pub mod devices;
pub mod driver;
mod host;
mod kernel_log;
pub mod kfd;
pub mod pci;
mod root;
pub mod variables;

use std::fs;
use std::path::Path;

pub use host::{Disk, Host, Kernel, Memory, Proof};
pub use kernel_log::KernelLog;
pub use root::{Root, Status};

/// The machine this process runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub cores: u32,
    /// Bytes of memory that programs can still have.
    pub memory: u64,
    pub host: String,
    /// Differs after every boot, so that a process id says something.
    pub boot: String,
}

impl Machine {
    /// Looks at the machine. What cannot be read is unknown: one core, no memory, empty names.
    pub fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        Self {
            cores: std::thread::available_parallelism()
                .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
            memory: available_memory(&read("/proc/meminfo")),
            host: read("/proc/sys/kernel/hostname"),
            boot: read("/proc/sys/kernel/random/boot_id"),
        }
    }
}

/// `MemAvailable` of `/proc/meminfo` in bytes; 0 when the text holds none.
fn available_memory(meminfo: &str) -> u64 {
    let kibibytes = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

/// Bytes that an unprivileged writer can still put below `path`, or below its nearest existing ancestor.
pub fn free_disk(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    let status = rustix::fs::statvfs(existing).ok()?;
    Some(status.f_bavail * status.f_frsize)
}

/// Whether a process with this id exists on this machine.
pub fn process_exists(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_in_bytes() {
        assert_eq!(available_memory("MemTotal: 9 kB\nMemAvailable:   24000 kB\n"), 24000 << 10);
        assert_eq!(available_memory("garbage"), 0);
    }

    #[test]
    fn a_path_that_is_not_there_yet_has_the_free_space_of_its_ancestor() {
        assert!(free_disk(Path::new("/proc/self/no/such/folder")).is_some());
    }

    #[test]
    fn this_process_exists_and_an_impossible_one_does_not() {
        assert!(process_exists(std::process::id()));
        assert!(!process_exists(u32::MAX));
    }
}
