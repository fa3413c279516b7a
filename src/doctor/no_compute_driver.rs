//! A card is there, the compute driver is not.

use super::{Evidence, Finding, Found, Patient, Severity};
use crate::facts::driver::Obstacle;

pub(super) static FINDING: Finding = Finding {
    id: "no-compute-driver",
    title: "the card is there, and the compute driver (KFD) is not",
    why: "\
KFD is a part of the amdgpu module. It is missing when amdgpu is not loaded (blacklisted, nomodeset on the kernel's command line, a
kernel without it), when another driver holds the card (vfio-pci hands it to a virtual machine), or when the kernel was built
without CONFIG_HSA_AMD.

In a container /sys is that of the host: there, too, it is the host that lacks the driver.",
    remedies: &["`sudo modprobe amdgpu`, then look at `sudo dmesg | grep -i -e amdgpu -e kfd`"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let cards = patient.rdna1_cards();
    if patient.host.kfd.is_some() || cards.is_empty() || patient.host.wsl.is_some() {
        return vec![];
    }
    let mut evidence = vec![Evidence::new("/sys/class/kfd", "not there")];
    evidence.extend(cards.iter().map(|card| patient.card_evidence(card)));
    let driver = &patient.host.driver;
    evidence.extend(
        driver.obstacles.iter().map(|obstacle| Evidence::new(&obstacle.place, obstacle.text.clone())),
    );
    let other = cards.iter().filter_map(|card| card.driver.as_deref()).find(|driver| *driver != "amdgpu");
    let remedies = match other {
        _ if !driver.obstacles.is_empty() => {
            let remove = |obstacle: &Obstacle| {
                format!("remove `{}` from {}, then start anew", obstacle.text, source(&obstacle.place))
            };
            driver.obstacles.iter().map(remove).collect()
        }
        Some(other) => vec![format!("take the card from the driver {other} and give it to amdgpu")],
        None if driver.loaded => vec![
            "take a kernel that was built with CONFIG_HSA_AMD, as those of Debian, Ubuntu and Fedora are"
                .to_owned(),
        ],
        None => vec![FINDING.remedies[0].to_owned()],
    };
    let what = "the card has no compute driver (KFD)";
    vec![
        FINDING
            .found(
                Severity::Error,
                what,
                evidence,
                "ROCm sees no GPU: \"no ROCm-capable device is detected\"",
            )
            .with_remedies(remedies),
    ]
}

/// Where a line can be changed.
pub(super) fn source(place: &str) -> &str {
    match place {
        "/proc/cmdline" => "the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub)",
        file => file,
    }
}
