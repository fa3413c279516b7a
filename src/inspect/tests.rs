//! What is found in a folder, and what a hostile one cannot do. Containers are looked into by the live tests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use super::{folder, likely_places};
use crate::model::{GuestPath, Inventory};

/// What `llvm-as` of LLVM 14 writes at the beginning of a file.
const BITCODE: &str = "4243c0de3514000005000000620c30244a59be668dfbb4af0b51804c01000000210c0000";

fn write(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().expect("below the root")).expect("folders can be made");
    fs::write(place, bytes).expect("files can be written");
}

fn link(root: &Path, path: &str, target: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().expect("below the root")).expect("folders can be made");
    symlink(target, place).expect("links can be made");
}

fn bitcode() -> Vec<u8> {
    hex::decode(BITCODE).expect("hexadecimal")
}

fn look(root: &TempDir, environment: &[(&str, &str)]) -> Inventory {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    folder(root.path(), &environment).expect("the folder is there")
}

#[test]
fn texts_names_and_bitcode_are_found_with_their_proof() {
    let root = tempfile::tempdir().expect("a folder");
    let at = root.path();
    write(at, "usr/lib/os-release", "PRETTY_NAME=\"A System 1\"\n");
    write(at, "opt/rocm-6.4.3/.info/version", "6.4.3-128\n");
    write(
        at,
        "opt/rocm-6.4.3/include/hip/hip_version.h",
        "#define HIP_VERSION_MAJOR 6\n#define HIP_VERSION_MINOR 4\n#  define HIP_VERSION_PATCH 43484\n",
    );
    write(at, "usr/include/boost/version.hpp", "#define BOOST_LIB_VERSION \"1_83\"\n");
    write(at, "usr/include/half.hpp", "// half\n//\n// Version 2.2.1\n");
    write(at, "usr/share/cmake-3.31/Modules/CMakeDetermineCCompiler.cmake", "");
    write(at, "opt/rocm-6.4.3/lib/rocblas/library/Kernels.so-000-gfx1030.hsaco", "");
    write(at, "opt/rocm-6.4.3/lib/llvm/lib/clang/19/lib/amdgcn/bitcode/ocml.bc", bitcode());
    write(at, "opt/rocm-6.4.3/lib/llvm/lib/clang/19/lib/amdgcn/bitcode/oclc_abi_version_500.bc", bitcode());
    write(at, "opt/rocm-6.4.3/lib/llvm/lib/clang/19/lib/amdgcn/bitcode/oclc_isa_version_1010.bc", bitcode());
    link(at, "opt/rocm-6.4.3/amdgcn", "lib/llvm/lib/clang/19/lib/amdgcn");
    link(at, "opt/rocm", "/opt/rocm-6.4.3");
    write(at, "etc/ld.so.conf.d/rocm.conf", "# ROCm\n/opt/rocm/lib\n");
    write(at, "opt/rocm-6.4.3/bin/hipcc", "#!/bin/sh\n");
    let found =
        look(&root, &[("ROCM_PATH", "/opt/rocm"), ("PATH", "/opt/rocm/bin:/usr/bin"), ("SECRET", "x")]);

    assert_eq!(found.system.as_deref(), Some("A System 1"));
    assert_eq!(found.rocm_trees[0].root.as_str(), "/opt/rocm-6.4.3");
    assert_eq!(found.rocm_trees[0].version, "6.4.3".parse().ok());
    assert_eq!(found.hip_headers[0].version.to_string(), "6.4.43484");
    let parts: Vec<String> = found
        .parts
        .iter()
        .map(|part| format!("{} {}", part.name, part.version.as_ref().expect("known")))
        .collect();
    assert_eq!(parts, ["boost 1.83", "half 2.2.1", "cmake 3.31"]);
    assert_eq!(found.rocblas_kernels[0].targets, ["gfx1030".to_owned()].into());
    let [set] = found.device_libraries.as_slice() else { panic!("{:?}", found.device_libraries) };
    assert_eq!(set.folder.as_str(), "/opt/rocm-6.4.3/lib/llvm/lib/clang/19/lib/amdgcn/bitcode");
    assert_eq!(set.producers.keys().collect::<Vec<_>>(), ["LLVM14.0.6"]);
    assert_eq!((set.abis.len(), set.isas.contains("1010")), (1, true));
    assert_eq!(found.loader_folders[0].folder, "/opt/rocm/lib");
    let hipcc = found.command("hipcc").expect("on PATH");
    assert_eq!((hipcc.at.as_str(), hipcc.is.as_str()), ("/opt/rocm/bin/hipcc", "/opt/rocm-6.4.3/bin/hipcc"));
    assert!(found.environment.contains_key("ROCM_PATH") && !found.environment.contains_key("SECRET"));
}

#[test]
fn likely_places_tell_the_same_of_what_packages_and_installers_put_there() {
    let root = tempfile::tempdir().expect("a folder");
    let at = root.path();
    let own = fs::read(std::env::current_exe().expect("this program")).expect("readable");
    write(at, "usr/lib/os-release", "PRETTY_NAME=\"A System 1\"\n");
    link(at, "lib", "usr/lib");
    link(at, "bin", "usr/bin");
    write(at, "opt/rocm-6.4.3/.info/version", "6.4.3-128\n");
    write(
        at,
        "opt/rocm-6.4.3/include/hip/hip_version.h",
        "#define HIP_VERSION_MAJOR 6\n#define HIP_VERSION_MINOR 4\n#define HIP_VERSION_PATCH 43484\n",
    );
    write(at, "opt/rocm-6.4.3/lib/rocblas/library/TensileLibrary_lazy_gfx1030.dat", "");
    write(at, "opt/rocm-6.4.3/lib/llvm/lib/clang/19/lib/amdgcn/bitcode/ocml.bc", bitcode());
    write(at, "opt/rocm-6.4.3/lib/llvm/lib/clang/19/include/stddef.h", "");
    write(at, "opt/rocm-6.4.3/lib/llvm/bin/clang-19", &own);
    link(at, "opt/rocm-6.4.3/llvm", "lib/llvm");
    link(at, "opt/rocm-6.4.3/amdgcn", "lib/llvm/lib/clang/19/lib/amdgcn");
    link(at, "etc/alternatives/rocm", "/opt/rocm-6.4.3");
    link(at, "opt/rocm", "/etc/alternatives/rocm");
    write(at, "etc/ld.so.conf.d/rocm.conf", "/opt/rocm/lib\n/srv/lib\n");
    write(at, "srv/lib/libamdhip64.so.6.0.1", &own);
    write(at, "usr/lib/llvm-17/bin/clang", &own);
    link(at, "usr/bin/clang", "../lib/llvm-17/bin/clang");
    write(at, "usr/lib/x86_64-linux-gnu/libhsa-runtime64.so.1.11.0", &own);
    write(at, "usr/lib/x86_64-linux-gnu/rocblas/4.2.4/library/Kernels.so-000-gfx1010.hsaco", "");
    write(at, "home/me/rocm/.info/version", "7.0.2\n");
    let environment = [("ROCM_PATH", "/opt/rocm"), ("PATH", "/opt/rocm/llvm/bin:/usr/bin:/bin")];
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let likely = likely_places(at, &environment).expect("the folder is there");
    let mut whole = folder(at, &environment).expect("the folder is there");
    // What only the loader's settings lead to is looked at as well.
    assert_eq!(
        likely.libraries.iter().filter(|library| library.path.as_str().starts_with("/srv")).count(),
        1
    );
    whole.libraries = likely.libraries.clone();
    assert_eq!(likely, whole);
    assert_eq!((likely.llvms.len(), likely.rocm_trees.len(), likely.rocblas_kernels.len()), (2, 1, 2));
}

#[test]
fn a_program_of_this_machine_is_read_as_its_loader_reads_it() {
    let root = tempfile::tempdir().expect("a folder");
    let own = fs::read(std::env::current_exe().expect("this program")).expect("readable");
    write(root.path(), "usr/lib/llvm-99/bin/clang-99", &own);
    link(root.path(), "usr/bin/clang", "../lib/llvm-99/bin/clang");
    link(root.path(), "usr/lib/llvm-99/bin/clang", "clang-99");
    write(root.path(), "usr/lib/llvm-99/bin/ld.lld", "");
    write(root.path(), "usr/lib/llvm-99/lib/clang/99/include/stddef.h", "");
    write(root.path(), "usr/lib/libamdhip64.so.6.4.1", &own);
    write(root.path(), "usr/lib/libc.so.6", &own);
    let found = look(&root, &[]);
    let [llvm] = found.llvms.as_slice() else { panic!("{:?}", found.llvms) };
    assert_eq!(llvm.clang.as_str(), "/usr/lib/llvm-99/bin/clang-99");
    assert_eq!(llvm.lld.as_ref().map(GuestPath::as_str), Some("/usr/lib/llvm-99/bin/ld.lld"));
    assert_eq!(llvm.resource.as_ref().map(GuestPath::as_str), Some("/usr/lib/llvm-99/lib/clang/99"));
    assert_eq!(found.command("clang").map(|clang| clang.is.as_str()), Some("/usr/lib/llvm-99/bin/clang-99"));
    let [hip] = found.libraries.as_slice() else { panic!("{:?}", found.libraries) };
    assert_eq!(hip.version, "6.4.1".parse().ok());
    assert!(hip.needed.contains_key("libc.so.6"), "{:?}", hip.needed);
}

#[test]
fn nothing_in_a_hostile_root_leads_out_of_it_or_stops_us() {
    let root = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    write(outside.path(), "half.hpp", "// Version 6.6.6\n");
    let at = root.path();
    link(at, "usr/include", outside.path().to_str().expect("text"));
    link(at, "usr/lib/a/half.hpp", &format!("../../../../../../../..{}/half.hpp", outside.path().display()));
    link(at, "usr/lib/circle", "circle");
    link(at, "usr/bin/clang", "/usr/bin/clang");
    write(at, "usr/lib/x/amdgcn/bitcode/cut.bc", &bitcode()[..20]);
    write(at, "usr/lib/x/amdgcn/bitcode/other.bc", "no bitcode");
    write(at, "usr/lib/libamd_comgr.so.3", b"\x7fELF\x02\x01\x01 and nothing more");
    write(at, "usr/lib/y\n/half.hpp", "// Version 1.0\n");
    write(at, "var/lib/dpkg/status", "Package: a\nStatus: install ok installed\n");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at.join("usr/lib/libhiprtc.so.6"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .expect("a pipe can be made");
    let likely = likely_places(at, &BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]));
    let likely = likely.expect("the folder is there");
    assert!(likely.llvms.is_empty() && likely.commands.is_empty() && likely.rocm_trees.is_empty());
    let found = look(&root, &[("ROCM_PATH", "relative"), ("PATH", "/usr/bin")]);
    assert!(found.parts.is_empty(), "{:?}", found.parts);
    assert!(found.llvms.is_empty() && found.commands.is_empty() && found.device_libraries.is_empty());
    let unread: Vec<String> =
        found.unread.iter().map(|unread| format!("{}: {}", unread.path, unread.reason)).collect();
    assert_eq!(
        unread,
        [
            "/usr/lib/libamd_comgr.so.3: not a 64-bit ELF file",
            "/usr/lib/x/amdgcn/bitcode/cut.bc: LLVM bitcode that ends too early",
            "/usr/lib/x/amdgcn/bitcode/other.bc: not LLVM bitcode",
            "/var/lib/dpkg/status: the image's list of installed packages is damaged in line 1: \
             an installed package has no version",
        ]
    );
}
