//! Device libraries, compiler and runtime of different code object versions.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{LibraryPart, Version};
use crate::toolchain::clang;

pub(super) static RULE: Rule = Rule {
    id: "code-object-version",
    title: "the code object versions of device libraries, compiler and runtime do not meet",
    why: "\
Every module of device code carries the version of the code object it is for, and modules that are linked together must agree:
kernels find their arguments differently in versions 4, 5 and 6. A library that was built for one version, beside a compiler that
wants another, cannot be linked; a version for which the device libraries have no file oclc_abi_version_N00.bc is not found at all;
a runtime that is older than the version refuses to load the result. Version 6 needs ROCm 6.3 or newer.

Compilers differ in what they make when they are told nothing: LLVM 17 and older 4, 18 to 20 version 5, 21 and newer 6. AMD's own
branches changed at other times.",
    told_by: "\
a log says that the IDs of amdgpu_code_object_version or amdhsa_code_object_version conflict, or that there is no \
device library for an ABI version. Before a build, the version that the compiler makes is looked for among the files \
oclc_abi_version_N00.bc",
    remedies: &[
        "take compiler and device libraries from one toolchain",
        "tell every part the same: -mcode-object-version=5, or 4 for a runtime before ROCm 5.5",
        "compile again what was compiled with another default",
    ],
    signatures: &[
        // clang 16 and 17 write garbage into the first pair of quotes.
        signature(
            r"linking module flags '(?P<flag>amd(?:gpu|hsa)_code_object_version)': IDs have conflicting (?:values|behaviors) in '(?P<one>[^']*)' and '(?P<other>[^']*)'",
            "{one} and {other} are for different code object versions",
        ),
        signature(
            r"linking module flags '(?P<flag>amd(?:gpu|hsa)_code_object_version)': IDs have conflicting (?:values|behaviors): '(?:i32 )?(?P<first>[^']*)' from (?P<one>.+?), and '(?:i32 )?(?P<second>[^']*)' from (?P<other>\S+)",
            "{one} is for code object version {first} and {other} for {second} (in hundreds)",
        ),
        signature(
            r"linking module flags '(?P<flag>amd(?:gpu|hsa)_code_object_version)': IDs have conflicting",
            "two modules with different {flag} are linked",
        ),
        signature(
            r"cannot find ROCm device library ?for ABI version (?P<version>\d+)",
            "the compiler makes code objects of version {version}, for which the device libraries have no file",
        ),
        signature(
            r"invalid integral value '(?P<version>\d+)' in '-mcode-object-version=",
            "the compiler knows no code object version {version}",
        ),
        signature(
            r"ld\.lld: error: incompatible ABI version: (?P<object>\S+)",
            "{object} is for another code object version than what it is linked with",
        ),
    ],
    covers: &[],
    check,
};

/// The first release whose runtime loads code objects of version 6.
const RUNTIME_OF_6: [u32; 2] = [6, 3];

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some((llvm, pick)) = scene.device_libraries() else { return vec![] };
    let (Some(set), Some(version)) = (pick.set(), &llvm.version) else { return vec![] };
    let Some(wanted) = clang::code_object_version(version) else { return vec![] };
    let makes = Evidence::new(
        llvm.version_proof.as_ref().unwrap_or(&llvm.clang),
        format!("LLVM {version}: makes code objects of version {wanted} when it is told nothing"),
    );
    if wanted >= 5 && !set.abis.contains(&(wanted * 100)) {
        let has: Vec<String> = set.abis.iter().map(|abi| (abi / 100).to_string()).collect();
        let has =
            if has.is_empty() { "no version".to_owned() } else { format!("only {}", has.join(" and ")) };
        return vec![RULE.conflict(
            scene.compiler_severity(),
            format!(
                "{} wants code objects of version {wanted}, and the device libraries have {has}",
                llvm.clang
            ),
            vec![
                makes,
                Evidence::new(set.folder.join(&format!("oclc_abi_version_{wanted}00.bc")), "is not there"),
            ],
        )];
    }
    let too_old = |version: &Version| *version.parts() < RUNTIME_OF_6[..];
    let runtimes: Vec<_> = scene.inventory.libraries(LibraryPart::HipRuntime).collect();
    match runtimes.as_slice() {
        [runtime] if wanted == 6 && runtime.version.as_ref().is_some_and(too_old) => vec![RULE.conflict(
            Severity::Warn,
            format!("{} makes code objects of version 6, which this HIP runtime cannot load", llvm.clang),
            vec![makes, Evidence::new(&runtime.path, "version 6 needs HIP 6.3 or newer")],
        )],
        _ => vec![],
    }
}
