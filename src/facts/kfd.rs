//! What the compute driver (KFD) tells of processors and GPUs, under `/sys/class/kfd/kfd/topology`.

use std::collections::BTreeMap;
use std::fmt;

use super::Root;

const NODES: &str = "sys/class/kfd/kfd/topology/nodes";

/// The two flags of a link that say that PCIe atomics are missing: of 32 and of 64 bits (kfd_crat.h).
const NO_ATOMICS: u64 = 0b1100;

/// What the driver tells; `None` in [`super::Host`] where there is no driver.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kfd {
    /// In the order of their numbers.
    pub nodes: Vec<Node>,
}

/// A processor or a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Node {
    pub number: u32,
    /// The file of its properties.
    pub place: String,
    /// What the driver calls it, e.g. `navi10`.
    pub name: Option<String>,
    pub id: GpuId,
    pub simd_count: u64,
    pub simd_per_cu: u64,
    pub max_waves_per_simd: u64,
    pub gfx: Option<Gfx>,
    pub vendor: u64,
    pub device: u64,
    pub pci: Option<PciAddress>,
    pub render_minor: Option<u32>,
    /// The firmware of the compute engine (MEC).
    pub mec_firmware: Option<u64>,
    /// Bytes of memory of its own.
    pub memory: u64,
    pub links: Vec<Link>,
}

/// A node's `gpu_id`: 0 for a processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuId {
    Number(u32),
    /// The kernel gives it to nobody who may not use the device.
    Unreadable(String),
    #[default]
    Absent,
}

/// A connection of a node with another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Link {
    pub place: String,
    pub from: u32,
    pub to: u32,
    pub flags: u64,
}

/// An instruction set as the driver counts it: 100102 is gfx1012. The variable that overrides it has no effect here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gfx(u32);

/// Where a device sits: domain, bus, device, function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PciAddress {
    pub domain: u32,
    /// Bus, device and function as PCI packs them.
    pub location: u16,
}

impl Node {
    /// Whether it computes as a GPU, told by its units; one that is hidden does not tell.
    pub fn is_gpu(&self) -> bool {
        self.simd_count > 0 || self.is_hidden()
    }

    /// Whether the kernel keeps the GPU from this process: in containers by the list of devices they may use.
    pub fn is_hidden(&self) -> bool {
        match &self.id {
            GpuId::Unreadable(_) => true,
            GpuId::Number(0) | GpuId::Absent => self.simd_count > 0,
            GpuId::Number(_) => false,
        }
    }

    /// Waves that a compute unit can hold, as the driver tells.
    pub fn waves_per_cu(&self) -> u64 {
        self.simd_per_cu.saturating_mul(self.max_waves_per_simd)
    }

    pub fn compute_units(&self) -> u64 {
        self.simd_count.checked_div(self.simd_per_cu).unwrap_or(0)
    }
}

impl Link {
    pub fn lacks_atomics(&self) -> bool {
        self.flags & NO_ATOMICS != 0
    }
}

impl Kfd {
    pub fn gpus(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.is_gpu())
    }

    /// Links on either side of a node that lack PCIe atomics.
    pub fn links_without_atomics(&self, node: u32) -> Vec<&Link> {
        let links = self.nodes.iter().flat_map(|node| &node.links);
        links.filter(|link| (link.from == node || link.to == node) && link.lacks_atomics()).collect()
    }
}

impl Gfx {
    /// Reads the driver's number; 0 stands for no GPU.
    pub fn from_version(version: u64) -> Option<Self> {
        let version = u32::try_from(version).ok()?;
        (10_000..1_000_000).contains(&version).then_some(Self(version))
    }

    /// Reads what `HSA_OVERRIDE_GFX_VERSION` takes: `10.3.0`.
    pub fn from_override(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u64>().ok()).flatten().filter(|number| *number < 100)
        });
        let [major, minor, step] = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then(|| Self::from_version(major * 10_000 + minor * 100 + step))?
    }

    pub fn major(self) -> u32 {
        self.0 / 10_000
    }

    pub fn minor(self) -> u32 {
        self.0 / 100 % 100
    }

    pub fn step(self) -> u32 {
        self.0 % 100
    }

    /// The driver's number.
    pub fn version(self) -> u32 {
        self.0
    }

    /// gfx1010, gfx1011 or gfx1012.
    pub fn is_rdna1(self) -> bool {
        matches!(self.0, 100_100..=100_102)
    }
}

impl fmt::Display for Gfx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gfx{}{:x}{:x}", self.major(), self.minor(), self.step())
    }
}

impl serde::Serialize for Gfx {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PciAddress {
    /// Reads `0000:03:00.0`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str, digits: usize| {
            let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
        };
        let (domain, rest) = text.split_once(':')?;
        let (bus, rest) = rest.split_once(':')?;
        let (device, function) = rest.split_once('.')?;
        let domain = number(domain, domain.len().clamp(4, 8))?;
        let (bus, device, function) = (number(bus, 2)?, number(device, 2)?, number(function, 1)?);
        let fits = device < 32 && function < 8;
        let location = u16::try_from(bus << 8 | device << 3 | function).ok()?;
        fits.then_some(Self { domain, location })
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, location } = self;
        write!(f, "{domain:04x}:{:02x}:{:02x}.{}", location >> 8, location >> 3 & 31, location & 7)
    }
}

impl serde::Serialize for PciAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Lines of a key and a number, as KFD writes its properties. What is no such line is passed over.
pub fn properties(text: &str) -> BTreeMap<&str, u64> {
    text.lines().filter_map(property).collect()
}

fn property(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split_ascii_whitespace();
    let (key, value, rest) = (words.next()?, words.next()?, words.next());
    let is_key = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // Flags of 32 bits are written with or without a sign.
    let number = value.parse::<u64>().or_else(|_| value.parse::<i64>().map(|value| value as u64)).ok()?;
    (is_key && rest.is_none()).then_some((key, number))
}

/// Asks the driver; `None` where there is none.
pub(super) fn look(root: &Root) -> Option<Kfd> {
    if !root.exists("sys/class/kfd/kfd/topology") {
        return None;
    }
    let numbers = root.names(NODES);
    let mut nodes: Vec<Node> = numbers.iter().filter_map(|number| node(root, number.parse().ok()?)).collect();
    nodes.sort_by_key(|node| node.number);
    Some(Kfd { nodes })
}

fn node(root: &Root, number: u32) -> Option<Node> {
    let folder = format!("{NODES}/{number}");
    let file = |name: &str| root.text(&format!("{folder}/{name}"));
    let id = match file("gpu_id") {
        Ok(text) if text.trim().is_empty() => GpuId::Number(0),
        Ok(text) => text
            .trim()
            .parse()
            .map_or_else(|_| GpuId::Unreadable("it is no number".to_owned()), GpuId::Number),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => GpuId::Absent,
        Err(error) => GpuId::Unreadable(error.to_string()),
    };
    let text = file("properties").unwrap_or_default();
    let properties = properties(&text);
    let value = |key: &str| properties.get(key).copied();
    let name = file("name").ok().map(|name| name.trim().to_owned());
    let is_plain = |name: &String| !name.is_empty() && name.len() < 64 && !name.chars().any(char::is_control);
    let simd_count = value("simd_count").unwrap_or(0);
    let pci = value("location_id").and_then(|location| {
        let domain = u32::try_from(value("domain").unwrap_or(0)).ok()?;
        Some(PciAddress { domain, location: u16::try_from(location).ok()? })
    });
    Some(Node {
        number,
        place: format!("/{folder}/properties"),
        name: name.filter(is_plain),
        id,
        simd_count,
        simd_per_cu: value("simd_per_cu").unwrap_or(0),
        max_waves_per_simd: value("max_waves_per_simd").unwrap_or(0),
        gfx: value("gfx_target_version").and_then(Gfx::from_version),
        vendor: value("vendor_id").unwrap_or(0),
        device: value("device_id").unwrap_or(0),
        pci: pci.filter(|_| simd_count > 0),
        render_minor: value("drm_render_minor")
            .and_then(|minor| u32::try_from(minor).ok())
            // A processor without graphics has 0 here.
            .filter(|minor| *minor > 0),
        mec_firmware: value("fw_version").filter(|_| simd_count > 0),
        memory: memory(root, &folder),
        links: links(root, &folder, number),
    })
}

/// The sum of a node's banks of memory of its own: heaps of kind 1 (the host sees them) and 2 (it does not).
fn memory(root: &Root, folder: &str) -> u64 {
    let bank = |bank: String| {
        let text = root.text(&format!("{folder}/mem_banks/{bank}/properties")).ok()?;
        let properties = properties(&text);
        let is_own = matches!(properties.get("heap_type"), Some(1 | 2));
        properties.get("size_in_bytes").copied().filter(|_| is_own)
    };
    let banks = root.names(&format!("{folder}/mem_banks"));
    banks.into_iter().filter_map(bank).fold(0, u64::saturating_add)
}

fn links(root: &Root, folder: &str, number: u32) -> Vec<Link> {
    let link = |link: String| {
        let place = format!("{folder}/io_links/{link}/properties");
        let text = root.text(&place).ok()?;
        let properties = properties(&text);
        let node = |key: &str| properties.get(key).and_then(|value| u32::try_from(*value).ok());
        Some(Link {
            place: format!("/{place}"),
            from: node("node_from").unwrap_or(number),
            to: node("node_to")?,
            flags: *properties.get("flags")?,
        })
    };
    root.names(&format!("{folder}/io_links")).into_iter().filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_drivers_numbers_are_llvms_names() {
        for (version, name) in [
            (100_100, "gfx1010"),
            (100_101, "gfx1011"),
            (100_102, "gfx1012"),
            (90_010, "gfx90a"),
            (90_402, "gfx942"),
            (100_306, "gfx1036"),
            (110_501, "gfx1151"),
            (80_003, "gfx803"),
        ] {
            assert_eq!(Gfx::from_version(version).expect("a GPU").to_string(), name);
        }
        assert_eq!(Gfx::from_version(0), None);
        assert_eq!(Gfx::from_override("10.3.0"), Gfx::from_version(100_300));
        for bad in ["", "10.3", "10.3.0.1", "10.+3.0", "10.3.x", "gfx1030", "10.3.999", "0.0.0"] {
            assert_eq!(Gfx::from_override(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_tells_what_it_lacks_by_two_bits() {
        let lacks = |flags| Link { place: String::new(), from: 0, to: 1, flags }.lacks_atomics();
        assert_eq!([1, 3, 0x8000_0001, 13, 5, 9].map(lacks), [false, false, false, true, true, true]);
    }

    #[test]
    fn addresses_of_devices_are_read_as_the_kernel_writes_them() {
        let address = PciAddress::parse("0000:0a:1f.7").expect("an address");
        assert_eq!((address.domain, address.location), (0, 0x0aff));
        assert_eq!(address.to_string(), "0000:0a:1f.7");
        for bad in ["", "0000:0a:1f", "0000:0a:20.0", "0000:0a:1f.8", "000:0a:1f.0", "0000:a:1f.0", "x:y:z.0"]
        {
            assert_eq!(PciAddress::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_readers(text in "\\PC{0,200}", lines in "([a-z_]{0,9} -?[0-9x]{0,30}\n){0,20}") {
            properties(&text);
            properties(&lines);
            Gfx::from_override(&text);
            PciAddress::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_again(
            pairs in proptest::collection::btree_map("[a-z_]{1,20}", any::<u64>(), 0..20),
            domain in 0u32..0x1_0000, location: u16, major in 1u64..99, minor in 0u64..99, step in 0u64..99,
        ) {
            let text: String = pairs.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
            let read = properties(&text);
            prop_assert_eq!(read.len(), pairs.len());
            prop_assert!(pairs.iter().all(|(key, value)| read.get(key.as_str()) == Some(value)));
            let address = PciAddress { domain, location };
            prop_assert_eq!(PciAddress::parse(&address.to_string()), Some(address));
            let gfx = Gfx::from_override(&format!("{major}.{minor}.{step}"));
            prop_assert_eq!(gfx, Gfx::from_version(major * 10_000 + minor * 100 + step));
        }
    }
}
