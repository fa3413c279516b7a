//! Whether the runtime's rocBLAS has code for the GPU.

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "rocblas-kernels",
    tier: Tier::Static,
    title: "rocBLAS beside the library has kernels for the target",
    why: "\
MIOpen's GEMM solvers call rocBLAS, whose kernels lie in files for each GPU. Without one for the target the first such convolution ends
the program; that is what drives people to HSA_OVERRIDE_GFX_VERSION, and code for gfx1030 on gfx1010 is the likeliest cause of the
aperture violations that are reported. The names of rocBLAS's files say for which GPUs they are.

That the kernels compute what they should is not shown by their being there.",
    needs: "a runtime image: the toolchain's, or one that --image names",
    remedies: &["use a rocBLAS with kernels for the target: Debian's, or AMD's from ROCm 6.2 on if it was built for it"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    let target = subject.target;
    let kernels = &runtime.inventory.rocblas_kernels;
    let evidence: Vec<Evidence> = kernels
        .iter()
        .map(|kernels| {
            let targets: Vec<&str> = kernels.targets.iter().map(String::as_str).collect();
            Evidence::new(&kernels.folder, format!("has kernels for {}", targets.join(" ")))
        })
        .collect();
    if kernels.is_empty() {
        return match subject.library.elf.as_ref().is_ok_and(|library| needs_rocblas(&library.needed)) {
            true => Answer::failed(format!(
                "the library needs rocBLAS, and {} has no kernels of one",
                runtime.name
            )),
            false => Answer::skipped("the library needs no rocBLAS"),
        };
    }
    match kernels.iter().any(|kernels| kernels.targets.contains(target.as_str())) {
        true => Answer::passed(format!("for {target}")).with(evidence),
        false => Answer::failed(format!("none for {target}")).with(evidence),
    }
}

fn needs_rocblas(needed: &[String]) -> bool {
    needed.iter().any(|name| name.starts_with("librocblas.so"))
}
