//! Variables or the loader's configuration that lead into another ROCm, or into none.

use super::scene::lies_below;
use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{Inventory, LibraryPart};
use crate::toolchain::clang::{self, DEVICE_LIBRARY_VARIABLE, Pick, ROCM_VARIABLE, variable};
use crate::toolchain::loader::{self, By};

pub(super) static RULE: Rule = Rule {
    id: "rocm-path-elsewhere",
    title: "a variable or the loader's configuration leads into another ROCm, or into none",
    why: "\
ROCM_PATH, HIP_PATH, HIP_DEVICE_LIB_PATH and HIP_CLANG_PATH each replace a whole search, and there is no falling back. Left over from
an older installation or a module file, they make a good compiler look into a foreign folder or one that is gone. On Debian even
ROCM_PATH=/usr is wrong: it hides the device libraries, which lie in clang's own folder.

LD_LIBRARY_PATH and /etc/ld.so.conf.d decide when a program starts: they may give it another ROCm than the one it was linked with.",
    told_by: "\
a log says that no HIP runtime or no device library is found, with one of the variables set before, or that hipcc's \
clang is not there. Before a build, what each variable and each folder of the loader leads to is looked at",
    remedies: &[
        "unset ROCM_PATH HIP_PATH HIP_DEVICE_LIB_PATH DEVICE_LIB_PATH HIP_CLANG_PATH",
        "find where it is set: grep -rn ROCM_PATH ~/.bashrc ~/.profile /etc/profile.d /etc/environment",
        "or set all of them to the same root, the one whose compiler is used",
    ],
    signatures: &[
        signature(
            r"cannot find ROCm device library[;.] ?[Pp]rovide its path via",
            "{variable}={value} replaces the search for device libraries, and there are none",
        )
        // As a setting of CMake (-D…) it does not reach the compiler.
        .near(r#"(?:^|[\s;"'])(?P<variable>ROCM_PATH|HIP_PATH|HIP_DEVICE_LIB_PATH)=["']?(?P<value>/[^\s;"']*)"#, 200, 0),
        signature(
            r"error: cannot find HIP runtime[;.] ?[Pp]rovide its path via",
            "the compiler finds no HIP where ROCM_PATH, HIP_PATH or its own places lead",
        ),
        signature(
            r#"HIP version file: "?(?P<path>[^"]+?)"? not found"#,
            "there is no HIP where a variable leads: {path} is not there",
        ),
        signature(
            r#"Can't exec "(?P<path>[^"]+/(?:clang|clang\+\+|llc)(?:-\d+)?)": No such file or directory at \S*hip(?:cc|config)"#,
            "hipcc is led to {path}, which is not there",
        ),
        signature(
            r"sh: (?:line )?\d+: (?P<path>\S+/clang(?:\+\+)?(?:-\d+)?): (?:not found|No such file or directory)",
            "hipcc is led to {path}, which is not there",
        ),
        signature(
            r"does not contain the HIP runtime CMake package, expected at",
            "CMake is led to a ROCm without HIP",
        ),
        signature(r"Failed to find ROCm root directory\.", "CMake finds no ROCm where it is led"),
    ],
    covers: &["compiler-without-device-libs"],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let found = [device_libraries(scene), rocm(scene), hip(scene), clang_path(scene)];
    found.into_iter().flatten().chain(shadowed(scene.inventory)).collect()
}

fn astray(severity: Severity, name: &str, value: &str, leads: &str, says: &str) -> Conflict {
    RULE.conflict(severity, format!("{name} leads {leads}"), vec![Evidence::variable(name, value, says)])
        .with_remedies([format!("unset {name}")])
}

/// The variables that name the folder of device libraries itself.
fn device_libraries(scene: &Scene<'_>) -> Option<Conflict> {
    for (name, severity) in [
        (DEVICE_LIBRARY_VARIABLE, Severity::Refuse),
        // Only hipcc reads it.
        ("DEVICE_LIB_PATH", Severity::Warn),
    ] {
        let Some(value) = variable(scene.inventory, name) else { continue };
        let folder = scene.inventory.real(value);
        let is_set = |folder: &String| {
            let names = |set: &crate::model::DeviceLibraries| {
                set.folder.as_str() == folder || set.also.iter().any(|other| other.as_str() == folder)
            };
            scene.inventory.device_libraries.iter().any(names)
        };
        if !folder.as_ref().is_some_and(is_set) {
            return Some(astray(severity, name, value, "to no device libraries", "no ocml.bc in it"));
        }
    }
    None
}

fn rocm(scene: &Scene<'_>) -> Option<Conflict> {
    let value = variable(scene.inventory, ROCM_VARIABLE)?;
    match scene.device_libraries() {
        Some((llvm, Pick::Astray { variable: ROCM_VARIABLE, .. })) => {
            let own = clang::own_device_libraries(scene.inventory, llvm);
            let is_empty = !holds_something(scene.inventory, value);
            // A toolchain may have none at all, and need none: then only a root that is not there leads astray.
            if own.is_none() && !is_empty {
                return None;
            }
            let severity = if is_empty { Severity::Refuse } else { scene.compiler_severity() };
            let mut conflict = astray(
                severity,
                ROCM_VARIABLE,
                value,
                "away from the device libraries",
                "no amdgcn/bitcode in it, and clang looks nowhere else",
            );
            let found = own.map(|set| Evidence::new(&set.folder, format!("{} would find these", llvm.clang)));
            conflict.evidence.extend(found);
            Some(conflict)
        }
        Some((llvm, Pick::Found { set, by: Some(ROCM_VARIABLE) })) => {
            let own =
                clang::own_device_libraries(scene.inventory, llvm).filter(|own| own.folder != set.folder)?;
            let mut conflict = astray(
                Severity::Warn,
                ROCM_VARIABLE,
                value,
                "to other device libraries than the compiler's own",
                &format!("leads to {}", set.folder),
            );
            conflict.evidence.push(Evidence::new(&own.folder, format!("{} would find these", llvm.clang)));
            Some(conflict)
        }
        _ => (!holds_something(scene.inventory, value))
            .then(|| astray(Severity::Refuse, ROCM_VARIABLE, value, "to nothing", "nothing of ROCm in it")),
    }
}

fn hip(scene: &Scene<'_>) -> Option<Conflict> {
    let value = variable(scene.inventory, "HIP_PATH")?;
    let header = scene.inventory.real(&format!("{value}/include/hip/hip_version.h"));
    let is_there =
        scene.inventory.hip_headers.iter().any(|headers| Some(headers.proof.as_str()) == header.as_deref());
    match (is_there, holds_something(scene.inventory, value)) {
        (true, _) => None,
        (false, false) => {
            Some(astray(Severity::Refuse, "HIP_PATH", value, "to nothing", "nothing of HIP in it"))
        }
        // Old HIPs have a folder of their own with links in it.
        (false, true) => {
            Some(astray(Severity::Warn, "HIP_PATH", value, "to no HIP headers", "no include/hip in it"))
        }
    }
}

fn clang_path(scene: &Scene<'_>) -> Option<Conflict> {
    let value = variable(scene.inventory, "HIP_CLANG_PATH")?;
    let folder = scene.inventory.real(value)?;
    let is_clangs = |path: &str| path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder);
    let is_there = scene.inventory.llvms.iter().any(|llvm| is_clangs(llvm.clang.as_str()))
        || scene.inventory.commands.iter().any(|command| is_clangs(command.at.as_str()));
    (!is_there).then(|| astray(Severity::Refuse, "HIP_CLANG_PATH", value, "to no clang", "no clang in it"))
}

/// Libraries of ROCm that hide others of the same name. That of LLVM is a rule of its own.
fn shadowed(inventory: &Inventory) -> Vec<Conflict> {
    let parts = [LibraryPart::HipRuntime, LibraryPart::Comgr, LibraryPart::Rocr];
    let mut sonames: Vec<&str> = parts
        .into_iter()
        .flat_map(|part| inventory.libraries(part))
        .filter_map(|library| library.soname.as_deref())
        .collect();
    sonames.sort_unstable();
    sonames.dedup();
    let hidden = |soname: &&str| {
        let copies = loader::copies(inventory, soname);
        let [first, other, ..] = copies.as_slice() else { return None };
        let place = match first.by {
            By::Variable(name) => format!("{name}={}", variable(inventory, name)?),
            By::Configuration(proof) => proof.to_string(),
            By::System => return None,
        };
        // A newer one has all that the older has.
        let lacks = other.library.defines.iter().find(|version| !first.library.defines.contains(version));
        let says = match lacks {
            Some(version) => {
                format!("is hidden, and has symbols of version {version}, which the other lacks")
            }
            None => "is hidden".to_owned(),
        };
        let severity = if lacks.is_some() { Severity::Refuse } else { Severity::Warn };
        Some(RULE.conflict(
            severity,
            format!("{} hides {}", first.library.path, other.library.path),
            vec![
                Evidence::new(place, "is searched first"),
                Evidence::new(&first.library.path, "is loaded"),
                Evidence::new(&other.library.path, says),
            ],
        ))
    };
    sonames.iter().filter_map(hidden).collect()
}

/// Whether anything of ROCm, HIP or LLVM lies in a folder: what a variable names was looked at, wherever it is.
fn holds_something(inventory: &Inventory, folder: &str) -> bool {
    let Some(folder) = inventory.real(folder) else { return true };
    let libraries = inventory.libraries.iter().map(|library| library.path.as_str());
    let sets = inventory.device_libraries.iter().map(|set| set.folder.as_str());
    let headers = inventory.hip_headers.iter().map(|headers| headers.proof.as_str());
    let llvms = inventory.llvms.iter().map(|llvm| llvm.clang.as_str());
    let trees = inventory.rocm_trees.iter().map(|tree| tree.root.as_str());
    libraries.chain(sets).chain(headers).chain(llvms).chain(trees).any(|path| lies_below(path, &folder))
}
