//! Which card of a machine programs are given: what the driver and the device nodes tell together. Pure.

use super::Host;
use super::cdi::CdiDevice;
use super::devices::DeviceNode;
use super::kfd::{Gfx, Node};

const KFD: &str = "/dev/kfd";

/// A card with all that a container needs of it.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub node: &'a Node,
    pub gfx: Gfx,
    pub kfd: &'a DeviceNode,
    pub render: &'a DeviceNode,
    pub cdi: Option<&'a CdiDevice>,
}

/// Why there is no card to compute on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCard {
    #[error("the compute driver is not loaded: there is no /sys/class/kfd")]
    NoDriver,
    #[error("{path} is not there")]
    NoDevice { path: String },
    #[error("no card here is a {target}; there {}", list(there))]
    NoneOfTarget { target: String, there: Vec<String> },
    #[error("no card here is /dev/dri/{device}; there {}", list(there))]
    NoSuchDevice { device: String, there: Vec<String> },
    #[error("/dev/dri/{device} is a {is}, and the library is for {target}")]
    OtherTarget { device: String, is: String, target: String },
}

fn list(there: &[String]) -> String {
    match there {
        [] => "is no GPU that the compute driver shows".to_owned(),
        [one] => format!("is {one}"),
        several => format!("are {}", several.join(", ")),
    }
}

/// The first card of a target, e.g. `gfx1010`, or the one with this render node, e.g. `renderD128`.
///
/// # Errors
/// Says what is missing and what there is instead.
pub fn choose<'a>(host: &'a Host, target: &str, device: Option<&str>) -> Result<Offer<'a>, NoCard> {
    let kfd = host.kfd.as_ref().ok_or(NoCard::NoDriver)?;
    let cards: Vec<(&Node, Gfx, u32)> =
        kfd.gpus().filter_map(|node| Some((node, node.gfx?, node.render_minor?))).collect();
    let there = || cards.iter().map(|(_, gfx, minor)| format!("{gfx} (renderD{minor})")).collect();
    let found = match device {
        None => {
            let of_target = cards.iter().find(|(_, gfx, _)| gfx.to_string() == target);
            of_target.ok_or_else(|| NoCard::NoneOfTarget { target: target.to_owned(), there: there() })?
        }
        Some(device) => {
            let named = cards.iter().find(|(_, _, minor)| device == format!("renderD{minor}"));
            let named = named
                .ok_or_else(|| NoCard::NoSuchDevice { device: device.to_owned(), there: there() })?;
            if named.1.to_string() != target {
                return Err(NoCard::OtherTarget {
                    device: device.to_owned(),
                    is: named.1.to_string(),
                    target: target.to_owned(),
                });
            }
            named
        }
    };
    let (node, gfx, minor) = *found;
    let file = |path: &str| {
        let node = host.device(path).filter(|node| node.instead.is_none());
        node.ok_or_else(|| NoCard::NoDevice { path: path.to_owned() })
    };
    let (kfd, render) = (file(KFD)?, file(&format!("/dev/dri/renderD{minor}"))?);
    let cdi = host.cdi.iter().find(|cdi| cdi.gives_only(&kfd.path, &render.path));
    Ok(Offer { node, gfx, kfd, render, cdi })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::devices::Access;
    use crate::facts::kfd::{GpuId, Kfd};

    fn node(number: u32, version: u64, minor: u32) -> Node {
        Node {
            number,
            id: GpuId::Number(4096 + number),
            simd_count: 72,
            gfx: Gfx::from_version(version),
            render_minor: Some(minor),
            ..Node::default()
        }
    }

    fn file(path: &str, gid: u32) -> DeviceNode {
        DeviceNode {
            path: path.to_owned(),
            instead: None,
            uid: 0,
            gid,
            group: None,
            mode: 0o660,
            access: Access::Denied,
        }
    }

    /// A gfx1030, then two of gfx1010.
    fn host() -> Host {
        Host {
            kfd: Some(Kfd { nodes: vec![node(1, 100_300, 128), node(2, 100_100, 129), node(3, 100_100, 130)] }),
            devices: vec![
                file("/dev/kfd", 109),
                file("/dev/dri/renderD128", 44),
                file("/dev/dri/renderD129", 44),
                file("/dev/dri/renderD130", 44),
            ],
            ..Host::default()
        }
    }

    #[test]
    fn the_first_card_of_the_target_is_taken_or_the_one_that_is_named() {
        let host = host();
        let render = |target, device| choose(&host, target, device).map(|offer| offer.render.path.clone());
        assert_eq!(render("gfx1010", None), Ok("/dev/dri/renderD129".to_owned()));
        assert_eq!(render("gfx1010", Some("renderD130")), Ok("/dev/dri/renderD130".to_owned()));
        assert_eq!(render("gfx1030", None), Ok("/dev/dri/renderD128".to_owned()));
    }

    #[test]
    fn what_is_missing_is_said_with_what_there_is() {
        let refused = |host: &Host, target: &str, device: Option<&str>| {
            choose(host, target, device).map(|_| ()).unwrap_err().to_string()
        };
        let all = host();
        assert_eq!(
            refused(&all, "gfx1012", None),
            "no card here is a gfx1012; there are gfx1030 (renderD128), gfx1010 (renderD129), gfx1010 (renderD130)"
        );
        assert_eq!(
            refused(&all, "gfx1010", Some("renderD128")),
            "/dev/dri/renderD128 is a gfx1030, and the library is for gfx1010"
        );
        assert!(refused(&all, "gfx1010", Some("renderD7")).starts_with("no card here is /dev/dri/renderD7"));
        assert_eq!(refused(&Host::default(), "gfx1010", None), NoCard::NoDriver.to_string());
        let empty = Host { kfd: Some(Kfd::default()), ..Host::default() };
        assert_eq!(
            refused(&empty, "gfx1010", None),
            "no card here is a gfx1010; there is no GPU that the compute driver shows"
        );
        let mut without = host();
        without.devices.remove(0);
        assert_eq!(refused(&without, "gfx1010", None), "/dev/kfd is not there");
        let mut folder = host();
        folder.devices[2].instead = Some("folder");
        assert_eq!(refused(&folder, "gfx1010", None), "/dev/dri/renderD129 is not there");
    }

    #[test]
    fn a_specification_is_offered_for_its_own_card_only() {
        let mut host = host();
        let cdi = |name: &str, render: &str| CdiDevice {
            name: format!("amd.com/gpu={name}"),
            folder: "/etc/cdi".to_owned(),
            place: "/etc/cdi/amd.json".to_owned(),
            nodes: vec!["/dev/kfd".to_owned(), render.to_owned()],
            does_more: false,
        };
        host.cdi = vec![cdi("0", "/dev/dri/renderD128"), cdi("2", "/dev/dri/renderD130")];
        let named = |device| choose(&host, "gfx1010", Some(device)).expect("there").cdi.map(|cdi| &*cdi.name);
        assert_eq!((named("renderD129"), named("renderD130")), (None, Some("amd.com/gpu=2")));
    }
}
