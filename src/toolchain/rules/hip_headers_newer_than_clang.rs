//! HIP headers that ask of the compiler what it does not have yet, or has no longer.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};

pub(super) static RULE: Rule = Rule {
    id: "hip-headers-newer-than-clang",
    title: "the HIP headers use builtins that the compiler does not have yet, or has no longer",
    why: "\
HIP's headers call builtins of the LLVM they were made for. Those of HIP 7 use __builtin_amdgcn_wavefrontsize, which LLVM has since
20; those of HIP 5.5 and older use functions and macros that newer compilers dropped, such as __llvm_amdgcn_rcp_f16.",
    told_by: "\
a log says: use of undeclared identifier '__builtin_amdgcn_…', in a file of hip/amd_detail. Before a build, \
hip_version.h is held against the compiler's version",
    remedies: &[
        "take headers and compiler from one toolchain: on Debian, hipcc depends on the clang that fits",
        "see which headers come first: clang++ -x hip -E -v - < /dev/null",
    ],
    signatures: &[
        signature(
            r"(?P<header>\S*/hip/amd_detail/[^\s:]+):\d+:\d+: error: use of undeclared identifier '(?P<name>__builtin_amdgcn_\w+|__llvm_amdgcn_\w+|__AMDGCN_WAVEFRONT_SIZE_*)'",
            "{header} uses {name}, which the compiler does not have",
        ),
        // The message is folded where lines are short.
        signature(
            r"use of undeclared identifier '(?P<name>__llvm_amdgcn_\w+|__builtin_amdgcn_\w+|__AMDGCN_WAVEFRONT_SIZE_*)'",
            "{header} uses {name}, which the compiler does not have",
        )
        .near(r"(?P<header>\S*/hip/amd_detail/[^\s:]+):\d+:\d+: error:$", 1, 0),
        signature(
            r"error: use of undeclared identifier '(?P<name>__builtin_amdgcn_\w+)'",
            "the source uses {name}, which the compiler does not have",
        )
        .hint(),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let (Some(headers), Some(llvm)) = (scene.hip_headers(), scene.llvm()) else { return vec![] };
    let Some(clang) = &llvm.version else { return vec![] };
    let part = |at: usize| headers.version.parts().get(at).copied().unwrap_or(0);
    let (severity, why) = match (part(0), part(1), clang.major()) {
        (7.., _, ..=19) => (scene.compiler_severity(), "headers of HIP 7 need LLVM 20 or newer"),
        (..=4, _, 17..) | (5, ..=5, 17..) => {
            (scene.compiler_severity(), "headers of HIP 5.5 and older need an LLVM before 17")
        }
        (6, _, 22..) => (Severity::Warn, "headers of HIP 6 use a macro that LLVM 22 has no longer"),
        _ => return vec![],
    };
    vec![RULE.conflict(
        severity,
        format!("the headers of HIP {} do not go with {} of LLVM {clang}", headers.version, llvm.clang),
        vec![
            Evidence::new(&headers.proof, format!("HIP {}: {why}", headers.version)),
            Evidence::new(llvm.version_proof.as_ref().unwrap_or(&llvm.clang), format!("LLVM {clang}")),
        ],
    )]
}
