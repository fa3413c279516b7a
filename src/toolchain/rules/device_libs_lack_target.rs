//! The GPU is unknown to the compiler or its device libraries.

use super::{Conflict, Evidence, Rule, Scene, signature};

pub(super) static RULE: Rule = Rule {
    id: "device-libs-lack-target",
    title: "the compiler or its device libraries do not know the GPU",
    why: "\
Every GPU needs an entry in the compiler's list and a file oclc_isa_version_N.bc among the device libraries. A GPU that is newer
than the toolchain has neither, and whoever built the libraries may have left some out.",
    told_by: "\
a log says that a target ID is invalid, or that there is no device library for it. Before a build, the target is \
looked for among the files oclc_isa_version_N.bc",
    remedies: &[
        "see that the name of the target is right: rocminfo, or the table in the guide",
        "use a toolchain that knows it; rdna-build RECIPE --target GFX refuses those that do not",
        "never set HSA_OVERRIDE_GFX_VERSION instead: the code of another GPU is not this one's",
    ],
    signatures: &[
        signature(
            r"error: invalid target ID '(?P<target>[^']+)'; format is a processor name",
            "the compiler does not know {target}: it is newer than the compiler, or misspelt",
        ),
        signature(
            r"error: unknown target CPU '(?P<target>gfx[^']*)'",
            "the compiler does not know {target}: it is newer than the compiler, or misspelt",
        ),
        signature(
            r"cannot find ROCm device library for (?P<target>gfx[0-9a-z-]+)",
            "the compiler knows {target}, its device libraries do not",
        ),
        signature(
            r"error: unsupported (?:HIP|CUDA) gpu architecture: (?P<target>\S+)",
            "the compiler does not know {target}: it is newer than the compiler, or misspelt",
        ),
        signature(
            r"'(?P<target>gfx\w+)' is not a recognized processor for this target",
            "the compiler does not know {target}: it is newer than the compiler, or misspelt",
        ),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some(target) = scene.target else { return vec![] };
    let Some((llvm, pick)) = scene.device_libraries() else { return vec![] };
    let Some(set) = pick.set().filter(|set| !set.isas.is_empty()) else { return vec![] };
    let isa = target.as_str().trim_start_matches("gfx");
    if set.isas.contains(isa) {
        return vec![];
    }
    vec![RULE.conflict(
        scene.compiler_severity(),
        format!("the device libraries that {} takes do not know {target}", llvm.clang),
        vec![Evidence::new(set.folder.join(&format!("oclc_isa_version_{isa}.bc")), "is not there")],
    )]
}
