//! The driver knows the GPU, and a device node is missing.

use super::{Evidence, Finding, Found, Patient};

pub(super) static FINDING: Finding = Finding {
    id: "device-missing",
    title: "the driver knows the GPU, and a device node of it is missing",
    why: "\
A program computes through /dev/kfd and the GPU's render node, both together. A container shares the host's /sys, so the GPU seems
to be there, but has only the devices that were handed to it.

`docker run -v /dev/kfd:/dev/kfd` makes an empty folder where the device is missing; devices are handed over with --device.",
    remedies: &[
        "in a container: --device /dev/kfd --device /dev/dri/renderD128",
        "on a machine: `sudo udevadm trigger --subsystem-match=drm --subsystem-match=kfd`",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let gpus = patient.rdna1();
    if gpus.is_empty() {
        return vec![];
    }
    let render =
        gpus.iter().filter_map(|node| node.render_minor).map(|minor| format!("/dev/dri/renderD{minor}"));
    let wanted: Vec<String> = std::iter::once("/dev/kfd".to_owned()).chain(render).collect();
    let mut evidence = Vec::new();
    for path in &wanted {
        match patient.host.device(path) {
            None => evidence.push(Evidence::new(path, "not there")),
            Some(node) => {
                evidence.extend(node.instead.map(|kind| Evidence::new(path, format!("a {kind}, no device"))));
            }
        }
    }
    if evidence.is_empty() {
        return vec![];
    }
    // With several cards, one whose render node is there can compute.
    let is_device = |path: &String| patient.host.device(path).is_some_and(|node| node.instead.is_none());
    let severity = patient.severity_beside(is_device(&wanted[0]) && wanted[1..].iter().any(is_device));
    let paths: Vec<&str> = evidence.iter().map(|evidence| evidence.place.as_str()).collect();
    let what = format!(
        "{} missing",
        match paths.as_slice() {
            [one] => format!("{one} is"),
            all => format!("{} are", all.join(" and ")),
        }
    );
    let remedy = match &patient.host.container {
        Some(_) => format!("start the container with {}", patient.device_options()),
        None => FINDING.remedies[1].to_owned(),
    };
    let consequence = "no program can open the GPU: \"Unable to open /dev/kfd\", or no device at all";
    vec![FINDING.found(severity, what, evidence, consequence).with_remedies([remedy])]
}
