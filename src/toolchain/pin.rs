//! Binds a build to one consistent set of parts: which compiler, device libraries and ROCm it uses is said in every way
//! that compilers, hipcc and CMake listen to, so that none of them goes looking.

use std::collections::BTreeMap;

use super::clang::{self, DEVICE_LIBRARY_VARIABLE, Pick, ROCM_VARIABLE};
use crate::model::{Inventory, Llvm, Pin, PinKind, SYSTEM_PATH, Toolchain};

/// Variables that lead compilers elsewhere; what is not pinned of them must not come from the image.
const MISLEADING: [&str; 6] = [
    ROCM_VARIABLE,
    "HIP_PATH",
    "HIP_CLANG_PATH",
    DEVICE_LIBRARY_VARIABLE,
    "DEVICE_LIB_PATH",
    "LD_LIBRARY_PATH",
];

/// What a build with this toolchain is bound to, as its image holds it. The toolchain's own `[environment]` comes first.
pub fn pins(toolchain: &Toolchain, inventory: &Inventory) -> Vec<Pin> {
    let mut pins = Pins { pins: Vec::new(), toolchain };
    let compilers = &toolchain.compilers;
    let declared = "the compiler that toolchain.toml declares";
    pins.variable("CC", compilers.c.as_str(), declared);
    pins.variable("CXX", compilers.cxx.as_str(), declared);
    pins.option(
        "CMAKE_HIP_COMPILER",
        compilers.cxx.as_str(),
        "HIP code is compiled by the same compiler as C++",
    );
    let Some(llvm) = compiler(toolchain, inventory) else { return pins.finished(inventory) };
    let bin = format!("{}/bin", llvm.root);
    let version = llvm.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let why = format!("clang, lld and the LLVM tools of one LLVM{version}: {}", llvm.clang);
    pins.variable("HIP_CLANG_PATH", &bin, &why);
    pins.variable("PATH", &format!("{bin}:{SYSTEM_PATH}"), &why);
    let tree = inventory.rocm_trees.iter().find(|tree| {
        let root = format!("{}/", tree.root);
        llvm.root.as_str().starts_with(&root)
    });
    if let Some(tree) = tree {
        let why = format!("the ROCm of the compiler: {}", tree.proof);
        pins.variable(ROCM_VARIABLE, tree.root.as_str(), &why);
        pins.variable("HIP_PATH", tree.root.as_str(), &why);
        pins.option("CMAKE_PREFIX_PATH", tree.root.as_str(), &why);
    }
    if let Pick::Found { set, .. } = clang::device_libraries(&without_misleading(inventory), llvm) {
        let producer =
            set.newest_producer().map_or_else(String::new, |version| format!(" by LLVM {version}"));
        let why = format!("the device libraries that this clang finds by itself, made{producer}");
        pins.variable(DEVICE_LIBRARY_VARIABLE, set.folder.as_str(), &why);
    }
    pins.finished(inventory)
}

/// The LLVM of the compiler that a toolchain declares.
pub fn compiler<'a>(toolchain: &'a Toolchain, inventory: &'a Inventory) -> Option<&'a Llvm> {
    super::rules::Scene { compiler: Some(&toolchain.compilers.cxx), ..super::rules::Scene::of(inventory) }
        .llvm()
}

/// The system as a build finds it: what the toolchain sets comes before what the image does.
pub fn with_environment(toolchain: &Toolchain, mut inventory: Inventory) -> Inventory {
    inventory.environment.extend(toolchain.environment.clone());
    inventory
}

/// The system as the pins make it: with them in its environment.
pub fn pinned(inventory: &Inventory, pins: &[Pin]) -> Inventory {
    let mut inventory = inventory.clone();
    for pin in pins.iter().filter(|pin| pin.kind == PinKind::Variable) {
        inventory.environment.insert(pin.name.clone(), pin.value.clone());
    }
    inventory
}

fn without_misleading(inventory: &Inventory) -> Inventory {
    let mut inventory = inventory.clone();
    inventory.environment.retain(|name, _| !MISLEADING.contains(&name.as_str()));
    inventory
}

struct Pins<'t> {
    pins: Vec<Pin>,
    toolchain: &'t Toolchain,
}

impl Pins<'_> {
    fn variable(&mut self, name: &str, value: &str, why: &str) {
        // Who wrote the toolchain knows better.
        if let Some(declared) = self.toolchain.environment.get(name) {
            let why = "toolchain.toml sets it".to_owned();
            self.add(PinKind::Variable, name, declared.clone(), why);
        } else {
            self.add(PinKind::Variable, name, value.to_owned(), why.to_owned());
        }
    }

    fn option(&mut self, name: &str, value: &str, why: &str) {
        self.add(PinKind::CmakeOption, name, value.to_owned(), why.to_owned());
    }

    fn add(&mut self, kind: PinKind, name: &str, value: String, why: String) {
        self.pins.push(Pin { kind, name: name.to_owned(), value, why });
    }

    /// What the image sets and nothing pinned is emptied: compilers take an empty variable for none.
    fn finished(mut self, inventory: &Inventory) -> Vec<Pin> {
        for name in MISLEADING {
            let is_pinned = self.pins.iter().any(|pin| pin.name == name);
            if !is_pinned
                && !self.toolchain.environment.contains_key(name)
                && inventory.environment.contains_key(name)
            {
                self.add(
                    PinKind::Variable,
                    name,
                    String::new(),
                    "the image sets it, and it leads elsewhere".to_owned(),
                );
            }
        }
        self.pins
    }
}

/// Variables and CMake options of pins, apart.
pub fn apart(pins: &[Pin]) -> (BTreeMap<&str, &str>, BTreeMap<&str, &str>) {
    let of = |kind| {
        let pins = pins.iter().filter(move |pin| pin.kind == kind);
        pins.map(|pin| (pin.name.as_str(), pin.value.as_str())).collect()
    };
    (of(PinKind::Variable), of(PinKind::CmakeOption))
}
