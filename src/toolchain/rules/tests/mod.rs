//! Systems made by hand, and what the rules say of them.

mod compiler;
mod places;
mod process;
mod recipe;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{
    DeviceLibraries, FoundCommand, FoundLibrary, GuestPath, HipHeaders, Inventory, LibraryPart, Llvm,
    LoaderFolder, RocblasKernels, RocmTree,
};

pub(super) const X86: &str = "/usr/lib/x86_64-linux-gnu";

pub(super) fn path(text: &str) -> GuestPath {
    GuestPath::new(text)
}

/// Debian's LLVM of this release.
pub(super) fn debian_llvm(version: &str) -> Llvm {
    let major = version.split('.').next().expect("a version");
    let root = format!("/usr/lib/llvm-{major}");
    let libllvm = debian_libllvm_path(version);
    Llvm {
        root: path(&root),
        version: Some(version.parse().expect("a version")),
        version_proof: Some(path(&libllvm)),
        clang: path(&format!("{root}/bin/clang")),
        lld: Some(path(&format!("{root}/bin/ld.lld"))),
        resource: Some(path(&format!("{root}/lib/clang/{major}"))),
        libllvm: Some(path(&libllvm)),
    }
}

fn debian_soname(version: &str) -> String {
    match version.split('.').next().expect("a version") {
        "17" => "libLLVM-17.so.1".to_owned(),
        major => format!("libLLVM.so.{major}.1"),
    }
}

pub(super) fn debian_libllvm_path(version: &str) -> String {
    format!("{X86}/{}", debian_soname(version))
}

pub(super) fn debian_libllvm(version: &str) -> FoundLibrary {
    let soname = debian_soname(version);
    let node = match version.split('.').next().expect("a version") {
        "17" => "LLVM_17".to_owned(),
        major => format!("LLVM_{major}.1"),
    };
    FoundLibrary {
        defines: vec![node],
        holds: Some(version.parse().expect("a version")),
        ..library(LibraryPart::Llvm, X86, &soname)
    }
}

/// A library whose file is called like it; it needs nothing.
pub(super) fn library(part: LibraryPart, folder: &str, soname: &str) -> FoundLibrary {
    FoundLibrary {
        part,
        path: path(&format!("{folder}/{soname}")),
        soname: Some(soname.to_owned()),
        version: None,
        needed: BTreeMap::new(),
        opens: BTreeMap::new(),
        defines: vec![],
        wants: BTreeMap::new(),
        holds: None,
    }
}

pub(super) fn needs(mut library: FoundLibrary, other: &FoundLibrary) -> FoundLibrary {
    library.needed.insert(other.soname.clone().expect("has one"), Some(other.path.clone()));
    library
}

pub(super) fn device_libraries(folder: &str, producer: &str, abis: &[u32], isas: &[&str]) -> DeviceLibraries {
    let names = ["oclc_daz_opt_on.bc", "ocml.bc"].map(str::to_owned);
    DeviceLibraries {
        folder: path(folder),
        also: vec![],
        producers: BTreeMap::from([(producer.to_owned(), names.into())]),
        abis: abis.iter().copied().collect(),
        isas: isas.iter().map(|isa| (*isa).to_owned()).collect(),
    }
}

pub(super) fn command(name: &str, at: &str, is: &str) -> FoundCommand {
    FoundCommand { name: name.to_owned(), at: path(at), is: path(is) }
}

fn headers(version: &str, root: &str) -> HipHeaders {
    HipHeaders {
        version: version.parse().expect("a version"),
        proof: path(&format!("{root}/include/hip/hip_version.h")),
    }
}

fn debian_folders() -> Vec<LoaderFolder> {
    let proof = path("/etc/ld.so.conf.d/x86_64-linux-gnu.conf");
    let folders = ["/usr/local/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", X86];
    folders.map(|folder| LoaderFolder { folder: folder.to_owned(), proof: proof.clone() }).into()
}

fn debian_kernels(version: &str, targets: &[&str]) -> RocblasKernels {
    let targets: BTreeSet<String> = targets.iter().map(|target| (*target).to_owned()).collect();
    RocblasKernels { folder: path(&format!("{X86}/rocblas/{version}/library")), targets }
}

/// Debian 13 with hipcc: HIP 5.7, LLVM 17.
pub(super) fn debian_13() -> Inventory {
    let (llvm_17, llvm_19) = (debian_libllvm("17.0.6"), debian_libllvm("19.1.7"));
    let comgr = needs(library(LibraryPart::Comgr, X86, "libamd_comgr.so.2"), &llvm_17);
    let hip = needs(library(LibraryPart::HipRuntime, X86, "libamdhip64.so.5"), &comgr);
    let rocblas = needs(library(LibraryPart::Rocblas, X86, "librocblas.so.0"), &hip);
    let clang_cpp = needs(library(LibraryPart::ClangCpp, X86, "libclang-cpp.so.17"), &llvm_17);
    Inventory {
        links: BTreeMap::from([("/lib".to_owned(), "/usr/lib".to_owned())]),
        loader_folders: debian_folders(),
        commands: vec![command("hipcc", "/usr/bin/hipcc", "/usr/bin/hipcc.pl")],
        llvms: vec![debian_llvm("17.0.6")],
        device_libraries: vec![device_libraries(
            "/usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode",
            "LLVM17.0.6",
            &[400, 500],
            &["1010", "1011", "1012", "1030", "1100"],
        )],
        // Mesa and Rust have LLVMs of their own.
        libraries: vec![
            llvm_17,
            llvm_19,
            comgr,
            FoundLibrary { version: "5.7.31921".parse().ok(), ..hip },
            rocblas,
            clang_cpp,
        ],
        hip_headers: vec![headers("5.7.31921", "/usr")],
        rocblas_kernels: vec![debian_kernels("2.47.0", &["gfx1010", "gfx1030"])],
        ..Inventory::default()
    }
}

/// Debian sid: HIP 6.4 that loads COMGR when it is needed, LLVM 21, and what is left of HIP 5.
pub(super) fn debian_sid() -> Inventory {
    let (llvm_17, llvm_21) = (debian_libllvm("17.0.6"), debian_libllvm("21.1.8"));
    let comgr_2 = needs(library(LibraryPart::Comgr, X86, "libamd_comgr.so.2"), &llvm_17);
    let comgr_3 = needs(library(LibraryPart::Comgr, X86, "libamd_comgr.so.3"), &llvm_21);
    let hip_5 = needs(library(LibraryPart::HipRuntime, X86, "libamdhip64.so.5"), &comgr_2);
    let hip_6 = library(LibraryPart::HipRuntime, X86, "libamdhip64.so.6");
    let opens = BTreeMap::from([("libamd_comgr.so.3".to_owned(), Some(comgr_3.path.clone()))]);
    let hip_6 = FoundLibrary { version: "6.4.43484".parse().ok(), opens, ..hip_6 };
    let rocblas = needs(library(LibraryPart::Rocblas, X86, "librocblas.so.4"), &hip_6);
    let miopen = needs(needs(library(LibraryPart::Miopen, X86, "libMIOpen.so.1"), &rocblas), &hip_6);
    let clang_cpp = needs(library(LibraryPart::ClangCpp, X86, "libclang-cpp.so.21.1"), &llvm_21);
    Inventory {
        links: BTreeMap::from([("/lib".to_owned(), "/usr/lib".to_owned())]),
        loader_folders: debian_folders(),
        commands: vec![
            command("clang", "/usr/bin/clang", "/usr/lib/llvm-21/bin/clang"),
            command("clang++", "/usr/bin/clang++", "/usr/lib/llvm-21/bin/clang"),
            command("hipcc", "/usr/bin/hipcc", "/usr/bin/hipcc"),
        ],
        llvms: vec![debian_llvm("21.1.8")],
        device_libraries: vec![device_libraries(
            "/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode",
            "LLVM21.1.8",
            &[400, 500, 600],
            &["1010", "1011", "1012", "1030", "1100", "1201", "10-1-generic"],
        )],
        libraries: vec![llvm_17, llvm_21, comgr_2, comgr_3, hip_5, hip_6, rocblas, miopen, clang_cpp],
        hip_headers: vec![headers("6.4.43484", "/usr")],
        rocblas_kernels: vec![debian_kernels("4.4.1", &["gfx1010", "gfx1030"])],
        ..Inventory::default()
    }
}

/// AMD's packages of ROCm 6.4 beside a distribution's clang 14, as on many machines.
pub(super) fn amd() -> Inventory {
    let tree = "/opt/rocm-6.4.3";
    let lib = format!("{tree}/lib");
    let comgr = library(LibraryPart::Comgr, &lib, "libamd_comgr.so.3");
    let comgr = FoundLibrary { holds: "19.0.0git".parse().ok(), ..comgr };
    let hip = needs(library(LibraryPart::HipRuntime, &lib, "libamdhip64.so.6"), &comgr);
    let root = format!("{tree}/lib/llvm");
    let own = Llvm {
        root: path(&root),
        version: "19.0.0git".parse().ok(),
        version_proof: Some(path(&format!("{root}/bin/clang-19"))),
        clang: path(&format!("{root}/bin/clang-19")),
        lld: Some(path(&format!("{root}/bin/ld.lld"))),
        resource: Some(path(&format!("{root}/lib/clang/19"))),
        libllvm: None,
    };
    Inventory {
        environment: BTreeMap::from([("ROCM_PATH".to_owned(), "/opt/rocm/".to_owned())]),
        links: BTreeMap::from([
            ("/opt/rocm".to_owned(), tree.to_owned()),
            (format!("{tree}/llvm"), root.clone()),
            (format!("{tree}/amdgcn/bitcode"), format!("{root}/lib/clang/19/lib/amdgcn/bitcode")),
        ]),
        loader_folders: vec![LoaderFolder {
            folder: "/opt/rocm/lib".to_owned(),
            proof: path("/etc/ld.so.conf.d/10-rocm-opencl.conf"),
        }],
        commands: vec![
            command("amdclang++", "/opt/rocm/bin/amdclang++", &format!("{root}/bin/clang-19")),
            command("hipcc", "/opt/rocm/bin/hipcc", &format!("{tree}/bin/hipcc")),
            command("clang++", "/usr/bin/clang++", "/usr/lib/llvm-14/bin/clang"),
        ],
        llvms: vec![own, debian_llvm("14.0.6")],
        device_libraries: vec![device_libraries(
            &format!("{root}/lib/clang/19/lib/amdgcn/bitcode"),
            "LLVM19.0.0git",
            &[400, 500, 600],
            &["1010", "1030"],
        )],
        libraries: vec![
            comgr,
            FoundLibrary { version: "6.4.60403".parse().ok(), ..hip },
            debian_libllvm("14.0.6"),
        ],
        hip_headers: vec![headers("6.4.43484", tree)],
        rocm_trees: vec![RocmTree {
            root: path(tree),
            version: "6.4.3".parse().ok(),
            proof: path(&format!("{tree}/.info/version")),
        }],
        ..Inventory::default()
    }
}

pub(super) fn set(mut inventory: Inventory, name: &str, value: &str) -> Inventory {
    inventory.environment.insert(name.to_owned(), value.to_owned());
    inventory
}

/// What a rule says of a scene, as it is told: what clashes, its evidence, and the first thing to do.
pub(super) fn told(rule: &str, scene: &Scene<'_>) -> String {
    let rule = Rule::by_id(rule).expect("a rule");
    let shown = |conflict: &Conflict| {
        let severity = match conflict.severity {
            Severity::Warn => "warn",
            Severity::Refuse => "refuse",
        };
        let evidence: String =
            conflict.evidence.iter().map(|one| format!("  {}: {}\n", one.place, one.says)).collect();
        assert!(!conflict.evidence.is_empty(), "{conflict:?}");
        format!("{severity}: {}\n{evidence}  do: {}\n", conflict.what, conflict.remedies[0])
    };
    (rule.check)(scene).iter().map(shown).collect()
}

#[test]
fn sane_systems_have_no_conflicts() {
    for (name, inventory) in [("debian 13", debian_13()), ("debian sid", debian_sid()), ("amd", amd())] {
        assert_eq!(conflicts(&Scene::of(&inventory)), [], "{name}");
        let target = Some("gfx1010".parse().expect("a target"));
        let clang = inventory.llvms[0].clang.clone();
        let scene = Scene { target, compiler: Some(&clang), ..Scene::of(&inventory) };
        assert_eq!(conflicts(&scene), [], "{name}");
    }
    assert_eq!(conflicts(&Scene::of(&Inventory::default())), [], "nothing is known of it");
}

#[test]
fn rules_have_names_of_their_own_and_say_what_to_do() {
    let mut ids = BTreeSet::new();
    for rule in RULES {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        assert!(rule.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", rule.id);
        assert!(
            !rule.why.is_empty()
                && !rule.told_by.is_empty()
                && !rule.remedies.is_empty()
                && !rule.signatures.is_empty(),
            "{}",
            rule.id
        );
        assert!(!rule.title.ends_with('.') && rule.title.len() < 110, "{}", rule.id);
        assert!(rule.covers.iter().all(|id| Rule::by_id(id).is_some()), "{}", rule.id);
    }
}
