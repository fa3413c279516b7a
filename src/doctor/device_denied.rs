//! This user may not open a device of the GPU.

use super::{Evidence, Finding, Found, Patient};
use crate::facts::devices::{Access, DeviceNode};

pub(super) static FINDING: Finding = Finding {
    id: "device-denied",
    title: "this user may not open a device of the GPU",
    why: "\
/dev/kfd and the render nodes belong to a group, render on most systems and video on older ones, and only its members may open
them. In a container the group is a number: what it is called inside does not matter, and it may have no name there.

Told from owner, group and mode; no device was opened. A limit of the control group shows only when one is.",
    remedies: &[
        "`sudo usermod -aG render $USER`, then log in again",
        "in a container: --group-add with the number of the device's group",
    ],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let host = patient.host;
    let render = patient.rdna1().into_iter().filter_map(|node| node.render_minor);
    let paths: Vec<String> = std::iter::once("/dev/kfd".to_owned())
        .chain(render.map(|minor| format!("/dev/dri/renderD{minor}")))
        .collect();
    let denied: Vec<&DeviceNode> = paths
        .iter()
        .filter_map(|path| host.device(path))
        .filter(|node| node.access == Access::Denied && node.instead.is_none())
        .collect();
    if denied.is_empty() || patient.rdna1().is_empty() {
        return vec![];
    }
    let evidence = denied.iter().map(|node| {
        let group = node.group.as_deref().unwrap_or("no name here");
        Evidence::new(&node.path, format!("group {} ({group}), mode {:o}", node.gid, node.mode))
    });
    let mut evidence: Vec<Evidence> = evidence.collect();
    if let Some(user) = &host.user {
        let gids: Vec<String> = user.gids.iter().map(u32::to_string).collect();
        let name = user.name.as_deref().unwrap_or("without a name");
        let says = format!("user {} ({name}), groups {}", user.uid, gids.join(" "));
        evidence.push(Evidence::new("/proc/self/status", says));
    }
    let mut remedies: Vec<String> = denied.iter().map(|node| remedy(patient, node)).collect();
    remedies.dedup();
    // With several cards, one that may be opened can compute.
    let is_open = |path: &String| host.device(path).is_some_and(|node| node.access == Access::Allowed);
    let severity = patient.severity_beside(is_open(&paths[0]) && paths[1..].iter().any(is_open));
    let denied: Vec<&str> = denied.iter().map(|node| node.path.as_str()).collect();
    let what = format!("this user may not open {}", denied.join(" and "));
    let consequence = "ROCm says \"Permission denied\", or that there is no device";
    vec![FINDING.found(severity, what, evidence, consequence).with_remedies(remedies)]
}

fn remedy(patient: &Patient<'_>, node: &DeviceNode) -> String {
    let host = patient.host;
    let group_may = node.mode & 0o060 == 0o060;
    if host.container.is_some() {
        // Outside of this container's user namespace the group has a number of its own.
        return match host.user.as_ref().is_some_and(|user| user.in_namespace) {
            true => {
                "start the container with --group-add keep-groups (rootless Podman), as a member of the group"
                    .to_owned()
            }
            false => format!("start the container with --group-add {}", node.gid),
        };
    }
    let Some(group) = node.group.as_deref().filter(|_| group_may && node.gid != 0) else {
        return format!(
            "give {} to a group of people: a udev rule with GROUP=\"render\", MODE=\"0660\"",
            node.path
        );
    };
    let user = host.user.as_ref().and_then(|user| user.name.as_deref());
    let members = host.groups.iter().find(|known| known.gid == node.gid).map(|group| &group.members);
    let is_member =
        user.is_some_and(|user| members.is_some_and(|members| members.iter().any(|name| name == user)));
    match is_member {
        true => format!("log in again: /etc/group has {} in {group} already", user.unwrap_or("you")),
        false => format!("`sudo usermod -aG {group} {}`, then log in again", user.unwrap_or("$USER")),
    }
}
