//! How clang finds what HIP code needs: the order in which it looks for device libraries and for the HIP headers.
//!
//! As in clang 17 to 22 (`RocmInstallationDetector` in `clang/lib/Driver/ToolChains/AMDGPU.cpp`): a variable replaces the
//! whole search, there is no falling back.

use crate::model::{DeviceLibraries, Inventory, Llvm, LlvmVersion};

/// The variable that names the folder of device libraries itself.
pub const DEVICE_LIBRARY_VARIABLE: &str = "HIP_DEVICE_LIB_PATH";
pub const ROCM_VARIABLE: &str = "ROCM_PATH";

/// What clang finds when it looks for device libraries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick<'a> {
    Found {
        set: &'a DeviceLibraries,
        /// The variable that led there; nothing where clang found it by itself.
        by: Option<&'static str>,
    },
    /// A variable leads to where there are none.
    Astray {
        variable: &'static str,
        value: String,
    },
    Nothing,
}

impl<'a> Pick<'a> {
    pub fn set(&self) -> Option<&'a DeviceLibraries> {
        match self {
            Pick::Found { set, .. } => Some(set),
            Pick::Astray { .. } | Pick::Nothing => None,
        }
    }
}

/// The device libraries that this clang takes in this environment.
pub fn device_libraries<'a>(inventory: &'a Inventory, llvm: &Llvm) -> Pick<'a> {
    if let Some(value) = variable(inventory, DEVICE_LIBRARY_VARIABLE) {
        return match set_in(inventory, value) {
            Some(set) => Pick::Found { set, by: Some(DEVICE_LIBRARY_VARIABLE) },
            None => Pick::Astray { variable: DEVICE_LIBRARY_VARIABLE, value: value.to_owned() },
        };
    }
    // Always tried, even where ROCM_PATH is set.
    if let Some(resource) = &llvm.resource
        && let Some(set) = set_in(inventory, &format!("{resource}/lib/amdgcn/bitcode"))
    {
        return Pick::Found { set, by: None };
    }
    if let Some(value) = variable(inventory, ROCM_VARIABLE) {
        return match set_in(inventory, &format!("{value}/amdgcn/bitcode")) {
            Some(set) => Pick::Found { set, by: Some(ROCM_VARIABLE) },
            None => Pick::Astray { variable: ROCM_VARIABLE, value: value.to_owned() },
        };
    }
    let places = candidates(inventory, llvm);
    match places.iter().find_map(|place| set_in(inventory, &format!("{place}/amdgcn/bitcode"))) {
        Some(set) => Pick::Found { set, by: None },
        None => Pick::Nothing,
    }
}

/// The set that this clang would take if no variable told it another.
pub fn own_device_libraries<'a>(inventory: &'a Inventory, llvm: &Llvm) -> Option<&'a DeviceLibraries> {
    let resource = llvm.resource.iter().map(|resource| format!("{resource}/lib"));
    let mut places = resource.chain(candidates(inventory, llvm));
    places.find_map(|place| set_in(inventory, &format!("{place}/amdgcn/bitcode")))
}

/// The version of code objects that a clang makes when it is told none; nothing where AMD's branches differ.
pub fn code_object_version(clang: &LlvmVersion) -> Option<u32> {
    match clang.major() {
        _ if clang.is_snapshot() => None,
        ..=17 => Some(4),
        18..=20 => Some(5),
        21.. => Some(6),
    }
}

/// A variable of the environment; an empty one counts as not set.
pub fn variable<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a str> {
    inventory.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Where clang looks when nothing tells it, in its order.
fn candidates(inventory: &Inventory, llvm: &Llvm) -> Vec<String> {
    let root = llvm.root.as_str();
    let above = root.strip_suffix("/llvm").unwrap_or(root);
    let mut places =
        vec![above.to_owned(), above.strip_suffix("/lib").unwrap_or(above).to_owned(), root.to_owned()];
    places.extend(llvm.resource.as_ref().map(ToString::to_string));
    places.push("/opt/rocm".to_owned());
    let newest = inventory.rocm_trees.iter().filter(|tree| tree.root.as_str().starts_with("/opt/rocm-"));
    places.extend(newest.max_by_key(|tree| tree.version.clone()).map(|tree| tree.root.to_string()));
    places.extend(["/usr/local", "/usr"].map(str::to_owned));
    places
}

/// The set in this folder, by whichever of its names.
fn set_in<'a>(inventory: &'a Inventory, folder: &str) -> Option<&'a DeviceLibraries> {
    let folder = inventory.real(folder)?;
    let is = |path: &str| path == folder || inventory.real(path).as_ref() == Some(&folder);
    inventory
        .device_libraries
        .iter()
        .find(|set| is(set.folder.as_str()) || set.also.iter().any(|path| is(path.as_str())))
}
