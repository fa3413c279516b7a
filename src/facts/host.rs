//! Everything about a machine that decides whether its GPU can compute, from files alone.

use std::io;
use std::path::Path;

use super::cdi::{self, CdiDevice};
use super::devices::{self, DeviceNode, Group, User};
use super::driver::{self, Driver};
use super::kfd::{self, Kfd};
use super::pci::{self, Card};
use super::variables::{self, Variable};
use super::{Root, free_disk};

/// What was found. What could not be told is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Host {
    /// `false` for a tree of files, whose devices, disks and environment are not those of this machine.
    pub is_machine: bool,
    pub kernel: Option<Kernel>,
    pub kfd: Option<Kfd>,
    pub cards: Vec<Card>,
    pub devices: Vec<DeviceNode>,
    /// Devices that container engines may be asked for by name.
    pub cdi: Vec<CdiDevice>,
    pub user: Option<User>,
    /// Groups that own devices of GPUs: those of the nodes, `render` and `video`.
    pub groups: Vec<Group>,
    pub driver: Driver,
    pub container: Option<Proof>,
    pub wsl: Option<Proof>,
    pub memory: Option<Memory>,
    pub cores: Option<u32>,
    pub disks: Vec<Disk>,
    pub variables: Vec<Variable>,
}

/// A thing that is so, and the file that shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Proof {
    pub what: String,
    pub place: String,
}

/// The kernel's release, e.g. `6.12.48+deb13-amd64`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Kernel {
    pub release: String,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    pub total: u64,
    pub available: u64,
}

/// A folder that a build fills, and what is free there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Disk {
    /// e.g. `store`.
    pub of: String,
    pub path: String,
    pub free: u64,
}

impl Kernel {
    /// Major and minor number.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        let mut numbers = self.release.split(|c: char| !c.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

impl Host {
    /// Looks at this machine, with the variables that matter of its environment and the folders that a build fills.
    pub fn machine(environment: Vec<Variable>, disks: &[(&str, &Path)]) -> io::Result<Self> {
        let mut host = Self::look(&Root::open(Path::new("/"))?, true);
        host.cores =
            std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok());
        let disk = |(of, path): &(&str, &Path)| {
            let free = free_disk(path)?;
            Some(Disk { of: (*of).to_owned(), path: path.display().to_string(), free })
        };
        host.disks = disks.iter().filter_map(disk).collect();
        host.variables.splice(0..0, environment);
        Ok(host)
    }

    /// Looks at a tree of files that stands for a machine.
    pub fn tree(folder: &Path) -> io::Result<Self> {
        Ok(Self::look(&Root::open(folder)?, false))
    }

    fn look(root: &Root, is_machine: bool) -> Self {
        let user = devices::user(root);
        let mut groups = devices::groups(root);
        let devices = devices::look(root, user.as_ref(), &groups, is_machine);
        groups.retain(|group| {
            let of_a_device = devices.iter().any(|node| node.gid == group.gid && node.gid != 0);
            of_a_device || group.name == "render" || group.name == "video"
        });
        let release = root.text("proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned());
        let release =
            release.filter(|text| !text.is_empty() && text.len() < 128 && !text.contains(char::is_control));
        Self {
            is_machine,
            wsl: wsl(root, release.as_deref()),
            kernel: release.map(|release| Kernel { release }),
            kfd: kfd::look(root),
            cards: pci::look(root),
            devices,
            cdi: cdi::look(root),
            user,
            groups,
            driver: driver::look(root),
            container: container(root),
            memory: root.text("proc/meminfo").ok().and_then(|text| memory(&text)),
            cores: None,
            disks: Vec::new(),
            variables: variables::of_files(root),
        }
    }

    /// The node below `/dev` with this path.
    pub fn device(&self, path: &str) -> Option<&DeviceNode> {
        self.devices.iter().find(|node| node.path == path)
    }

    /// The card of a node of the compute driver.
    pub fn card(&self, node: &kfd::Node) -> Option<&Card> {
        let address = node.pci?;
        self.cards.iter().find(|card| card.address == address)
    }

    /// A variable's value as programs see it: the environment comes before files.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

fn container(root: &Root) -> Option<Proof> {
    let proof = |what: &str, place: &str| Proof { what: what.to_owned(), place: place.to_owned() };
    if root.exists("run/.containerenv") {
        return Some(proof("Podman", "/run/.containerenv"));
    }
    root.exists(".dockerenv").then(|| proof("Docker", "/.dockerenv"))
}

fn wsl(root: &Root, release: Option<&str>) -> Option<Proof> {
    if root.exists("dev/dxg") {
        return Some(Proof {
            what: "Windows gives its GPU as /dev/dxg".to_owned(),
            place: "/dev/dxg".to_owned(),
        });
    }
    let release = release.filter(|release| release.to_ascii_lowercase().contains("microsoft"))?;
    Some(Proof { what: release.to_owned(), place: "/proc/sys/kernel/osrelease".to_owned() })
}

fn memory(meminfo: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let value = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory { total: bytes("MemTotal")?, available: bytes("MemAvailable")? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_upsets_the_readers(text in "\\PC{0,60}", number in "(Mem(Total|Available): {0,3}[0-9]{0,25} kB\n){0,3}") {
            memory(&text);
            memory(&number);
            Kernel { release: text }.numbers();
        }
    }

    #[test]
    fn a_kernel_is_told_by_its_first_two_numbers() {
        let numbers = |release: &str| Kernel { release: release.to_owned() }.numbers();
        assert_eq!(numbers("6.12.48+deb13-amd64"), Some((6, 12)));
        assert_eq!(numbers("6.8"), Some((6, 8)));
        assert_eq!(numbers("garbage"), None);
        assert_eq!(numbers("99999999999.1"), None);
    }

    #[test]
    fn memory_that_no_machine_has_is_not_told() {
        assert_eq!(memory("MemTotal: 18446744073709551615 kB\nMemAvailable: 1 kB\n"), None);
        assert_eq!(
            memory("MemTotal: 2 kB\nMemAvailable: 1 kB\n"),
            Some(Memory { total: 2048, available: 1024 })
        );
    }
}
