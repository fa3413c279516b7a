//! Made-up machines: trees of files as the kernel and packages lay them out. No file of them comes from a real card.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use crate::home::{Home, Ran};

/// The group of GPU devices, where the test may give files to it.
const RENDER: u32 = 109;
/// A user that owns nothing.
const SOMEBODY: u32 = 4242;

/// A tree that stands for a machine.
pub struct Machine {
    folder: tempfile::TempDir,
    gpus: u32,
}

/// A graphics card.
#[derive(Clone, Copy)]
pub struct Card {
    pub address: &'static str,
    pub vendor: u32,
    pub device: u32,
    pub revision: u32,
    pub driver: Option<&'static str>,
    /// KFD's name and number of its target.
    pub name: &'static str,
    pub target: u32,
    pub simds: u32,
    pub gibibytes: u64,
    pub firmware: u32,
}

pub const RX_5600_XT: Card = Card {
    address: "0000:03:00.0",
    vendor: 0x1002,
    device: 0x731f,
    revision: 0xca,
    driver: Some("amdgpu"),
    name: "navi10",
    target: 100_100,
    simds: 72,
    gibibytes: 6,
    firmware: 156,
};
pub const RX_5700_XT: Card = Card { revision: 0xc1, simds: 80, gibibytes: 8, ..RX_5600_XT };
pub const RX_5500_XT: Card = Card {
    device: 0x7340,
    revision: 0xc5,
    name: "navi14",
    target: 100_102,
    simds: 44,
    gibibytes: 4,
    ..RX_5600_XT
};
/// The graphics of a Ryzen 5600G.
pub const APU: Card = Card {
    address: "0000:0a:00.0",
    device: 0x1638,
    revision: 0xc9,
    name: "renoir",
    target: 90_012,
    simds: 28,
    gibibytes: 1,
    firmware: 471,
    ..RX_5600_XT
};
pub const NVIDIA: Card = Card {
    address: "0000:01:00.0",
    vendor: 0x10de,
    device: 0x2484,
    revision: 0xa1,
    driver: Some("nouveau"),
    ..RX_5600_XT
};

impl Machine {
    /// A Debian with a kernel of its own, a processor, a user in the group of GPUs, and no GPU.
    pub fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), gpus: 0 };
        machine.write("usr/lib/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
        machine.write("proc/sys/kernel/osrelease", "6.1.0-37-amd64\n");
        machine.write("proc/cmdline", "root=/dev/sda1 ro quiet\n");
        machine.write("proc/meminfo", "MemTotal:       32768000 kB\nMemAvailable:   24576000 kB\n");
        machine.write(
            "etc/passwd",
            format!("root:x:0:0::/root:/bin/sh\nme:x:{SOMEBODY}:{SOMEBODY}::/home/me:/bin/sh\n"),
        );
        machine.user(true);
        machine
    }

    /// The same with graphics cards that amdgpu has taken, and devices for its GPUs.
    pub fn with(cards: &[Card]) -> Self {
        let mut machine = Self::new();
        machine.write("sys/module/amdgpu/parameters/mtype_local", "0\n");
        machine.write("sys/module/amdgpu/parameters/noretry", "-1\n");
        machine.write("sys/module/amdgpu/parameters/cwsr_enable", "1\n");
        machine.compute_driver();
        for card in cards {
            machine.card(card);
            if card.driver == Some("amdgpu") {
                machine.node(card, 3, 1);
                machine.device(&format!("dev/dri/renderD{}", 127 + machine.gpus), 0o660);
            }
        }
        machine.device("dev/kfd", 0o660);
        machine
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let place = self.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, content).unwrap();
        place
    }

    pub fn link(&self, path: &str, target: &str) {
        let place = self.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(target, place).unwrap();
    }

    pub fn remove(&self, path: &str) {
        let place = self.path().join(path);
        let removed = if place.is_dir() { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
        removed.unwrap();
    }

    /// Says who asks, and whether the group of devices is one of his.
    pub fn user(&self, may_use_devices: bool) {
        let gid = self.device_gid();
        let groups = if may_use_devices { format!("27 {gid}") } else { "27".to_owned() };
        self.write(
            "proc/self/status",
            format!("Name:\tx\nUid:\t{SOMEBODY}\t{SOMEBODY}\t0\t0\nGid:\t{SOMEBODY}\t{SOMEBODY}\t0\t0\nGroups:\t{groups} \n"),
        );
        self.write("proc/self/uid_map", "         0          0 4294967295\n");
        self.write("etc/group", format!("sudo:x:27:me\nrender:x:{gid}:\nvideo:x:4444:\n"));
    }

    /// The group that devices have: the one they should have, where the test may give files away.
    fn device_gid(&self) -> u32 {
        let place = self.write("tmp/owner", "");
        match chown(&place, None, Some(RENDER)) {
            Ok(()) => RENDER,
            Err(_) => fs::metadata(place).unwrap().gid(),
        }
    }

    pub fn device(&self, path: &str, mode: u32) {
        let place = self.write(path, "");
        chown(&place, None, Some(self.device_gid())).unwrap();
        fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn compute_driver(&self) {
        self.link("sys/class/kfd/kfd", "../../devices/virtual/kfd/kfd");
        self.write("sys/devices/virtual/kfd/kfd/topology/generation_id", "2\n");
        self.write("sys/devices/virtual/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
        self.write("sys/devices/virtual/kfd/kfd/topology/nodes/0/name", "\n");
        self.write(
            "sys/devices/virtual/kfd/kfd/topology/nodes/0/properties",
            "cpu_cores_count 12\nsimd_count 0\nmem_banks_count 1\nio_links_count 1\nwave_front_size 0\n\
             gfx_target_version 0\nvendor_id 0\ndevice_id 0\nlocation_id 0\ndomain 0\ndrm_render_minor 0\n",
        );
    }

    /// A card as PCI shows it.
    pub fn card(&self, card: &Card) {
        let bus = card.address.split(':').nth(1).unwrap();
        let real = format!("sys/devices/pci0000:00/0000:00:{bus}.1/{}", card.address);
        let file = |name: &str, text: String| self.write(&format!("{real}/{name}"), text);
        file("class", "0x030000\n".to_owned());
        file("vendor", format!("{:#06x}\n", card.vendor));
        file("device", format!("{:#06x}\n", card.device));
        file("revision", format!("{:#04x}\n", card.revision));
        if let Some(driver) = card.driver {
            self.link(&format!("{real}/driver"), &format!("../../../../bus/pci/drivers/{driver}"));
        }
        if card.driver == Some("amdgpu") {
            file(&format!("drm/renderD{}/dev", 128 + self.gpus), "226:128\n".to_owned());
            file("fw_version/mec_fw_version", format!("0x{:08x}\n", card.firmware));
        }
        let link = format!("sys/bus/pci/devices/{}", card.address);
        self.link(&link, &format!("../../../devices/pci0000:00/0000:00:{bus}.1/{}", card.address));
    }

    /// A card's node of the compute driver, with the flags of the links towards and from it.
    pub fn node(&mut self, card: &Card, towards: u32, from: u32) {
        self.gpus += 1;
        let number = self.gpus;
        let bus = u32::from_str_radix(card.address.split(':').nth(1).unwrap(), 16).unwrap();
        let node = format!("sys/devices/virtual/kfd/kfd/topology/nodes/{number}");
        self.write(&format!("{node}/gpu_id"), format!("{}\n", 50_000 + number));
        self.write(&format!("{node}/name"), format!("{}\n", card.name));
        self.write(
            &format!("{node}/properties"),
            format!(
                "cpu_cores_count 0\nsimd_count {}\nmem_banks_count 1\ncaches_count 76\nio_links_count 1\n\
                 max_waves_per_simd 20\nlds_size_in_kb 64\nwave_front_size 32\narray_count 4\nsimd_per_cu 2\n\
                 gfx_target_version {}\nvendor_id 4098\ndevice_id {}\nlocation_id {}\ndomain 0\n\
                 drm_render_minor {}\nlocal_mem_size 0\nfw_version {}\ncapability 2147492480\n\
                 sdma_fw_version 35\nunique_id 0\nnum_xcc 1\n",
                card.simds,
                card.target,
                card.device,
                bus << 8,
                127 + number,
                card.firmware
            ),
        );
        self.write(
            &format!("{node}/mem_banks/0/properties"),
            format!("heap_type 1\nsize_in_bytes {}\nflags 0\nwidth 192\n", card.gibibytes << 30),
        );
        let link = |from: u32, to: u32, flags: u32| {
            format!("type 2\nversion_major 0\nnode_from {from}\nnode_to {to}\nweight 20\nflags {flags}\n")
        };
        self.write(&format!("{node}/io_links/0/properties"), link(number, 0, from));
        let processor = "sys/devices/virtual/kfd/kfd/topology/nodes/0/io_links";
        self.write(&format!("{processor}/{}/properties", number - 1), link(0, number, towards));
    }

    /// What `rdna-build doctor --root` says of it, its folder and the number of its group written as words.
    pub fn doctor(&self, arguments: &str) -> Ran {
        let home = Home::new();
        let mut ran = home.run(&format!("doctor --root {} {arguments}", self.path().display()));
        let gid = self.device_gid();
        let folder = self.path().display().to_string();
        for text in [&mut ran.stdout, &mut ran.stderr] {
            *text = text.replace(&folder, "[ROOT]").replace(&format!("group {gid} "), "group [GID] ");
            *text = text
                .replace(&format!("--group-add {gid}"), "--group-add [GID]")
                .replace(&format!(" 27 {gid}"), " 27 [GID]");
        }
        assert_eq!(home.files(), [""; 0], "it leaves nothing behind");
        ran
    }

    /// The ids of what was found, with their severity.
    pub fn findings(&self) -> Vec<String> {
        let document = self.doctor("--json").json().remove(0);
        let findings = document["findings"].as_array().unwrap().iter();
        findings
            .map(|found| {
                format!("{} {}", found["severity"].as_str().unwrap(), found["finding"].as_str().unwrap())
            })
            .collect()
    }
}
