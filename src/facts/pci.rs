//! Graphics cards as PCI lists them, whatever driver they have.

use super::Root;
use super::kfd::PciAddress;

const DEVICES: &str = "sys/bus/pci/devices";
const AMD: u32 = 0x1002;
const NVIDIA: u32 = 0x10de;
const INTEL: u32 = 0x8086;

/// A device of PCI's class of displays, or a processing accelerator.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Card {
    pub address: PciAddress,
    /// The folder of the device.
    pub place: String,
    pub vendor: u32,
    pub device: u32,
    pub revision: Option<u32>,
    /// e.g. `amdgpu`; nothing where no driver has taken it.
    pub driver: Option<String>,
    /// e.g. `renderD128`.
    pub render_node: Option<String>,
    /// The firmware of the compute engine.
    pub mec_firmware: Option<u32>,
}

impl Card {
    pub fn is_amd(&self) -> bool {
        self.vendor == AMD
    }

    pub fn vendor_name(&self) -> String {
        match self.vendor {
            AMD => "AMD".to_owned(),
            NVIDIA => "NVIDIA".to_owned(),
            INTEL => "Intel".to_owned(),
            other => format!("vendor {other:04x}"),
        }
    }

    /// The target of an RDNA1 card, by its device number: known even where no driver has taken it.
    pub fn rdna1(&self) -> Option<&'static str> {
        match (self.vendor, self.device) {
            (AMD, 0x7310..=0x731f) => Some("gfx1010"),
            (AMD, 0x7360..=0x7362) => Some("gfx1011"),
            (AMD, 0x7340..=0x734f) => Some("gfx1012"),
            _ => None,
        }
    }

    /// What it is sold as, by device and revision (libdrm's amdgpu.ids), or its numbers.
    pub fn name(&self) -> String {
        let numbers = || format!("{} {:04x}:{:04x}", self.vendor_name(), self.vendor, self.device);
        self.known_name().unwrap_or_else(numbers)
    }

    /// The name of an RDNA1 card.
    pub fn known_name(&self) -> Option<String> {
        let by_name = NAMES.iter().find(|(device, revision, _)| {
            self.vendor == AMD && self.device == *device && self.revision == Some(*revision)
        });
        let chip = match self.rdna1()? {
            "gfx1010" => "Navi 10",
            "gfx1011" => "Navi 12",
            _ => "Navi 14",
        };
        Some(
            by_name
                .map_or_else(|| format!("{chip} ({:04x})", self.device), |(_, _, name)| (*name).to_owned()),
        )
    }
}

/// Device, revision, name: RDNA1 in libdrm's `amdgpu.ids`.
const NAMES: [(u32, u32, &str); 23] = [
    (0x7312, 0x00, "Radeon Pro W5700"),
    (0x731e, 0xc6, "Radeon RX 5700XTB"),
    (0x731e, 0xc7, "Radeon RX 5700B"),
    (0x731f, 0xc0, "Radeon RX 5700 XT 50th Anniversary"),
    (0x731f, 0xc1, "Radeon RX 5700 XT"),
    (0x731f, 0xc2, "Radeon RX 5600M"),
    (0x731f, 0xc3, "Radeon RX 5700M"),
    (0x731f, 0xc4, "Radeon RX 5700"),
    (0x731f, 0xc5, "Radeon RX 5700 XT"),
    (0x731f, 0xca, "Radeon RX 5600 XT"),
    (0x731f, 0xcb, "Radeon RX 5600 OEM"),
    (0x7340, 0xc1, "Radeon RX 5500M"),
    (0x7340, 0xc3, "Radeon RX 5300M"),
    (0x7340, 0xc5, "Radeon RX 5500 XT"),
    (0x7340, 0xc7, "Radeon RX 5500"),
    (0x7340, 0xc9, "Radeon RX 5500XTB"),
    (0x7340, 0xcf, "Radeon RX 5300"),
    (0x7341, 0x00, "Radeon Pro W5500"),
    (0x7347, 0x00, "Radeon Pro W5500M"),
    (0x7360, 0x41, "Radeon Pro 5600M"),
    (0x7360, 0xc3, "Radeon Pro V520"),
    (0x7362, 0xc1, "Radeon Pro V540"),
    (0x7362, 0xc3, "Radeon Pro V520"),
];

/// Every card, in the order of addresses.
pub(super) fn look(root: &Root) -> Vec<Card> {
    root.names(DEVICES).iter().filter_map(|name| card(root, name)).collect()
}

fn card(root: &Root, name: &str) -> Option<Card> {
    let address = PciAddress::parse(name)?;
    let folder = format!("{DEVICES}/{name}");
    let number = |file: &str| hexadecimal(&root.text(&format!("{folder}/{file}")).ok()?);
    let class = number("class")?;
    // 03xxxx are displays; 1200xx are accelerators, as AMD's cards without outputs are.
    (class >> 16 == 0x03 || class >> 8 == 0x1200).then_some(())?;
    let mut render_nodes = root.names(&format!("{folder}/drm")).into_iter();
    Some(Card {
        address,
        place: format!("/{folder}"),
        vendor: number("vendor")?,
        device: number("device")?,
        revision: number("revision"),
        driver: root.link_name(&format!("{folder}/driver")),
        render_node: render_nodes.find(|name| name.starts_with("renderD")),
        mec_firmware: number("fw_version/mec_fw_version"),
    })
}

/// `0x1002` as sysfs writes it.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.trim().strip_prefix("0x")?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hexadecimal_with_their_mark() {
        assert_eq!(hexadecimal("0x731f\n"), Some(0x731f));
        for bad in ["731f", "0x", "0x+1", "0x123456789", "", "0xzz"] {
            assert_eq!(hexadecimal(bad), None, "{bad}");
        }
    }
}
