//! The way between processor and GPU has no PCIe atomics.

use super::{Evidence, Finding, Found, Patient, Severity};

/// From this MEC firmware on, Navi 1x works without atomics (no_atomic_fw_version in kfd_device.c).
pub(super) const ENOUGH_FIRMWARE: u64 = 145;

pub(super) static FINDING: Finding = Finding {
    id: "no-pcie-atomics",
    title: "there are no PCIe atomics between processor and GPU",
    why: "\
The flags of the links in KFD's topology say what a way can do: bit 2 is \"no 32-bit atomics\", bit 3 \"no 64-bit atomics\". A healthy
card has 3 towards it and 1 from it. Slots behind a chipset, risers and old processors lack them.

Navi 1x needs them for its queues before MEC firmware 145; from there on it computes without. Even then, atomic operations of a
kernel on memory of the host do nothing useful, and what a kernel prints or asserts comes through such operations.",
    remedies: &[
        "move the card to a slot that is connected to the processor itself",
        "install a newer linux-firmware: with MEC firmware 145 queues work without atomics",
        "for kernels that print: compile with -mprintf-kind=buffered",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let Some(kfd) = &patient.host.kfd else { return vec![] };
    let mut found = Vec::new();
    let lacks = |number| !kfd.links_without_atomics(number).is_empty();
    let severity = patient.severity_beside(patient.rdna1().iter().any(|node| !lacks(node.number)));
    for node in patient.rdna1() {
        let links = kfd.links_without_atomics(node.number);
        if links.is_empty() {
            continue;
        }
        let mut evidence: Vec<Evidence> = links
            .iter()
            .map(|link| {
                let says =
                    format!("from node {} to {}: flags {} lack atomics", link.from, link.to, link.flags);
                Evidence::new(&link.place, says)
            })
            .collect();
        let firmware = node.mec_firmware;
        let says = firmware.map_or_else(
            || "does not say the MEC firmware".to_owned(),
            |version| format!("MEC firmware {version}"),
        );
        evidence.push(Evidence::new(&node.place, says));
        let what = format!("no PCIe atomics between processor and {}", patient.name(node));
        found.push(match firmware.is_some_and(|firmware| firmware >= ENOUGH_FIRMWARE) {
            true => FINDING
                .found(
                    Severity::Warning,
                    what,
                    evidence,
                    "it computes all the same with this firmware; kernels that print, assert or use atomics on host memory do not work",
                )
                .with_remedies([FINDING.remedies[0], FINDING.remedies[2]].map(str::to_owned)),
            false => FINDING
                .found(severity, what, evidence, "queues of this GPU do not work with this firmware")
                .with_remedies([FINDING.remedies[0], FINDING.remedies[1]].map(str::to_owned)),
        });
    }
    found
}
