//! Rules about where things are looked for.

use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn rocm_path_hides_debians_device_libraries() {
    let inventory = set(debian_13(), "ROCM_PATH", "/usr");
    let clang = path("/usr/bin/clang++-17");
    let scene = Scene { compiler: Some(&clang), ..Scene::of(&inventory) };
    assert_data_eq!(
        told("rocm-path-elsewhere", &scene),
        str![[r#"
refuse: ROCM_PATH leads away from the device libraries
  ROCM_PATH=/usr: no amdgcn/bitcode in it, and clang looks nowhere else
  /usr/lib/llvm-17/lib/clang/17/amdgcn/bitcode: /usr/lib/llvm-17/bin/clang would find these
  do: unset ROCM_PATH

"#]]
    );
    let inventory = set(debian_13(), "ROCM_PATH", "/usr/lib/llvm-17/lib/clang/17");
    assert_eq!(told("rocm-path-elsewhere", &Scene::of(&inventory)), "", "that is where they are");
}

#[test]
fn variables_that_lead_to_nothing_are_refused() {
    for (name, value) in [
        ("ROCM_PATH", "/opt/rocm-6.2.4"),
        ("HIP_PATH", "/opt/rocm-6.2.4"),
        ("HIP_DEVICE_LIB_PATH", "/opt/rocm-6.2.4/amdgcn/bitcode"),
        ("HIP_CLANG_PATH", "/opt/rocm-6.2.4/llvm/bin"),
    ] {
        let inventory = set(debian_13(), name, value);
        let told = told("rocm-path-elsewhere", &Scene::of(&inventory));
        assert!(told.starts_with("refuse: "), "{name}: {told}");
        assert!(
            told.contains(&format!("  {name}={value}: ")) && told.ends_with(&format!("  do: unset {name}\n"))
        );
    }
}

#[test]
fn variables_that_lead_to_the_right_place_by_any_name_are_fine() {
    for (inventory, name, value) in [
        (debian_13(), "HIP_PATH", "/usr"),
        (debian_13(), "ROCM_PATH", ""),
        (debian_13(), "HIP_CLANG_PATH", "/usr/lib/llvm-17/bin/"),
        (debian_13(), "HIP_DEVICE_LIB_PATH", "/lib/llvm-17/lib/clang/17/amdgcn/bitcode/"),
        (amd(), "ROCM_PATH", "/opt/rocm"),
        (amd(), "ROCM_PATH", "/opt/rocm-6.4.3"),
        (amd(), "HIP_PATH", "/opt/rocm/./"),
        (amd(), "HIP_CLANG_PATH", "/opt/rocm/llvm/bin"),
        (amd(), "HIP_DEVICE_LIB_PATH", "/opt/rocm/amdgcn/bitcode"),
        (amd(), "LD_LIBRARY_PATH", "/opt/rocm/lib"),
    ] {
        let inventory = set(inventory, name, value);
        assert_eq!(told("rocm-path-elsewhere", &Scene::of(&inventory)), "", "{name}={value}");
    }
}

#[test]
fn a_toolchain_that_has_no_device_libraries_is_not_led_away_from_them() {
    let mut inventory = set(debian_13(), "ROCM_PATH", "/usr");
    inventory.device_libraries.clear();
    assert_eq!(told("rocm-path-elsewhere", &Scene::of(&inventory)), "");
}

#[test]
fn a_folder_of_the_loader_that_hides_another_rocm_is_told_with_the_file_that_names_it() {
    let mut inventory = debian_sid();
    let folder = "/opt/rocm-6.0.0/lib";
    let mut old = library(LibraryPart::HipRuntime, folder, "libamdhip64.so.6");
    old.defines = vec!["hip_6.0".to_owned()];
    for library in inventory.libraries.iter_mut().filter(|library| library.soname == old.soname) {
        library.defines = vec!["hip_6.0".to_owned(), "hip_6.4".to_owned()];
    }
    inventory.libraries.push(old);
    assert_eq!(told("rocm-path-elsewhere", &Scene::of(&inventory)), "", "nothing searches it");
    let proof = path("/etc/ld.so.conf.d/10-rocm.conf");
    inventory.loader_folders.insert(0, LoaderFolder { folder: folder.to_owned(), proof });
    assert_data_eq!(
        told("rocm-path-elsewhere", &Scene::of(&inventory)),
        str![[r#"
refuse: /opt/rocm-6.0.0/lib/libamdhip64.so.6 hides /usr/lib/x86_64-linux-gnu/libamdhip64.so.6
  /etc/ld.so.conf.d/10-rocm.conf: is searched first
  /opt/rocm-6.0.0/lib/libamdhip64.so.6: is loaded
  /usr/lib/x86_64-linux-gnu/libamdhip64.so.6: is hidden, and has symbols of version hip_6.4, which the other lacks
  do: unset ROCM_PATH HIP_PATH HIP_DEVICE_LIB_PATH DEVICE_LIB_PATH HIP_CLANG_PATH

"#]]
    );
}

#[test]
fn several_trees_are_a_hint() {
    let mut inventory = amd();
    let tree = |root: &str, version: &str| RocmTree {
        root: path(root),
        version: version.parse().ok(),
        proof: path(&format!("{root}/.info/version")),
    };
    inventory.rocm_trees.push(tree("/opt/rocm-7.0.2", "7.0.2"));
    assert_eq!(told("several-rocm-trees", &Scene::of(&inventory)), "", "nothing is left in it");
    inventory.libraries.push(library(LibraryPart::HipRuntime, "/opt/rocm-7.0.2/lib", "libamdhip64.so.7"));
    assert_data_eq!(
        told("several-rocm-trees", &Scene::of(&inventory)),
        str![[r#"
warn: there are several ROCms: /opt/rocm-6.4.3, /opt/rocm-7.0.2
  /opt/rocm-6.4.3/.info/version: ROCm 6.4.3
  /opt/rocm-7.0.2/.info/version: ROCm 7.0.2
  do: lead every search to one root: ROCM_PATH, HIP_PATH, CMAKE_PREFIX_PATH and LD_LIBRARY_PATH; on Debian's own packages leave them unset

"#]]
    );
}

#[test]
fn debians_rocm_and_amds_are_two_and_one_inside_another_is_one() {
    let mut inventory = debian_13();
    inventory.rocm_trees = amd().rocm_trees;
    inventory.libraries.push(library(LibraryPart::Comgr, "/opt/rocm-6.4.3/lib", "libamd_comgr.so.3"));
    assert!(told("several-rocm-trees", &Scene::of(&inventory)).contains("/opt/rocm-6.4.3, /usr"));
    let mut inventory = amd();
    let mut inner = inventory.rocm_trees[0].clone();
    inner.root = path("/opt/rocm-6.4.3/core-7.14");
    inventory.rocm_trees.push(inner);
    inventory.libraries.push(library(
        LibraryPart::Comgr,
        "/opt/rocm-6.4.3/core-7.14/lib",
        "libamd_comgr.so.3",
    ));
    assert_eq!(told("several-rocm-trees", &Scene::of(&inventory)), "");
}
