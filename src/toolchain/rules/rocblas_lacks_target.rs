//! rocBLAS without kernels for the GPU.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};

pub(super) static RULE: Rule = Rule {
    id: "rocblas-lacks-target",
    title: "rocBLAS or MIOpen holds no code for the GPU",
    why: "\
rocBLAS's kernels lie in files for each GPU. Without one for yours, a program compiles and starts, and its first matrix
multiplication ends it. Debian's has those for RDNA1, AMD's own had none before ROCm 6.2. Other libraries have their code inside: what was
compiled for other targets only finds none for yours.",
    told_by: "\
a log says: rocBLAS error: Cannot read …TensileLibrary….dat, or: Cannot find CO in the bundle. Before a build, the \
target is looked for in the names of rocBLAS's files",
    remedies: &[
        "use a rocBLAS that has them: Debian's, or one that was built for your target",
        "leave HSA_OVERRIDE_GFX_VERSION unset: code for another GPU is no remedy",
    ],
    signatures: &[
        signature(
            r"rocBLAS error: Cannot read (?P<file>.*?TensileLibrary[^:]*\.dat): .* for GPU arch : (?P<target>gfx\w+)",
            "this rocBLAS has no kernels for {target} ({file})",
        ),
        signature(
            r"rocBLAS error: Cannot read (?P<file>.*?TensileLibrary[^:]*\.dat): ",
            "this rocBLAS has no kernels for the GPU ({file})",
        ),
        signature(
            r"rocBLAS error: Could not initialize Tensile host",
            "this rocBLAS has no kernels for the GPU",
        ),
        signature(
            r"Cannot find CO in the bundle (?P<library>\S+) for ISA: (?:amdgcn-amd-amdhsa--)?(?P<target>\S+)",
            "{library} holds no code for {target}",
        ),
        signature(r"hipErrorNoBinaryForGpu|Missing CO for these ISAs", "a library holds no code for the GPU"),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some(target) = scene.target else { return vec![] };
    let kernels = &scene.inventory.rocblas_kernels;
    let known = kernels.iter().filter(|kernels| !kernels.targets.is_empty());
    let Some(first) = known.clone().next() else { return vec![] };
    if known.into_iter().any(|kernels| kernels.targets.contains(target.as_str())) {
        return vec![];
    }
    let has: Vec<&str> = first.targets.iter().map(String::as_str).collect();
    // A library is built without them; only what it is used for needs them.
    vec![RULE.conflict(
        Severity::Warn,
        format!("rocBLAS has no kernels for {target}"),
        vec![Evidence::new(&first.folder, format!("has kernels for {}", has.join(" ")))],
    )]
}
