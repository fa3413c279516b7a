//! Several ROCms side by side.

use super::scene::lies_below;
use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{Inventory, LibraryPart};

pub(super) static RULE: Rule = Rule {
    id: "several-rocm-trees",
    title: "several ROCms stand side by side, and every tool has an order of its own to choose between them",
    why: "\
clang takes /opt/rocm, then the newest /opt/rocm-*, then /usr/local and /usr; CMake, pkg-config, ldconfig and hipcc choose in other
orders. A mixture compiles until the first part that differs.",
    told_by: "\
a log has paths of two roots /opt/rocm-X.Y.Z. Before a build, every root with something of ROCm in it is listed",
    remedies: &[
        "lead every search to one root: ROCM_PATH, HIP_PATH, CMAKE_PREFIX_PATH and LD_LIBRARY_PATH; on Debian's own packages leave them unset",
        "choose one: update-alternatives --config rocm",
        "remove the other, or build in a container that has one: rdna-build RECIPE --target GFX",
    ],
    signatures: &[signature(
        r"(?P<root>/opt/rocm-\d+\.\d+(?:\.\d+)?)/(?:lib|include|llvm|bin|amdgcn|share|hip)\b",
        "both {other} and {root} are used",
    )
    .twice("root", u64::MAX)
    .hint()],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let inventory = scene.inventory;
    let mut roots: Vec<(String, Evidence)> = Vec::new();
    for tree in &inventory.rocm_trees {
        let root = tree.root.as_str();
        let is_inside = inventory
            .rocm_trees
            .iter()
            .any(|other| other.root != tree.root && lies_below(root, other.root.as_str()));
        if !is_inside && holds_something(inventory, root) {
            let version = tree
                .version
                .as_ref()
                .map_or("version unknown".to_owned(), |version| format!("ROCm {version}"));
            roots.push((root.to_owned(), Evidence::new(&tree.proof, version)));
        }
    }
    let of_system = inventory
        .libraries(LibraryPart::HipRuntime)
        .find(|library| library.path.as_str().starts_with("/usr/lib"));
    if let Some(library) = of_system {
        let says = library.soname.clone().unwrap_or_else(|| "the system's own".to_owned());
        roots.push(("/usr".to_owned(), Evidence::new(&library.path, says)));
    }
    if roots.len() < 2 {
        return vec![];
    }
    let (names, evidence): (Vec<String>, Vec<Evidence>) = roots.into_iter().unzip();
    vec![RULE.conflict(Severity::Warn, format!("there are several ROCms: {}", names.join(", ")), evidence)]
}

/// What was left of a removed ROCm misleads nobody.
fn holds_something(inventory: &Inventory, root: &str) -> bool {
    let libraries = inventory.libraries.iter().map(|library| library.path.as_str());
    let sets = inventory.device_libraries.iter().map(|set| set.folder.as_str());
    let headers = inventory.hip_headers.iter().map(|headers| headers.proof.as_str());
    libraries.chain(sets).chain(headers).any(|path| lies_below(path, root))
}
