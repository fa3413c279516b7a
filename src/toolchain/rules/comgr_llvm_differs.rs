//! COMGR, which compiles at run time, holds another LLVM than the compiler of the build.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, GuestPath, Inventory, LibraryPart, LlvmVersion};

pub(super) static RULE: Rule = Rule {
    id: "comgr-llvm-differs",
    title: "COMGR holds another LLVM than the compiler whose bitcode and headers it must read",
    why: "\
Kernels that are compiled at run time (MIOpen's, and all of HIPRTC) go through COMGR, which has a clang of its own. It is given
the headers of the HIP that the program was built with, and bitcode from the build's compiler where that was built with -fgpu-rdc.
A COMGR of an older LLVM reads neither bitcode nor headers of a newer one.

Finished code objects are not bound to an LLVM: a COMGR that is newer than the compiler is fine.",
    remedies: &[
        "install the COMGR that belongs to the compiler's LLVM: on Debian it comes with hipcc",
        "compile with the clang of COMGR's LLVM",
    ],
    signatures: &[
        signature(r"(?P<library>libamd_comgr\.so\.\d+)[^:]*: cannot open shared object file"),
        signature(r"version [`'‘](?P<version>amd_comgr_[\d.]+)['’] not found \(required by (?P<by>[^)]+)\)"),
    ],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some(llvm) = scene.llvm() else { return vec![] };
    let Some(compiler) = &llvm.version else { return vec![] };
    let mut conflicts = Vec::new();
    for comgr in scene.inventory.libraries(LibraryPart::Comgr) {
        let Some((version, proof)) = llvm_in(scene.inventory, comgr) else { continue };
        if version.major() < compiler.major() {
            conflicts.push(RULE.conflict(
                Severity::Warn,
                format!("COMGR compiles with LLVM {version}, the build with LLVM {compiler}"),
                vec![
                    Evidence::new(&comgr.path, format!("holds LLVM {version} ({proof})")),
                    Evidence::new(&llvm.clang, format!("LLVM {compiler}")),
                ],
            ));
        }
    }
    conflicts
}

/// The LLVM that a library works with: linked into it, or that of the libLLVM it needs.
pub(super) fn llvm_in(inventory: &Inventory, library: &FoundLibrary) -> Option<(LlvmVersion, GuestPath)> {
    let needed = library.needed.iter().filter(|(name, _)| name.starts_with("libLLVM"));
    let shared = needed.filter_map(|(_, path)| inventory.library(path.as_ref()?)).next();
    match shared {
        Some(shared) => Some((shared.holds.clone()?, shared.path.clone())),
        None => Some((library.holds.clone()?, library.path.clone())),
    }
}
