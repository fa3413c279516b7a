//! Another build of a libLLVM stands in front of the one that a program was linked with.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, LibraryPart};
use crate::toolchain::loader::{self, By, Candidate};

pub(super) static RULE: Rule = Rule {
    id: "libllvm-wrong-build",
    title: "a libLLVM of the same name hides the one that a program was linked with",
    why: "\
Two builds of LLVM can have the same name: libLLVM.so.19.1 of the distribution and of AMD's driver packages. The loader takes the
first in LD_LIBRARY_PATH or in what ldconfig was told. What only the other was built with, such as targets or versions of symbols,
is missing then.",
    told_by: "\
a log says that a version such as LLVM_19.1 is not found, or that a symbol of one is undefined. Before a build, the \
versions that libraries ask for are held against those of the libLLVM that the loader gives them",
    remedies: &[
        "take the folder out of LD_LIBRARY_PATH, or its file out of /etc/ld.so.conf.d and run ldconfig",
        "see which one is loaded: ldd PROGRAM | grep LLVM",
    ],
    signatures: &[
        signature(
            r"symbol lookup error: (?P<program>[^:]+):.*undefined symbol: (?P<symbol>\S+), version (?P<version>LLVM_[\w.]+)",
            "{program} needs {symbol} of {version}, which the libLLVM that is loaded does not have",
        ),
        signature(
            r"undefined symbol: (?P<symbol>\S+), version (?P<version>LLVM_[\w.]+)",
            "{symbol} of {version} is needed, and the libLLVM that is loaded does not have it",
        ),
        signature(
            r"(?P<library>[^\s:]+): version [`'](?P<version>LLVM_[\w.]+)' not found \(required by (?P<by>[^)]+)\)",
            "{by} needs {version}, and {library} is another build",
        ),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let inventory = scene.inventory;
    let mut conflicts: Vec<Conflict> =
        inventory.libraries.iter().filter_map(|user| lacks(scene, user)).collect();
    let mut sonames: Vec<&str> =
        inventory.libraries(LibraryPart::Llvm).filter_map(|library| library.soname.as_deref()).collect();
    sonames.sort_unstable();
    sonames.dedup();
    for soname in sonames {
        conflicts.extend(hidden(&loader::copies(inventory, soname)));
    }
    conflicts
}

/// A library that asks for versions of symbols which the libLLVM that it gets does not have.
fn lacks(scene: &Scene<'_>, user: &FoundLibrary) -> Option<Conflict> {
    let wanted = user.wants.iter().filter(|(name, _)| name.starts_with("libLLVM"));
    let (version, given) = wanted
        .flat_map(|(name, versions)| versions.iter().map(move |version| (name, version)))
        .find_map(|(name, version)| {
            let given = scene.inventory.library(user.needed.get(name)?.as_ref()?)?;
            (!given.defines.contains(version)).then_some((version, given))
        })?;
    Some(RULE.conflict(
        Severity::Refuse,
        format!("{} gets a libLLVM that is not the one it was linked with", user.path),
        vec![
            Evidence::new(&user.path, format!("needs symbols of version {version}")),
            Evidence::new(&given.path, has(given)),
        ],
    ))
}

/// Two copies of one name, of which the second is never loaded.
fn hidden(copies: &[Candidate<'_>]) -> Option<Conflict> {
    let [first, others @ ..] = copies else { return None };
    let other = others.first()?;
    let (place, says) = match first.by {
        By::Variable(name) => (name.to_owned(), "puts it in front"),
        By::Configuration(proof) => (proof.to_string(), "puts it in front"),
        By::System => return None,
    };
    let lacks = other.library.defines.iter().any(|version| !first.library.defines.contains(version));
    let severity = if lacks { Severity::Refuse } else { Severity::Warn };
    Some(RULE.conflict(
        severity,
        format!("{} hides {}", first.library.path, other.library.path),
        vec![
            Evidence::new(place, says),
            Evidence::new(&first.library.path, has(first.library)),
            Evidence::new(&other.library.path, has(other.library)),
        ],
    ))
}

fn has(library: &FoundLibrary) -> String {
    match library.defines.as_slice() {
        [] => "has symbols without versions".to_owned(),
        versions => format!("has symbols of version {}", versions.join(", ")),
    }
}
