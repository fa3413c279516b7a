//! Specifications of the Container Device Interface on this machine: how an engine may be asked for a card by name.
//!
//! Only those in JSON are read. A specification can also bring mounts, variables and hooks, which run on the host; a device that
//! brings anything but device nodes is not taken for one that only gives a card.

use serde::Deserialize;

use super::Root;

/// Where engines look, in their order.
const FOLDERS: [&str; 2] = ["etc/cdi", "var/run/cdi"];
/// AMD's own class of devices.
const KIND: &str = "amd.com/gpu";

/// One device of a specification.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CdiDevice {
    /// e.g. `amd.com/gpu=0`.
    pub name: String,
    /// The folder of the specification, e.g. `/etc/cdi`.
    pub folder: String,
    /// The file.
    pub place: String,
    /// What it puts below `/dev`.
    pub nodes: Vec<String>,
    /// Whether it does something else besides, e.g. runs a hook.
    pub does_more: bool,
}

#[derive(Deserialize)]
struct Specification {
    kind: String,
    #[serde(default)]
    devices: Vec<Device>,
    #[serde(rename = "containerEdits", default)]
    edits: Edits,
}

#[derive(Deserialize)]
struct Device {
    name: String,
    #[serde(rename = "containerEdits", default)]
    edits: Edits,
}

#[derive(Default, Deserialize)]
struct Edits {
    #[serde(rename = "deviceNodes", default)]
    nodes: Vec<Node>,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Node {
    path: String,
}

impl CdiDevice {
    /// Whether it gives the compute driver's device, this render node, and at most the same card's other node.
    pub fn gives_only(&self, kfd: &str, render: &str) -> bool {
        let has = |path: &str| self.nodes.iter().any(|node| node == path);
        let fits = |node: &String| node == kfd || node == render || node.starts_with("/dev/dri/card");
        !self.does_more && has(kfd) && has(render) && self.nodes.iter().all(fits)
    }
}

/// The devices of AMD's that the specifications of a machine name.
pub(super) fn look(root: &Root) -> Vec<CdiDevice> {
    let mut devices = Vec::new();
    for folder in FOLDERS {
        for name in root.names(folder).into_iter().filter(|name| name.ends_with(".json")) {
            let place = format!("{folder}/{name}");
            if let Ok(text) = root.text(&place) {
                devices.extend(read(&text, &format!("/{folder}"), &format!("/{place}")));
            }
        }
    }
    devices
}

/// What cannot be read names no device.
fn read(text: &str, folder: &str, place: &str) -> Vec<CdiDevice> {
    let Ok(specification) = serde_json::from_str::<Specification>(text) else { return vec![] };
    if specification.kind != KIND {
        return vec![];
    }
    let is_name = |name: &String| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
        !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
    };
    let device = |device: Device| {
        let edits = [&specification.edits, &device.edits];
        let nodes = edits.iter().flat_map(|edits| &edits.nodes).map(|node| node.path.clone()).collect();
        // An empty list of hooks is none.
        let is_something = |value: &serde_json::Value| match value {
            serde_json::Value::Null => false,
            serde_json::Value::Array(list) => !list.is_empty(),
            _ => true,
        };
        CdiDevice {
            name: format!("{KIND}={}", device.name),
            folder: folder.to_owned(),
            place: place.to_owned(),
            nodes,
            does_more: edits.iter().any(|edits| edits.others.values().any(is_something)),
        }
    };
    specification.devices.into_iter().filter(|device| is_name(&device.name)).map(device).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"{
        "cdiVersion": "0.6.0", "kind": "amd.com/gpu",
        "containerEdits": {"deviceNodes": [{"path": "/dev/kfd"}], "hooks": []},
        "devices": [
            {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/dri/card1"}, {"path": "/dev/dri/renderD128"}]}},
            {"name": "all", "containerEdits": {"deviceNodes": [{"path": "/dev/dri/renderD128"}, {"path": "/dev/dri/renderD129"}]}},
            {"name": "hooked", "containerEdits": {"deviceNodes": [{"path": "/dev/dri/renderD128"}], "hooks": [{"path": "/bin/sh"}]}},
            {"name": "a b"}
        ]
    }"#;

    #[test]
    fn a_device_that_gives_one_card_and_nothing_else_is_told_from_the_others() {
        let devices = read(TEXT, "/etc/cdi", "/etc/cdi/amd.json");
        let names: Vec<&str> = devices.iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names, ["amd.com/gpu=0", "amd.com/gpu=all", "amd.com/gpu=hooked"]);
        let gives: Vec<bool> =
            devices.iter().map(|device| device.gives_only("/dev/kfd", "/dev/dri/renderD128")).collect();
        assert_eq!(gives, [true, false, false]);
        assert!(!devices[0].gives_only("/dev/kfd", "/dev/dri/renderD129"));
    }

    #[test]
    fn specifications_of_others_name_no_card_of_amds() {
        assert_eq!(read(r#"{"kind": "nvidia.com/gpu", "devices": [{"name": "0"}]}"#, "/etc/cdi", "x"), []);
        assert_eq!(read("kind: amd.com/gpu", "/etc/cdi", "x"), []);
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_reader(cut in 0usize..700, text in "\\PC{0,40}") {
            let mut broken = TEXT.to_owned();
            broken.truncate(cut);
            read(&broken, "/etc/cdi", "x");
            read(&text, "/etc/cdi", "x");
        }
    }
}
