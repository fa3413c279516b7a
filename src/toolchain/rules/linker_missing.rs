//! A clang without the lld that links device code.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::toolchain::clang::Pick;

pub(super) static RULE: Rule = Rule {
    id: "linker-missing",
    title: "the clang that is used has no lld of its own",
    why: "\
Device code is linked by lld, which clang looks for beside itself and then on PATH. Without one it cannot link at all, and an lld of
an older LLVM cannot read the bitcode of clang where that links whole programs (-flto, -fgpu-rdc).",
    told_by: "\
a log says: Executable \"lld\" doesn't exist. Before a build, lld is looked for beside the compiler and on PATH",
    remedies: &[
        "install the lld of the same LLVM: on Debian, lld-N goes with clang-N",
        "use the clang that has one: HIP_CLANG_PATH=FOLDER, or CC and CXX",
    ],
    signatures: &[
        signature(
            r#"(?P<compiler>[^\s:]*): error: unable to execute command: Executable "(?P<linker>lld|ld\.lld)" doesn't exist"#,
            "{compiler} finds no {linker}",
        ),
        signature(
            r#"unable to execute command: Executable "(?P<linker>lld|ld\.lld)" doesn't exist"#,
            "the compiler finds no {linker}",
        ),
        signature(r"error: invalid linker name in '-fuse-ld=lld'", "the compiler finds no lld"),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    // Without device libraries there is no device code to link.
    let Some((llvm, Pick::Found { .. })) = scene.device_libraries() else { return vec![] };
    if llvm.lld.is_some() {
        return vec![];
    }
    let beside = Evidence::new(&llvm.clang, "no lld beside it");
    match scene.inventory.command("ld.lld") {
        None => {
            let what = format!("{} has no lld to link device code with", llvm.clang);
            let evidence = vec![beside, Evidence::new("PATH", "no lld on it either")];
            vec![RULE.conflict(scene.compiler_severity(), what, evidence)]
        }
        Some(command) => {
            let what = format!("{} has no lld and takes {} instead", llvm.clang, command.at);
            vec![RULE.conflict(
                Severity::Warn,
                what,
                vec![beside, Evidence::new(&command.at, format!("is {}", command.is))],
            )]
        }
    }
}
