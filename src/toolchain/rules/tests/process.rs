//! Rules about what meets in one process.

use snapbox::{assert_data_eq, str};

use super::*;

fn find<'a>(inventory: &'a mut Inventory, soname: &str) -> &'a mut FoundLibrary {
    let is_it = |library: &&mut FoundLibrary| library.soname.as_deref() == Some(soname);
    inventory.libraries.iter_mut().find(is_it).expect("it is there")
}

#[test]
fn an_older_comgr_than_the_compiler_is_a_hint_however_hip_reaches_it() {
    let mut inventory = debian_13();
    inventory.llvms = vec![debian_llvm("19.1.7")];
    assert_data_eq!(
        told("comgr-llvm-differs", &Scene::of(&inventory)),
        str![[r#"
warn: COMGR compiles with LLVM 17.0.6, the build with LLVM 19.1.7
  /usr/lib/x86_64-linux-gnu/libamd_comgr.so.2: works with LLVM 17.0.6 (/usr/lib/x86_64-linux-gnu/libLLVM-17.so.1)
  /usr/lib/llvm-19/bin/clang: LLVM 19.1.7
  do: install the COMGR that belongs to the compiler's LLVM: on Debian it comes with hipcc

"#]]
    );
    let mut inventory = debian_sid();
    inventory.libraries.retain(|library| library.soname.as_deref() != Some("libamdhip64.so.5"));
    inventory.llvms = vec![debian_llvm("22.1.6")];
    let compiler = path("/usr/bin/clang++-22");
    let scene = Scene { compiler: Some(&compiler), ..Scene::of(&inventory) };
    assert!(told("comgr-llvm-differs", &scene).contains("LLVM 21.1.8, the build with LLVM 22.1.6"));
}

#[test]
fn a_comgr_of_the_same_or_a_newer_llvm_is_fine() {
    for version in ["21.1.1", "17.0.6"] {
        let mut inventory = debian_sid();
        inventory.libraries.retain(|library| library.soname.as_deref() != Some("libamdhip64.so.5"));
        inventory.llvms = vec![debian_llvm(version)];
        inventory.commands.clear();
        assert_eq!(told("comgr-llvm-differs", &Scene::of(&inventory)), "", "{version}");
    }
}

#[test]
fn a_comgr_that_is_nowhere_keeps_hip_from_being_loaded() {
    let mut inventory = debian_13();
    inventory.libraries.retain(|library| library.part != LibraryPart::Comgr);
    find(&mut inventory, "libamdhip64.so.5").needed.insert("libamd_comgr.so.2".to_owned(), None);
    assert_data_eq!(
        told("comgr-llvm-differs", &Scene::of(&inventory)),
        str![[r#"
refuse: /usr/lib/x86_64-linux-gnu/libamdhip64.so.5 finds no libamd_comgr.so.2
  /usr/lib/x86_64-linux-gnu/libamdhip64.so.5: needs libamd_comgr.so.2
  libamd_comgr.so.2: is in no folder of the loader
  do: install the COMGR that belongs to the compiler's LLVM: on Debian it comes with hipcc

"#]]
    );
    let reason = "permission denied".to_owned();
    inventory.unread.push(crate::model::Unread { path: path("/opt/x/libamd_comgr.so.2"), reason });
    assert_eq!(told("comgr-llvm-differs", &Scene::of(&inventory)), "", "it may be what was not readable");
}

#[test]
fn two_llvms_with_the_same_symbols_in_one_process_are_refused() {
    let mut inventory = debian_13();
    let copy = FoundLibrary { path: path("/opt/x/libLLVM-17.so.1"), ..debian_libllvm("17.0.6") };
    let copy = FoundLibrary { soname: Some("libLLVM-97.so.1".to_owned()), ..copy };
    let hip = needs(find(&mut inventory, "libamdhip64.so.5").clone(), &copy);
    *find(&mut inventory, "libamdhip64.so.5") = hip;
    inventory.libraries.push(copy);
    assert_data_eq!(
        told("two-libllvms", &Scene::of(&inventory)),
        str![[r#"
refuse: /usr/lib/x86_64-linux-gnu/libamdhip64.so.5 reaches both /opt/x/libLLVM-17.so.1 and /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1
  /opt/x/libLLVM-17.so.1: symbols of version LLVM_17
  /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1: symbols of version LLVM_17
  do: make the process reach one LLVM: the same for COMGR, Mesa and what else compiles in it

"#]]
    );
}

#[test]
fn llvms_of_two_releases_are_kept_apart_unless_libclang_cpp_is_among_them() {
    let mut inventory = debian_sid();
    let other = debian_libllvm("17.0.6");
    let hip = needs(find(&mut inventory, "libamdhip64.so.6").clone(), &other);
    *find(&mut inventory, "libamdhip64.so.6") = hip;
    assert_eq!(told("two-libllvms", &Scene::of(&inventory)), "");
    let clang_cpp = find(&mut inventory, "libclang-cpp.so.21.1").clone();
    let hip = needs(find(&mut inventory, "libamdhip64.so.6").clone(), &clang_cpp);
    *find(&mut inventory, "libamdhip64.so.6") = hip;
    let said = told("two-libllvms", &Scene::of(&inventory));
    assert!(
        said.starts_with("warn: ") && said.contains("libclang-cpp.so.21.1: symbols without versions"),
        "{said}"
    );
}

#[test]
fn a_preloaded_llvm_gets_into_the_compilers_way() {
    let inventory = set(debian_13(), "LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1");
    assert_data_eq!(
        told("two-libllvms", &Scene::of(&inventory)),
        str![[r#"
refuse: /usr/lib/llvm-17/bin/clang needs /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1, and LD_PRELOAD puts /usr/lib/x86_64-linux-gnu/libLLVM.so.19.1 in front of it
  LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libLLVM.so.19.1: is loaded into every program
  /usr/lib/x86_64-linux-gnu/libLLVM.so.19.1: symbols of version LLVM_19.1
  /usr/lib/llvm-17/bin/clang: needs /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1
  do: make the process reach one LLVM: the same for COMGR, Mesa and what else compiles in it

"#]]
    );
}

#[test]
fn a_libllvm_that_lacks_the_wanted_symbols_is_another_build() {
    let mut inventory = debian_13();
    let folder = "/opt/amdgpu/lib/x86_64-linux-gnu";
    let shadow = FoundLibrary {
        path: path(&format!("{folder}/libLLVM-17.so.1")),
        defines: vec!["LLVM_17.0".to_owned()],
        ..debian_libllvm("17.0.6")
    };
    let mut comgr = needs(find(&mut inventory, "libamd_comgr.so.2").clone(), &shadow);
    comgr.wants.insert("libLLVM-17.so.1".to_owned(), vec!["LLVM_17".to_owned()]);
    *find(&mut inventory, "libamd_comgr.so.2") = comgr;
    inventory.libraries.push(shadow);
    let proof = path("/etc/ld.so.conf.d/20-amdgpu.conf");
    inventory.loader_folders.insert(0, LoaderFolder { folder: folder.to_owned(), proof });
    assert_data_eq!(
        told("libllvm-wrong-build", &Scene::of(&inventory)),
        str![[r#"
refuse: /usr/lib/x86_64-linux-gnu/libamd_comgr.so.2 gets a libLLVM that is not the one it was linked with
  /usr/lib/x86_64-linux-gnu/libamd_comgr.so.2: needs symbols of version LLVM_17
  /opt/amdgpu/lib/x86_64-linux-gnu/libLLVM-17.so.1: has symbols of version LLVM_17.0
  do: take the folder out of LD_LIBRARY_PATH, or its file out of /etc/ld.so.conf.d and run ldconfig
refuse: /opt/amdgpu/lib/x86_64-linux-gnu/libLLVM-17.so.1 hides /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1
  /etc/ld.so.conf.d/20-amdgpu.conf: puts it in front
  /opt/amdgpu/lib/x86_64-linux-gnu/libLLVM-17.so.1: has symbols of version LLVM_17.0
  /usr/lib/x86_64-linux-gnu/libLLVM-17.so.1: has symbols of version LLVM_17
  do: take the folder out of LD_LIBRARY_PATH, or its file out of /etc/ld.so.conf.d and run ldconfig

"#]]
    );
}

#[test]
fn a_second_build_that_nobody_searches_first_hides_nothing() {
    let mut inventory = debian_13();
    let copy = FoundLibrary { path: path("/opt/x/lib/libLLVM-17.so.1"), ..debian_libllvm("17.0.6") };
    inventory.libraries.push(copy);
    assert_eq!(told("libllvm-wrong-build", &Scene::of(&inventory)), "");
    let searched = set(inventory, "LD_LIBRARY_PATH", "/opt/x/lib");
    assert!(told("libllvm-wrong-build", &Scene::of(&searched)).starts_with("warn: "), "the same symbols");
}

#[test]
fn headers_of_another_major_than_every_runtime_are_refused() {
    let mut inventory = debian_13();
    inventory.hip_headers = vec![headers("6.4.43484", "/usr")];
    assert_data_eq!(
        told("hip-headers-runtime", &Scene::of(&inventory)),
        str![[r#"
refuse: the headers are of HIP 6.4.43484, the library is of HIP 5
  /usr/include/hip/hip_version.h: HIP 6.4.43484
  /usr/lib/x86_64-linux-gnu/libamdhip64.so.5: libamdhip64.so.5
  do: take headers and library from one place: apt policy libamdhip64-dev hip-dev shows where they come from

"#]]
    );
}

#[test]
fn runtimes_of_two_majors_side_by_side_are_fine_and_an_older_minor_is_a_hint() {
    assert_eq!(told("hip-headers-runtime", &Scene::of(&debian_sid())), "");
    let mut inventory = debian_sid();
    find(&mut inventory, "libamdhip64.so.6").version = "6.2.41134".parse().ok();
    assert!(told("hip-headers-runtime", &Scene::of(&inventory)).starts_with("warn: "));
    inventory.libraries.retain(|library| library.part != LibraryPart::HipRuntime);
    assert_eq!(told("hip-headers-runtime", &Scene::of(&inventory)), "", "no library, no conflict");
}

#[test]
fn two_hip_runtimes_in_one_process_are_refused() {
    let mut inventory = debian_sid();
    let old = find(&mut inventory, "libamdhip64.so.5").clone();
    let rocblas = find(&mut inventory, "librocblas.so.4");
    rocblas.needed.clear();
    *rocblas = needs(rocblas.clone(), &old);
    assert_data_eq!(
        told("two-hip-runtimes", &Scene::of(&inventory)),
        str![[r#"
refuse: /usr/lib/x86_64-linux-gnu/libMIOpen.so.1 loads both libamdhip64.so.5 and libamdhip64.so.6
  /usr/lib/x86_64-linux-gnu/librocblas.so.4: needs libamdhip64.so.5 (/usr/lib/x86_64-linux-gnu/libamdhip64.so.5)
  /usr/lib/x86_64-linux-gnu/libMIOpen.so.1: needs libamdhip64.so.6 (/usr/lib/x86_64-linux-gnu/libamdhip64.so.6)
  do: build or install every library of the program for one major: ldd PROGRAM shows who needs which

"#]]
    );
}
