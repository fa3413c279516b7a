//! What the rules are held against: a system, and what is to be done with it as far as that is known.

use std::collections::BTreeMap;

use super::Severity;
use crate::model::{
    FoundCommand, FoundLibrary, GfxTarget, GuestPath, HipHeaders, Inventory, Llvm, Version, VersionRange,
};
use crate::toolchain::clang::{self, Pick, variable};

#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub inventory: &'a Inventory,
    /// The C++ compiler of the build, by any of its names; nothing means the one that `PATH` and variables lead to.
    pub compiler: Option<&'a GuestPath>,
    pub target: Option<GfxTarget>,
    pub requirements: Option<Requirements<'a>>,
}

/// What a recipe's version asks of a toolchain.
#[derive(Clone, Debug)]
pub struct Requirements<'a> {
    /// e.g. `miopen 3.3.0`.
    pub by: String,
    /// Capability → versions.
    pub ranges: &'a BTreeMap<String, VersionRange>,
    /// Capability → what really is there.
    pub provided: &'a BTreeMap<String, Version>,
}

impl<'a> Scene<'a> {
    /// A system by itself: nothing is asked of it yet.
    pub fn of(inventory: &'a Inventory) -> Self {
        Self { inventory, compiler: None, target: None, requirements: None }
    }

    /// The LLVM whose clang compiles HIP code here: the build's own, or what `HIP_CLANG_PATH`, `CXX` or `PATH` lead to.
    pub fn llvm(&self) -> Option<&'a Llvm> {
        let inventory = self.inventory;
        if let Some(name) = self.named_compiler() {
            return inventory.llvms.iter().find(|llvm| belongs(inventory, llvm, &name));
        }
        let found = ["amdclang++", "clang++", "clang"].iter().find_map(|name| inventory.command(name));
        if let Some(command) = found {
            return inventory.llvms.iter().find(|llvm| belongs(inventory, llvm, command.is.as_str()));
        }
        // Debian's HIP calls its clang by its number: it is the one that has device libraries of its own.
        let has_own = |llvm: &&Llvm| {
            let resource = llvm.resource.as_ref();
            resource.is_some_and(|resource| {
                let below = format!("{resource}/");
                inventory.device_libraries.iter().any(|set| set.folder.as_str().starts_with(&below))
            })
        };
        let own: Vec<&Llvm> = inventory.llvms.iter().filter(has_own).collect();
        match (own.as_slice(), inventory.llvms.as_slice()) {
            ([only], _) => Some(only),
            ([], [only]) => Some(only),
            _ => None,
        }
    }

    /// What it means that the compiler does not fit. Where nothing names one, `hipcc` brings its own, and the first clang
    /// on `PATH` may never see HIP code.
    pub fn compiler_severity(&self) -> Severity {
        match self.named_compiler().is_some() || self.inventory.command("hipcc").is_none() {
            true => Severity::Refuse,
            false => Severity::Warn,
        }
    }

    /// The device libraries that this clang takes.
    pub fn device_libraries(&self) -> Option<(&'a Llvm, Pick<'a>)> {
        let llvm = self.llvm()?;
        Some((llvm, clang::device_libraries(self.inventory, llvm)))
    }

    /// The HIP headers that the compiler reads; nothing where several might be meant.
    pub fn hip_headers(&self) -> Option<&'a HipHeaders> {
        let inventory = self.inventory;
        let below = |root: &str| {
            let header = inventory.real(&format!("{root}/include/hip/hip_version.h"));
            inventory.hip_headers.iter().find(|headers| Some(headers.proof.as_str()) == header.as_deref())
        };
        if let Some(root) = variable(inventory, "HIP_PATH").or_else(|| variable(inventory, "ROCM_PATH")) {
            return below(root);
        }
        match inventory.hip_headers.as_slice() {
            [only] => Some(only),
            _ => {
                let llvm = self.llvm()?;
                let tree = inventory
                    .rocm_trees
                    .iter()
                    .find(|tree| lies_below(llvm.root.as_str(), tree.root.as_str()));
                below(tree.map_or("/usr", |tree| tree.root.as_str()))
            }
        }
    }

    /// The COMGR that a HIP runtime loads: before HIP 6 it is in the list of what it needs, since then it is opened when
    /// something is compiled.
    pub fn comgr_of(&self, hip: &FoundLibrary) -> Option<&'a FoundLibrary> {
        let reached = hip.needed.iter().chain(&hip.opens);
        let comgr = reached.filter(|(name, _)| name.starts_with("libamd_comgr.so"));
        comgr.filter_map(|(_, path)| self.inventory.library(path.as_ref()?)).next()
    }

    fn named_compiler(&self) -> Option<String> {
        if let Some(compiler) = self.compiler {
            return Some(compiler.to_string());
        }
        let folder = variable(self.inventory, "HIP_CLANG_PATH");
        let beside = folder.map(|folder| format!("{}/clang++", folder.trim_end_matches('/')));
        beside.or_else(|| {
            // `CXX` may have a launcher such as ccache in front.
            let words = variable(self.inventory, "CXX")?.split_whitespace();
            words.into_iter().find(|word| word.contains("clang")).map(str::to_owned)
        })
    }
}

/// Whether a path is the folder or lies in it.
pub(super) fn lies_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a compiler is of this LLVM: its real file, a name beside it, a name on `PATH`, or Debian's `clang++-21`.
fn belongs(inventory: &Inventory, llvm: &Llvm, compiler: &str) -> bool {
    let on_path = |command: &&FoundCommand| command.name == compiler || command.at.as_str() == compiler;
    let path = match inventory.commands.iter().find(on_path) {
        Some(command) => command.is.to_string(),
        None => inventory.real(compiler).unwrap_or_else(|| compiler.to_owned()),
    };
    if path == llvm.clang.as_str() || path.starts_with(&format!("{}/bin/", llvm.root)) {
        return true;
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let number = name.strip_prefix("clang++-").or(name.strip_prefix("clang-"));
    number.is_some_and(|number| llvm.root.as_str().ends_with(&format!("/llvm-{number}")))
}
