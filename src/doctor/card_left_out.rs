//! The compute driver is there, and did not take the card.

use super::no_pcie_atomics::ENOUGH_FIRMWARE;
use super::{Evidence, Finding, Found, Patient};

pub(super) static FINDING: Finding = Finding {
    id: "card-left-out",
    title: "the compute driver is there and did not take the card",
    why: "\
On Navi 10, 12 and 14 the driver wants PCIe atomics, unless the firmware of the compute engine (MEC) is 145 or newer
(no_atomic_fw_version in the kernel's kfd_device.c). Where neither holds, the kernel says \"skipped device 1002:731f, PCI rejects
atomics\" and the card is missing from /sys/class/kfd. Slots behind a chipset, risers and old processors are where atomics are missing.

It also happens when another driver holds the card. Which of them it is, the kernel's log says; files alone do not.",
    remedies: &[
        "see `sudo dmesg | grep -i kfd`: with \"PCI rejects atomics\", move the card to a slot of the processor",
        "install a newer linux-firmware: with MEC firmware 145 the driver does without atomics",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let Some(kfd) = &patient.host.kfd else { return vec![] };
    // A node that does not show itself may be this card.
    if kfd.gpus().any(|node| node.is_hidden()) {
        return vec![];
    }
    let is_known = |address| kfd.gpus().any(|node| node.pci == Some(address));
    let left_out = patient.rdna1_cards().into_iter().filter(|card| !is_known(card.address));
    let severity = patient.severity_beside(!patient.rdna1().is_empty());
    let found = left_out.map(|card| {
        let mut evidence = vec![
            patient.card_evidence(card),
            Evidence::new("/sys/class/kfd/kfd/topology/nodes", format!("none is at {}", card.address)),
        ];
        evidence.extend(card.mec_firmware.map(|firmware| {
            let place = format!("{}/fw_version/mec_fw_version", card.place);
            Evidence::new(
                place,
                format!(
                    "{firmware:#x}, that is {firmware}; without PCIe atomics {ENOUGH_FIRMWARE} is needed"
                ),
            )
        }));
        let what = format!("the compute driver did not take the {}", card.name());
        let found = FINDING.found(severity, what, evidence, "ROCm does not see this card");
        match card.driver.as_deref() {
            Some("amdgpu") => found,
            Some(other) => {
                found.with_remedies([format!("take the card from the driver {other} and give it to amdgpu")])
            }
            None => found
                .with_remedies(["see why amdgpu did not take it: `sudo dmesg | grep -i amdgpu`".to_owned()]),
        }
    });
    found.collect()
}
