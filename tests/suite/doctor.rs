//! `rdna-build doctor` on made-up machines. Nothing here was seen on a real card.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use snapbox::data::Inline;
use snapbox::{assert_data_eq, str};

use crate::home::Home;
use crate::machines::{APU, Card, Machine, NVIDIA, RX_5500_XT, RX_5600_XT, RX_5700_XT};

#[track_caller]
fn says(machine: &Machine, code: i32, page: Inline) {
    let ran = machine.doctor("");
    assert_data_eq!(&ran.stdout, page);
    assert_eq!((ran.code, ran.stderr.as_str()), (code, ""));
}

#[test]
fn a_healthy_rx_5600_xt_can_compute() {
    says(
        &Machine::with(&[RX_5600_XT]),
        0,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD128, MEC firmware 156, PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

nothing found: nothing is known that keeps this machine from computing on its RDNA1 GPU; whether it can build is not known

"#]],
    );
}

#[test]
fn an_override_on_an_rx_5700_xt_is_the_error_it_is() {
    let machine = Machine::with(&[RX_5700_XT]);
    machine.write("etc/environment", "PATH=/usr/bin\nHSA_OVERRIDE_GFX_VERSION=10.3.0\n");
    machine.write("etc/profile.d/rocm.sh", "export MIOPEN_FIND_ENFORCE=3\nexport SECRET=x\n");
    machine.write("etc/modprobe.d/amdgpu.conf", "options amdgpu mtype_local=1 noretry=0\n");
    says(
        &machine,
        4,
        str![[r#"
GPU        Radeon RX 5700 XT (gfx1010), 8.0 GiB, 40 compute units, renderD128, MEC firmware 156, PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
variable   HSA_OVERRIDE_GFX_VERSION=10.3.0 (/etc/environment:2)
variable   MIOPEN_FIND_ENFORCE=3 (/etc/profile.d/rocm.sh:1)
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

error: HSA_OVERRIDE_GFX_VERSION makes Radeon RX 5700 XT (gfx1010) run code for gfx1030 [override-set]
    /etc/environment:2: HSA_OVERRIDE_GFX_VERSION=10.3.0
    /sys/class/kfd/kfd/topology/nodes/1/properties: gfx_target_version 100100
  = the likeliest cause of memory aperture violations and hangs on these cards
  - remove HSA_OVERRIDE_GFX_VERSION from /etc/environment:2, then log in again

warning: amdgpu's parameter noretry will not be the default after the next start [harmful-parameter]
    /etc/modprobe.d/amdgpu.conf:1: noretry=0
  = page faults are handled otherwise than what is tested on this chip
  - remove noretry from /etc/modprobe.d/amdgpu.conf:1, then start anew

warning: MIOPEN_FIND_ENFORCE makes MIOpen tune every convolution [exhaustive-search]
    /etc/profile.d/rocm.sh:1: MIOPEN_FIND_ENFORCE=3
  = the first run of a model takes very long without output, which looks like a hang
  - remove MIOPEN_FIND_ENFORCE from /etc/profile.d/rocm.sh:1, then log in again

note: amdgpu's parameter mtype_local is set [parameter-without-effect]
    /etc/modprobe.d/amdgpu.conf:1: mtype_local=1
  = it has no effect on RDNA1: it is for gfx94x
  - remove mtype_local from /etc/modprobe.d; look for the cause elsewhere, first at HSA_OVERRIDE_GFX_VERSION

1 error, 2 warnings, 1 note: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
}

#[test]
fn an_rx_5500_xt_with_a_new_kernel_and_a_new_rocm_is_warned_of_refused_queues() {
    let machine = Machine::with(&[RX_5500_XT]);
    machine.write("proc/sys/kernel/osrelease", "6.12.48+deb13-amd64\n");
    machine.write("opt/rocm-10.0.0/.info/version", "10.0.0-21\n");
    let own = fs::read(std::env::current_exe().unwrap()).unwrap();
    machine.write("opt/rocm-10.0.0/lib/libhsa-runtime64.so.1.18.0", &own);
    machine.write("opt/rocm-10.0.0/lib/rocblas/library/TensileLibrary_lazy_gfx1030.dat", "");
    says(
        &machine,
        0,
        str![[r#"
GPU        Radeon RX 5500 XT (gfx1012), 4.0 GiB, 22 compute units, renderD128, MEC firmware 156, PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.12.48+deb13-amd64, amdgpu loaded, compute driver there
ROCm       /opt/rocm-10.0.0 (10.0.0)
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

warning: this kernel checks the size of queues, and this ROCr may compute it otherwise [queue-size]
    /proc/sys/kernel/osrelease: 6.12.48+deb13-amd64: checks sizes
    /sys/class/kfd/kfd/topology/nodes/1/properties: simd_per_cu 2 × max_waves_per_simd 20 = 40 waves, the kernel counts 32
    /opt/rocm-10.0.0/lib/libhsa-runtime64.so.1.18.0: of ROCm 10.0.0
  = where it has the change of May 2026, the first kernel launch fails with HSA_STATUS_ERROR_OUT_OF_RESOURCES; reported for gfx1012 only
  - take ROCm 7.2 or older, or a ROCr with rocm-systems pull request 11299
  - or start a kernel before 6.12

warning: rocBLAS has no kernels for gfx1012 [rocm-conflict]
    /opt/rocm-10.0.0/lib/rocblas/library: has kernels for gfx1030
  = what is compiled or loaded on this machine may fail; builds of rdna-build run in containers and do not see it
  - use a rocBLAS that has them: Debian's, or one that was built for your target
  - `rdna-build explain rocblas-lacks-target`

2 warnings: nothing is known that keeps this machine from computing on its RDNA1 GPU; whether it can build is not known

"#]],
    );

    machine.write("opt/rocm-10.0.0/.info/version", "7.2.1-81\n");
    assert_eq!(machine.findings(), ["warning rocm-conflict"], "7.2 came before the change");
    machine.remove("opt");
    assert_eq!(machine.findings(), ["note queue-size"], "a wheel may bring a ROCr");
    machine.write("proc/sys/kernel/osrelease", "6.11.0-26-generic\n");
    assert_eq!(machine.findings(), [""; 0], "older kernels do not look");
}

#[test]
fn beside_graphics_of_the_processor_and_an_nvidia_card_it_is_said_which_to_take() {
    says(
        &Machine::with(&[APU, NVIDIA, RX_5600_XT]),
        0,
        str![[r#"
GPU        AMD renoir (gfx90c), 1.0 GiB, 14 compute units, renderD128, MEC firmware 471, PCIe atomics
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD129, MEC firmware 156, PCIe atomics
other GPU  NVIDIA 10de:2484, which ROCm does not use
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD129: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

warning: there are 2 AMD GPUs, and programs take the first [several-gpus]
    /sys/class/kfd/kfd/topology/nodes/1/properties: GPU 0: AMD renoir (gfx90c), /dev/dri/renderD128
    /sys/class/kfd/kfd/topology/nodes/2/properties: GPU 1: Radeon RX 5600 XT (gfx1010), /dev/dri/renderD129
  = the first is not the RDNA1 card: libraries for it have no code for the first
  - for the Radeon RX 5600 XT (gfx1010): ROCR_VISIBLE_DEVICES=1

1 warning: nothing is known that keeps this machine from computing on its RDNA1 GPU; whether it can build is not known

"#]],
    );
}

#[test]
fn two_cards_are_told_apart() {
    let second = Card { address: "0000:08:00.0", ..RX_5500_XT };
    says(
        &Machine::with(&[RX_5600_XT, second]),
        0,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD128, MEC firmware 156, PCIe atomics
GPU        Radeon RX 5500 XT (gfx1012), 4.0 GiB, 22 compute units, renderD129, MEC firmware 156, PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD129: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

note: there are 2 AMD GPUs, and programs take the first [several-gpus]
    /sys/class/kfd/kfd/topology/nodes/1/properties: GPU 0: Radeon RX 5600 XT (gfx1010), /dev/dri/renderD128
    /sys/class/kfd/kfd/topology/nodes/2/properties: GPU 1: Radeon RX 5500 XT (gfx1012), /dev/dri/renderD129
  = say which one is meant
  - for the Radeon RX 5600 XT (gfx1010): ROCR_VISIBLE_DEVICES=0
  - for the Radeon RX 5500 XT (gfx1012): ROCR_VISIBLE_DEVICES=1

1 note: nothing is known that keeps this machine from computing on its RDNA1 GPU; whether it can build is not known

"#]],
    );
}

#[test]
fn without_pcie_atomics_the_firmware_decides() {
    let machine = |firmware| {
        let card = Card { firmware, ..RX_5600_XT };
        let mut machine = Machine::with(&[]);
        machine.card(&card);
        machine.node(&card, 15, 13);
        machine.device("dev/dri/renderD128", 0o660);
        machine
    };
    says(
        &machine(140),
        4,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD128, MEC firmware 140, no PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

error: no PCIe atomics between processor and Radeon RX 5600 XT (gfx1010) [no-pcie-atomics]
    /sys/class/kfd/kfd/topology/nodes/0/io_links/0/properties: from node 0 to 1: flags 15 lack atomics
    /sys/class/kfd/kfd/topology/nodes/1/io_links/0/properties: from node 1 to 0: flags 13 lack atomics
    /sys/class/kfd/kfd/topology/nodes/1/properties: MEC firmware 140
  = queues of this GPU do not work with this firmware
  - move the card to a slot that is connected to the processor itself
  - install a newer linux-firmware: with MEC firmware 145 queues work without atomics

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
    assert_eq!(machine(145).findings(), ["warning no-pcie-atomics"]);
    let mut beside_another = Machine::with(&[RX_5500_XT]);
    beside_another.node(&Card { firmware: 140, ..RX_5600_XT }, 15, 13);
    beside_another.device("dev/dri/renderD129", 0o600);
    assert_eq!(
        beside_another.findings(),
        ["warning device-denied", "warning no-pcie-atomics", "note several-gpus"],
        "the other card can compute"
    );
}

#[test]
fn a_card_that_the_compute_driver_did_not_take_is_told_with_its_firmware() {
    let machine = Machine::with(&[]);
    machine.card(&Card { firmware: 140, ..RX_5700_XT });
    says(
        &machine,
        4,
        str![[r#"
GPU        Radeon RX 5700 XT (gfx1010) at 0000:03:00.0, unknown to the compute driver
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; what wheels of PyTorch bring along and load

error: the compute driver did not take the Radeon RX 5700 XT [card-left-out]
    /sys/bus/pci/devices/0000:03:00.0: Radeon RX 5700 XT, driver amdgpu
    /sys/class/kfd/kfd/topology/nodes: none is at 0000:03:00.0
    /sys/bus/pci/devices/0000:03:00.0/fw_version/mec_fw_version: 0x8c, that is 140; without PCIe atomics 145 is needed
  = ROCm does not see this card
  - see `sudo dmesg | grep -i kfd`: with "PCI rejects atomics", move the card to a slot of the processor
  - install a newer linux-firmware: with MEC firmware 145 the driver does without atomics

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
}

#[test]
fn a_gpu_that_is_hidden_in_a_container_needs_its_device() {
    let machine = Machine::with(&[RX_5600_XT]);
    machine.write("sys/devices/virtual/kfd/kfd/topology/nodes/1/gpu_id", "0\n");
    machine.write(".dockerenv", "");
    says(
        &machine,
        4,
        str![[r#"
GPU        node 1: hidden from this process
device     /dev/kfd: group [GID] (render), mode 660, this user may open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there, in a container of Docker
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

error: a GPU is hidden from this process [gpu-hidden]
    /sys/class/kfd/kfd/topology/nodes/1/gpu_id: 0, though it has 72 SIMDs
  = ROCm passes over it as if it were not there
  - start the container with --device /dev/kfd --device /dev/dri/renderD128 --group-add [GID]

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );

    // As the kernel does it: nothing of the node can be read.
    for name in ["gpu_id", "properties"] {
        let path = format!("sys/devices/virtual/kfd/kfd/topology/nodes/1/{name}");
        machine.remove(&path);
        fs::create_dir(machine.path().join(path)).unwrap();
    }
    assert_eq!(machine.findings(), ["error gpu-hidden"]);
}

#[test]
fn a_container_without_devices_is_told_which_options_it_lacks() {
    let machine = Machine::with(&[RX_5600_XT]);
    machine.write("run/.containerenv", "");
    machine.remove("dev");
    fs::create_dir_all(machine.path().join("dev/kfd")).unwrap();
    says(
        &machine,
        4,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD128, MEC firmware 156, PCIe atomics
device     /dev/kfd: a folder, no device
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there, in a container of Podman
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

error: /dev/kfd and /dev/dri/renderD128 are missing [device-missing]
    /dev/kfd: a folder, no device
    /dev/dri/renderD128: not there
  = no program can open the GPU: "Unable to open /dev/kfd", or no device at all
  - start the container with --device /dev/kfd --device /dev/dri/renderD128

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
}

#[test]
fn a_user_outside_of_the_group_is_told_the_command() {
    let machine = Machine::with(&[RX_5600_XT]);
    machine.user(false);
    says(
        &machine,
        4,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010), 6.0 GiB, 36 compute units, renderD128, MEC firmware 156, PCIe atomics
device     /dev/kfd: group [GID] (render), mode 660, this user may not open it
device     /dev/dri/renderD128: group [GID] (render), mode 660, this user may not open it
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu loaded, compute driver there
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; whether the card computes rightly, as nothing was run on it; what wheels of PyTorch bring along and load

error: this user may not open /dev/kfd and /dev/dri/renderD128 [device-denied]
    /dev/kfd: group [GID] (render), mode 660
    /dev/dri/renderD128: group [GID] (render), mode 660
    /proc/self/status: user 4242 (me), groups 4242 27
  = ROCm says "Permission denied", or that there is no device
  - `sudo usermod -aG render me`, then log in again

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );

    let group = fs::read_to_string(machine.path().join("etc/group")).unwrap();
    machine.write("etc/group", group.replace(":\nvideo", ":you,me\nvideo"));
    let ran = machine.doctor("");
    assert!(ran.stdout.contains("- log in again: /etc/group has me in render already"), "{}", ran.stdout);
    machine.write("proc/self/uid_map", "0 1000 1\n1 100000 65536\n");
    machine.write("run/.containerenv", "");
    let ran = machine.doctor("");
    assert!(ran.stdout.contains("--group-add keep-groups"), "{}", ran.stdout);
}

#[test]
fn without_the_compute_driver_what_keeps_it_away_is_named() {
    let machine = Machine::new();
    machine.card(&Card { driver: None, ..RX_5600_XT });
    machine.write("proc/cmdline", "root=/dev/sda1 nomodeset\n");
    machine.write("etc/modprobe.d/no-gpu.conf", "blacklist amdgpu\n");
    says(
        &machine,
        4,
        str![[r#"
GPU        Radeon RX 5600 XT (gfx1010) at 0000:03:00.0, unknown to the compute driver
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu not loaded, no compute driver (KFD)
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; what wheels of PyTorch bring along and load

error: the card has no compute driver (KFD) [no-compute-driver]
    /sys/class/kfd: not there
    /sys/bus/pci/devices/0000:03:00.0: Radeon RX 5600 XT, no driver
    /etc/modprobe.d/no-gpu.conf:1: blacklist amdgpu
    /proc/cmdline: nomodeset
  = ROCm sees no GPU: "no ROCm-capable device is detected"
  - remove `blacklist amdgpu` from /etc/modprobe.d/no-gpu.conf:1, then start anew
  - remove `nomodeset` from the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub), then start anew

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );

    let machine = Machine::new();
    machine.card(&Card { driver: Some("vfio-pci"), ..RX_5600_XT });
    let ran = machine.doctor("");
    assert!(ran.stdout.contains("take the card from the driver vfio-pci"), "{}", ran.stdout);
}

#[test]
fn a_machine_without_a_gpu_is_told_so_plainly() {
    says(
        &Machine::new(),
        4,
        str![[r#"
GPU        none: there is no AMD GPU in this machine
system     Debian GNU/Linux 12 (bookworm), Linux 6.1.0-37-amd64, amdgpu not loaded, no compute driver (KFD)
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; what wheels of PyTorch bring along and load

error: there is no AMD GPU in this machine [no-gpu]
    /sys/bus/pci/devices: lists no graphics card
  = nothing can compute with ROCm here; building needs no GPU
  - build here, and install the package on the machine with the card

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
}

#[test]
fn a_gpu_of_another_family_is_not_ours() {
    let machine = Machine::with(&[APU]);
    machine.write("etc/environment", "HSA_OVERRIDE_GFX_VERSION=9.0.0\nHSA_OVERRIDE_GFX_VERSION_7=9.0.0\n");
    assert_eq!(
        machine.findings(),
        ["error unsupported-gpu", "warning override-mismatch", "warning override-mismatch"]
    );
}

#[test]
fn linux_inside_windows_cannot_compute() {
    let machine = Machine::new();
    machine.write("proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n");
    machine.write("dev/dxg", "");
    says(
        &machine,
        4,
        str![[r#"
GPU        none that ROCm could use: Windows has it
system     Debian GNU/Linux 12 (bookworm), Linux 5.15.167.4-microsoft-standard-WSL2, amdgpu not loaded, no compute driver (KFD), inside Windows (WSL)
ROCm       none where it usually lies
resources  23.4 GiB of 31.2 GiB memory free
engine     not asked: these are the files of another system
not told   the other system's disks, environment and engine; what wheels of PyTorch bring along and load

error: this Linux runs inside Windows (WSL) [wsl]
    /dev/dxg: Windows gives its GPU as /dev/dxg
  = no program here can compute on an RDNA1 GPU; building needs none
  - start a Linux of its own on this machine to compute; build here all the same

1 error: this machine cannot compute on an RDNA1 GPU as it is; whether it can build is not known

"#]],
    );
}

#[test]
fn variables_that_leave_no_card_or_cannot_be_read_are_errors() {
    let findings = |text: &str| {
        let machine = Machine::with(&[APU, RX_5600_XT]);
        machine.write("etc/environment", text);
        machine.findings()
    };
    assert_eq!(findings("ROCR_VISIBLE_DEVICES=1\n"), [""; 0]);
    assert_eq!(findings("ROCR_VISIBLE_DEVICES=0\n"), ["error gpu-not-visible"]);
    assert_eq!(findings("ROCR_VISIBLE_DEVICES=-1,1\n"), ["error gpu-not-visible"]);
    assert_eq!(findings("ROCR_VISIBLE_DEVICES=GPU-123\n"), [""; 0], "not judged");
    assert_eq!(findings("ROCR_VISIBLE_DEVICES=1\nHIP_VISIBLE_DEVICES=1\n"), ["error gpu-not-visible"]);
    assert_eq!(
        findings("HSA_OVERRIDE_GFX_VERSION=gfx1030\n"),
        ["error override-mismatch", "warning several-gpus"]
    );
    assert_eq!(
        findings("HSA_OVERRIDE_GFX_VERSION_2=10.1.0\nMIOPEN_DEBUG_CONV_GEMM=0\nHSA_ENABLE_SDMA=0\n"),
        ["warning several-gpus", "note override-set", "note slowing-variable", "note slowing-variable"]
    );
}

#[test]
fn several_rocms_and_harmful_parameters_are_warned_of() {
    let machine = Machine::with(&[RX_5600_XT]);
    for version in ["6.4.3", "5.7.1"] {
        machine.write(&format!("opt/rocm-{version}/.info/version"), format!("{version}-48\n"));
        let header =
            "#define HIP_VERSION_MAJOR 6\n#define HIP_VERSION_MINOR 4\n#define HIP_VERSION_PATCH 1\n";
        machine.write(&format!("opt/rocm-{version}/include/hip/hip_version.h"), header);
    }
    machine.write("sys/module/amdgpu/parameters/cwsr_enable", "0\n");
    machine.write("proc/cmdline", "amdgpu.vm_fragment_size=9\n");
    assert_eq!(
        machine.findings(),
        ["warning harmful-parameter", "warning harmful-parameter", "warning rocm-conflict"]
    );
}

#[test]
fn a_program_gets_facts_findings_and_what_they_come_to() {
    let machine = Machine::with(&[RX_5600_XT]);
    let document = machine.doctor("--json").json().remove(0);
    assert_eq!((&document["can-compute"], &document["can-build"]), (&true.into(), &serde_json::Value::Null));
    let host = &document["facts"]["host"];
    assert_eq!(host["kfd"]["nodes"][1]["gfx"], "gfx1010");
    assert_eq!(host["kfd"]["nodes"][1]["mec-firmware"], 156);
    assert_eq!(host["devices"][1]["path"], "/dev/dri/renderD128");
    assert_eq!(host["devices"][1]["access"], "allowed");
    assert_eq!(host["cards"][0]["address"], "0000:03:00.0");
    assert_eq!(document["facts"]["engine"]["answer"], "not-asked");
    assert_eq!(document["facts"]["needs"]["recipe"], "miopen 3.3.0");
}

#[test]
fn a_hostile_tree_is_read_within_limits_and_leads_nowhere() {
    let machine = Machine::with(&[RX_5600_XT]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("stolen"), "HSA_OVERRIDE_GFX_VERSION=6.6.6\n").unwrap();
    machine.link("etc/environment", outside.path().join("stolen").to_str().unwrap());
    machine.link("etc/profile", &format!("../../../../../../..{}/stolen", outside.path().display()));
    machine.link("etc/profile.d/circle.sh", "circle.sh");
    let pipe = |path: &str| {
        let place = machine.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        mknodat(CWD, &place, FileType::Fifo, Mode::RWXU, 0).unwrap();
    };
    pipe("etc/modprobe.d/pipe.conf");
    pipe("sys/devices/virtual/kfd/kfd/topology/nodes/7/properties");
    pipe("dev/dri/renderD200");
    pipe("usr/bin/clang");
    let nodes = "sys/devices/virtual/kfd/kfd/topology/nodes";
    machine.write(&format!("{nodes}/2/gpu_id"), "99999999999999999999\n");
    machine.write(
        &format!("{nodes}/2/properties"),
        "simd_count 18446744073709551615\nsimd_per_cu 0\nmax_waves_per_simd 18446744073709551615\n\
         gfx_target_version -1\nlocation_id 99999999999\ndrm_render_minor -5\nx\n\0\n",
    );
    machine.write(
        &format!("{nodes}/2/mem_banks/0/properties"),
        "heap_type 1\nsize_in_bytes 18446744073709551615\n",
    );
    machine.write(
        &format!("{nodes}/2/mem_banks/1/properties"),
        "heap_type 1\nsize_in_bytes 18446744073709551615\n",
    );
    machine.write(&format!("{nodes}/x/properties"), "simd_count 1\n");
    machine.write(&format!("{nodes}/3/name"), "\u{1b}[31mred\u{7}\n");
    machine.write("sys/module/amdgpu/version", "\u{1b}]0;title\u{7}6\n");
    machine.write("sys/bus/pci/devices/nonsense/class", "0x030000\n");
    machine.write("sys/bus/pci/devices/0000:ff:1f.7/class", "0x03zz\n");
    machine.write("opt/rocm-6\u{1b}[2J/.info/version", "6.4.3\n");
    let huge = fs::File::create(machine.path().join("etc/modprobe.d/huge.conf")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let status = fs::File::create(machine.path().join("etc/group")).unwrap();
    status.set_len(1 << 40).unwrap();

    let ran = machine.doctor("");
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'), "{:?}", ran.stdout);
    assert!(!ran.stdout.contains("6.6.6"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Radeon RX 5600 XT (gfx1010)"), "{}", ran.stdout);
    assert_eq!(machine.findings(), ["warning gpu-hidden"]);
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake_of_usage() {
    let ran = Home::new().run("doctor --root nowhere");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("inspect::root"), "{}", ran.stderr);
}

#[test]
fn this_machine_is_looked_at_with_its_engine_and_only_the_variables_that_matter() {
    let home = Home::new().with("HSA_ENABLE_SDMA", 0).with("AWS_SECRET_ACCESS_KEY", "hush");
    let ran = home.run("doctor --json --engine unix:///nowhere/engine.sock");
    assert_eq!(ran.code, 4, "no engine answers: {}", ran.stderr);
    let document = ran.json().remove(0);
    assert_eq!(document["can-build"], false);
    let findings = document["findings"].as_array().unwrap();
    let engine = findings.iter().find(|found| found["finding"] == "engine-unreachable").unwrap();
    assert!(engine["evidence"][0]["says"].as_str().unwrap().contains("/nowhere/engine.sock"));
    let variables = &document["facts"]["host"]["variables"];
    let ours =
        variables.as_array().unwrap().iter().find(|variable| variable["name"] == "HSA_ENABLE_SDMA").unwrap();
    assert_eq!((&ours["value"], &ours["place"]), (&"0".into(), &"environment".into()));
    assert!(!ran.stdout.contains("hush") && !ran.stdout.contains("AWS"));
    assert!(document["facts"]["host"]["disks"][0]["free"].as_u64().unwrap() > 0);
    assert_eq!(home.files(), [""; 0]);
    assert_eq!(home.run("doctor --engine dokcer").code, 2);
}
