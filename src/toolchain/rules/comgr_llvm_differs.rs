//! COMGR, which compiles at run time, holds another LLVM than the compiler of the build.

use super::device_libs_newer::is_newer;
use super::hip_headers_runtime::major;
use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, GuestPath, Inventory, LibraryPart, LlvmVersion};

pub(super) static RULE: Rule = Rule {
    id: "comgr-llvm-differs",
    title: "COMGR holds another LLVM than the compiler whose bitcode and headers it must read",
    why: "\
Kernels that are compiled at run time (MIOpen's, and all of HIPRTC) go through COMGR, which has a clang of its own. It is given
the headers of the HIP that the program was built with, and bitcode from the build's compiler where that was built with -fgpu-rdc.
A COMGR of an older LLVM reads neither bitcode nor headers of a newer one.

Finished code objects are not bound to an LLVM, and a COMGR that is newer than the compiler is fine.",
    told_by: "\
a log has the message of device-libs-newer beside HIPRTC_ERROR_LINKING or a path /tmp/comgr-…, or says that \
libamd_comgr or a version amd_comgr_… is not found. Before a build, the LLVM of the COMGR that HIP loads is held \
against the compiler's",
    remedies: &[
        "install the COMGR that belongs to the compiler's LLVM: on Debian it comes with hipcc",
        "compile with the clang of COMGR's LLVM",
    ],
    signatures: &[
        signature(
            r"\(Producer: 'LLVM ?(?P<producer>\d[^']*)' Reader: 'LLVM (?P<reader>\d[^']*)'\)",
            "LLVM {producer} made bitcode that COMGR with its LLVM {reader} must read",
        )
        .when(is_newer)
        .near(r"/tmp/comgr-[0-9a-f]+/|HIPRTC_ERROR_LINKING|AMD_COMGR_STATUS_ERROR", 20, 20),
        signature(
            r"(?P<comgr>[^\s:]*libamd_comgr\.so[.\d]*): (?P<library>libLLVM[^\s:]*): cannot open shared object file",
            "{comgr} needs {library}, which is not there",
        ),
        signature(
            r"(?P<library>libamd_comgr\.so\.\d+): cannot open shared object file",
            "HIP needs {library}, which is not there",
        ),
        signature(
            r"version [`'](?P<version>amd_comgr_?[\d.]+)' not found \(required by (?P<by>[^)]+)\)",
            "{by} needs a COMGR with {version}, and the one that is loaded has none",
        ),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    // What is built uses the runtime of the headers; others may stand beside it.
    let wanted = scene.hip_headers().and_then(|headers| headers.version.parts().first());
    let is_used = |hip: &&FoundLibrary| match (wanted, hip.soname.as_deref().and_then(major)) {
        (Some(wanted), Some(major)) => *wanted == major,
        (None, _) | (_, None) => true,
    };
    for hip in scene.inventory.libraries(LibraryPart::HipRuntime).filter(is_used) {
        conflicts.extend(missing(scene.inventory, hip));
        let older = scene.comgr_of(hip).and_then(|comgr| older(scene, comgr));
        conflicts.extend(older.filter(|conflict| !conflicts.contains(conflict)));
    }
    conflicts
}

fn older(scene: &Scene<'_>, comgr: &FoundLibrary) -> Option<Conflict> {
    let llvm = scene.llvm()?;
    let compiler = llvm.version.as_ref()?;
    let (version, proof) = llvm_in(scene.inventory, comgr)?;
    (version.major() < compiler.major()).then(|| {
        RULE.conflict(
            Severity::Warn,
            format!("COMGR compiles with LLVM {version}, the build with LLVM {compiler}"),
            vec![
                Evidence::new(&comgr.path, format!("works with LLVM {version} ({proof})")),
                Evidence::new(&llvm.clang, format!("LLVM {compiler}")),
            ],
        )
    })
}

/// A COMGR that a HIP runtime names and nothing has. What was not readable may be it.
fn missing(inventory: &Inventory, hip: &FoundLibrary) -> Option<Conflict> {
    let is_missing = |(name, path): &(&String, &Option<GuestPath>)| {
        let is_somewhere = || inventory.libraries.iter().any(|library| library.soname.as_ref() == Some(name));
        name.starts_with("libamd_comgr.so") && path.is_none() && !is_somewhere()
    };
    let (name, severity, needs) = match hip.needed.iter().find(is_missing) {
        Some((name, _)) => (name, Severity::Refuse, "needs"),
        // What is compiled before needs none; MIOpen's kernels do.
        None => (hip.opens.iter().find(is_missing)?.0, Severity::Warn, "opens, when something is compiled,"),
    };
    inventory.unread.is_empty().then(|| {
        RULE.conflict(
            severity,
            format!("{} finds no {name}", hip.path),
            vec![
                Evidence::new(&hip.path, format!("{needs} {name}")),
                Evidence::new(name, "is in no folder of the loader"),
            ],
        )
    })
}

/// The LLVM that a library works with: linked into it, or that of the libLLVM it needs.
pub(super) fn llvm_in(inventory: &Inventory, library: &FoundLibrary) -> Option<(LlvmVersion, GuestPath)> {
    match library.needed.iter().find(|(name, _)| name.starts_with("libLLVM")) {
        Some((_, path)) => {
            let shared = inventory.library(path.as_ref()?)?;
            Some((shared.holds.clone()?, shared.path.clone()))
        }
        None => Some((library.holds.clone()?, library.path.clone())),
    }
}
