//! The clang that is used has no device libraries; another one has.

use super::{Conflict, Evidence, Rule, Scene, signature};
use crate::model::{DeviceLibraries, Llvm};
use crate::toolchain::clang::{self, Pick};

pub(super) static RULE: Rule = Rule {
    id: "compiler-without-device-libs",
    title: "the clang that comes first is not the one that HIP was installed for: it has no device libraries",
    why: "\
clang looks for the device libraries in its own resource folder and a fixed list of places. A second clang, of the distribution
or an LLVM nightly, has a resource folder of its own without any, and nothing tells it of the other's. Host code compiles, and so
does CMake's first test; the first compilation for the GPU stops.",
    told_by: "\
a log says: cannot find ROCm device library. Before a build, the places where this clang looks are gone through, and \
none has any while another clang's have",
    remedies: &[
        "name the right one: CC=/usr/bin/clang-N CXX=/usr/bin/clang++-N, or -DCMAKE_CXX_COMPILER=…, or HIP_CLANG_PATH=/usr/lib/llvm-N/bin",
        "install the device libraries of this clang: on Debian, rocm-device-libs-N",
        "point to a set that its LLVM or an older one made: HIP_DEVICE_LIB_PATH=FOLDER",
    ],
    signatures: &[
        signature(
            r"(?P<compiler>[^\s:]*): error: cannot find ROCm device library[;.] ?[Pp]rovide its path via",
            "{compiler} finds no device libraries",
        ),
        signature(
            r"error: cannot find ROCm device library[;.] ?[Pp]rovide its path via",
            "the compiler finds no device libraries",
        ),
        signature(
            r"no such file or directory: '(?P<file>(?:ocml|ockl|oclc_\w+|hip|opencl)\.amdgcn\.bc)'",
            "the compiler finds no device library {file}",
        ),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let Some((llvm, Pick::Nothing)) = scene.device_libraries() else { return vec![] };
    let Some(elsewhere) = scene.inventory.device_libraries.first() else { return vec![] };
    let owner = scene
        .inventory
        .llvms
        .iter()
        .find(|other| clang::own_device_libraries(scene.inventory, other).is_some());
    let (set, owner) =
        match owner.and_then(|owner| Some((clang::own_device_libraries(scene.inventory, owner)?, owner))) {
            Some((set, owner)) => (set, Some(owner)),
            None => (elsewhere, None),
        };
    let looked = llvm
        .resource
        .as_ref()
        .map_or("clang's places".to_owned(), |resource| format!("{resource}, and clang's other places"));
    let mut evidence = vec![
        Evidence::new(&llvm.clang, format!("no amdgcn/bitcode in {looked}")),
        Evidence::new(&set.folder, "the device libraries are here"),
    ];
    if let Some(command) = scene.inventory.commands.iter().find(|command| command.is == llvm.clang) {
        evidence.insert(0, Evidence::new(&command.at, format!("is {}", llvm.clang)));
    }
    let version = llvm.version.as_ref().map(|version| format!(" of LLVM {version}")).unwrap_or_default();
    let what = format!("{}{version} finds no device libraries", llvm.clang);
    let ways = owner.map(use_owner).into_iter().chain(can_read(llvm, set));
    vec![RULE.conflict(scene.compiler_severity(), what, evidence).with_remedies(ways)]
}

fn use_owner(owner: &Llvm) -> String {
    format!(
        "use the clang that has them: CC={0}/bin/clang CXX={0}/bin/clang++ HIP_CLANG_PATH={0}/bin",
        owner.root
    )
}

fn can_read(llvm: &Llvm, set: &DeviceLibraries) -> Option<String> {
    let (reader, producer) = (llvm.version.as_ref()?, set.newest_producer()?);
    (producer.major() <= reader.major())
        .then(|| format!("it can read those of the other: HIP_DEVICE_LIB_PATH={}", set.folder))
}
