//! How clang finds what HIP code needs: the order in which it looks for device libraries and for the HIP headers.
//!
//! As in clang 17 to 22 (`RocmInstallationDetector` in `clang/lib/Driver/ToolChains/AMDGPU.cpp`): a variable replaces the
//! whole search, there is no falling back.

use crate::model::{DeviceLibraries, GuestPath, Inventory, Llvm};

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
    let variable = |name: &str| inventory.environment.get(name).filter(|value| !value.is_empty());
    if let Some(value) = variable(DEVICE_LIBRARY_VARIABLE) {
        return match set_in(inventory, value) {
            Some(set) => Pick::Found { set, by: Some(DEVICE_LIBRARY_VARIABLE) },
            None => Pick::Astray { variable: DEVICE_LIBRARY_VARIABLE, value: value.clone() },
        };
    }
    // Always tried, even where ROCM_PATH is set.
    if let Some(resource) = &llvm.resource
        && let Some(set) = set_in(inventory, &format!("{resource}/lib/amdgcn/bitcode"))
    {
        return Pick::Found { set, by: None };
    }
    if let Some(value) = variable(ROCM_VARIABLE) {
        return match set_in(inventory, &format!("{value}/amdgcn/bitcode")) {
            Some(set) => Pick::Found { set, by: Some(ROCM_VARIABLE) },
            None => Pick::Astray { variable: ROCM_VARIABLE, value: value.clone() },
        };
    }
    let places = candidates(inventory, llvm);
    match places.iter().find_map(|place| set_in(inventory, &format!("{place}/amdgcn/bitcode"))) {
        Some(set) => Pick::Found { set, by: None },
        None => Pick::Nothing,
    }
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
    let folder = folder.trim_end_matches('/');
    let is = |path: &GuestPath| path.as_str() == folder;
    inventory.device_libraries.iter().find(|set| is(&set.folder) || set.also.iter().any(is))
}
