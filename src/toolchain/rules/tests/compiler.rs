//! Rules about the compiler and what it must read.

use snapbox::{assert_data_eq, str};

use super::*;

/// Debian 13 with LLVM 19's clang installed beside HIP.
fn second_clang() -> Inventory {
    let mut inventory = debian_13();
    inventory.llvms.push(debian_llvm("19.1.7"));
    inventory.commands.push(command("clang++", "/usr/bin/clang++", "/usr/lib/llvm-19/bin/clang"));
    inventory
}

fn named<'a>(inventory: &'a Inventory, compiler: &'a GuestPath) -> Scene<'a> {
    Scene { compiler: Some(compiler), ..Scene::of(inventory) }
}

#[test]
fn newer_device_libraries_than_the_compiler_are_refused() {
    let mut inventory =
        set(debian_13(), "HIP_DEVICE_LIB_PATH", "/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode/");
    let folder = "/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode";
    inventory.device_libraries.push(device_libraries(folder, "LLVM21.1.8", &[400, 500, 600], &["1010"]));
    let clang = path("/usr/bin/clang++-17");
    assert_data_eq!(
        told("device-libs-newer", &named(&inventory, &clang)),
        str![[r#"
refuse: LLVM 21.1.8 made the device libraries that /usr/lib/llvm-17/bin/clang of LLVM 17.0.6 must read
  /usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode/ocml.bc: producer LLVM21.1.8
  /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1: reader LLVM 17.0.6
  HIP_DEVICE_LIB_PATH=/usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode/: leads the compiler to them
  do: compile with the clang of the device libraries' own LLVM: on Debian, clang-N goes with rocm-device-libs-N

"#]]
    );
    inventory.environment.clear();
    assert_eq!(told("device-libs-newer", &named(&inventory, &clang)), "", "nobody reads them");
}

#[test]
fn older_producers_other_patch_releases_and_unknown_ones_are_read() {
    for producer in ["LLVM14.0.6", "LLVM17.0.1", "LLVM17.9.9", "APPLE_1_1700"] {
        let mut inventory = debian_13();
        inventory.device_libraries[0].producers =
            BTreeMap::from([(producer.to_owned(), vec!["ocml.bc".to_owned()])]);
        assert_eq!(told("device-libs-newer", &Scene::of(&inventory)), "", "{producer}");
    }
}

#[test]
fn one_newer_file_in_a_set_is_enough() {
    let mut inventory = debian_13();
    inventory.device_libraries[0].producers.insert("LLVM18.1.0".to_owned(), vec!["hip.bc".to_owned()]);
    let clang = path("/usr/lib/llvm-17/bin/clang++");
    let told = told("device-libs-newer", &named(&inventory, &clang));
    assert!(told.starts_with("refuse: LLVM 18.1.0") && told.contains("bitcode/hip.bc: producer"), "{told}");
}

#[test]
fn a_release_after_the_snapshot_that_reads_it_is_a_hint() {
    let mut inventory = amd();
    let producers = |producer: &str| BTreeMap::from([(producer.to_owned(), vec!["ocml.bc".to_owned()])]);
    inventory.device_libraries[0].producers = producers("LLVM19.1.7");
    assert!(told("device-libs-newer", &Scene::of(&inventory)).starts_with("warn: "));
    inventory.device_libraries[0].producers = producers("LLVM18.1.8");
    assert_eq!(told("device-libs-newer", &Scene::of(&inventory)), "");
}

#[test]
fn a_compiler_without_device_libraries_is_told_which_one_has_them() {
    let inventory = second_clang();
    let clang = path("/usr/bin/clang++");
    assert_data_eq!(
        told("compiler-without-device-libs", &named(&inventory, &clang)),
        str![[r#"
refuse: /usr/lib/llvm-19/bin/clang of LLVM 19.1.7 finds no device libraries
  /usr/bin/clang++: is /usr/lib/llvm-19/bin/clang
  /usr/lib/llvm-19/bin/clang: no amdgcn/bitcode in /usr/lib/llvm-19/lib/clang/19, and clang's other places
  /usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode: the device libraries are here
  do: use the clang that has them: CC=/usr/lib/llvm-17/bin/clang CXX=/usr/lib/llvm-17/bin/clang++ HIP_CLANG_PATH=/usr/lib/llvm-17/bin

"#]]
    );
    // hipcc knows its own clang: programs that use it do not care which one comes first on PATH.
    assert!(told("compiler-without-device-libs", &Scene::of(&inventory)).starts_with("warn: "));
    let right = path("/usr/bin/clang++-17");
    assert_eq!(told("compiler-without-device-libs", &named(&inventory, &right)), "");
}

#[test]
fn a_second_clang_can_be_sent_to_the_older_libraries() {
    let inventory =
        set(second_clang(), "HIP_DEVICE_LIB_PATH", "/usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode");
    let clang = path("/usr/bin/clang++-19");
    assert_eq!(
        conflicts(&named(&inventory, &clang)).iter().filter(|one| one.rule.contains("device")).count(),
        0
    );
}

#[test]
fn a_system_without_any_device_libraries_needs_none() {
    let mut inventory = second_clang();
    inventory.device_libraries.clear();
    let clang = path("/usr/bin/clang++-19");
    assert_eq!(told("compiler-without-device-libs", &named(&inventory, &clang)), "");
}

#[test]
fn the_variable_for_the_compiler_may_have_a_launcher_or_only_a_name() {
    for (name, value) in [
        ("CXX", "ccache /usr/bin/clang++-19"),
        ("CXX", "clang++"),
        ("HIP_CLANG_PATH", "/usr/lib/llvm-19/bin/"),
        ("CXX", "/usr/lib/llvm-19/bin/clang++"),
    ] {
        let inventory = set(second_clang(), name, value);
        let llvm = Scene::of(&inventory).llvm().expect("a clang");
        assert_eq!(llvm.root.as_str(), "/usr/lib/llvm-19", "{name}={value}");
        assert_eq!(Scene::of(&inventory).compiler_severity(), Severity::Refuse);
    }
    let inventory = set(amd(), "CXX", "/opt/rocm/llvm/bin/clang++");
    assert_eq!(Scene::of(&inventory).llvm().map(|llvm| llvm.root.as_str()), Some("/opt/rocm-6.4.3/lib/llvm"));
}

#[test]
fn a_code_object_version_that_the_device_libraries_lack_is_refused() {
    let mut inventory = debian_sid();
    inventory.device_libraries[0].abis = BTreeSet::from([400, 500]);
    let clang = path("/usr/bin/clang++-21");
    assert_data_eq!(
        told("code-object-version", &named(&inventory, &clang)),
        str![[r#"
refuse: /usr/lib/llvm-21/bin/clang wants code objects of version 6, and the device libraries have only 4 and 5
  /usr/lib/x86_64-linux-gnu/libLLVM.so.21.1: LLVM 21.1.8: makes code objects of version 6 when it is told nothing
  /usr/lib/llvm-21/lib/clang/21/amdgcn/bitcode/oclc_abi_version_600.bc: is not there
  do: take compiler and device libraries from one toolchain

"#]]
    );
}

#[test]
fn version_4_needs_no_file_and_a_branch_of_amd_is_not_guessed_at() {
    let mut inventory = debian_13();
    inventory.device_libraries[0].abis.clear();
    assert_eq!(told("code-object-version", &Scene::of(&inventory)), "");
    let mut inventory = amd();
    inventory.device_libraries[0].abis.clear();
    assert_eq!(told("code-object-version", &Scene::of(&inventory)), "");
}

#[test]
fn a_runtime_that_cannot_load_what_is_made_is_a_hint() {
    let mut inventory = debian_sid();
    inventory.libraries.retain(|library| library.part != LibraryPart::HipRuntime);
    let old = library(LibraryPart::HipRuntime, X86, "libamdhip64.so.6");
    inventory.libraries.push(FoundLibrary { version: "6.2.41134".parse().ok(), ..old });
    assert!(told("code-object-version", &Scene::of(&inventory)).starts_with("warn: "));
}

#[test]
fn a_target_without_its_file_is_refused() {
    let inventory = debian_13();
    let clang = path("/usr/bin/clang++-17");
    let scene =
        |target: &str| Scene { target: Some(target.parse().expect("a target")), ..named(&inventory, &clang) };
    assert_data_eq!(
        told("device-libs-lack-target", &scene("gfx1201")),
        str![[r#"
refuse: the device libraries that /usr/lib/llvm-17/bin/clang takes do not know gfx1201
  /usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode/oclc_isa_version_1201.bc: is not there
  do: see that the name of the target is right: rocminfo, or the table in the guide

"#]]
    );
    assert_eq!(told("device-libs-lack-target", &scene("gfx1012")), "");
    assert_eq!(told("device-libs-lack-target", &named(&inventory, &clang)), "", "no target is asked for");
}

#[test]
fn a_clang_without_lld_cannot_link_device_code() {
    let mut inventory = debian_13();
    inventory.llvms[0].lld = None;
    let clang = path("/usr/bin/clang++-17");
    assert_data_eq!(
        told("linker-missing", &named(&inventory, &clang)),
        str![[r#"
refuse: /usr/lib/llvm-17/bin/clang has no lld to link device code with
  /usr/lib/llvm-17/bin/clang: no lld beside it
  PATH: no lld on it either
  do: install the lld of the same LLVM: on Debian, lld-N goes with clang-N

"#]]
    );
    inventory.commands.push(command("ld.lld", "/usr/bin/ld.lld", "/usr/lib/llvm-19/bin/lld"));
    assert!(told("linker-missing", &named(&inventory, &clang)).starts_with("warn: "));
    inventory.commands.pop();
    inventory.device_libraries.clear();
    assert_eq!(told("linker-missing", &named(&inventory, &clang)), "", "there is no device code to be made");
}

#[test]
fn headers_of_hip_7_need_a_newer_clang() {
    let mut inventory = debian_13();
    inventory.hip_headers = vec![headers("7.2.53211", "/usr")];
    let clang = path("/usr/bin/clang++-17");
    assert_data_eq!(
        told("hip-headers-newer-than-clang", &named(&inventory, &clang)),
        str![[r#"
refuse: the headers of HIP 7.2.53211 do not go with /usr/lib/llvm-17/bin/clang of LLVM 17.0.6
  /usr/include/hip/hip_version.h: HIP 7.2.53211: headers of HIP 7 need LLVM 20 or newer
  /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1: LLVM 17.0.6
  do: take headers and compiler from one toolchain: on Debian, hipcc depends on the clang that fits

"#]]
    );
    for (version, is_told) in [("6.4.1", false), ("5.7.1", false), ("5.5.0", true), ("5.6.0", false)] {
        inventory.hip_headers = vec![headers(version, "/usr")];
        let told = told("hip-headers-newer-than-clang", &named(&inventory, &clang));
        assert_eq!(!told.is_empty(), is_told, "{version}");
    }
}

#[test]
fn of_several_headers_only_those_of_the_compilers_root_count() {
    let mut inventory = amd();
    inventory.environment.clear();
    inventory.hip_headers.push(headers("7.2.53211", "/opt/rocm-7.2.0"));
    assert_eq!(told("hip-headers-newer-than-clang", &Scene::of(&inventory)), "");
}
