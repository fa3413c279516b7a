//! Two LLVMs in one process, with nothing that keeps their symbols apart.

use std::collections::BTreeMap;

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, LibraryPart};

pub(super) static RULE: Rule = Rule {
    id: "two-libllvms",
    title: "two LLVMs are reachable in one process, and nothing keeps them apart",
    why: "\
LLVM registers its options and passes in tables of its own when it is loaded. With two copies whose symbols have the same names
and versions, the loader binds both to the first one: options register twice, which aborts the program, or the code of one works
on the objects of the other, which crashes at random.

Symbol versions (LLVM_19.1, LLVM_21.1) keep releases apart, and so does linking LLVM into a library that hides its symbols, as AMD's
COMGR does. libclang-cpp has no symbol versions: two of those are not kept apart.",
    remedies: &[
        "make the process reach one LLVM: the same for COMGR, Mesa and what else compiles in it",
        "take a foreign libLLVM out of LD_LIBRARY_PATH, LD_PRELOAD and /etc/ld.so.conf.d",
        "load HIP in a process of its own",
    ],
    signatures: &[
        signature(r"CommandLine Error: Option '(?P<option>[^']+)' registered more than once!"),
        signature(r"inconsistency in registered CommandLine options"),
        signature(r"LLVM ERROR: Option '(?P<option>[^']+)' already exists!"),
    ],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    let inventory = scene.inventory;
    let parts = [LibraryPart::HipRuntime, LibraryPart::Miopen, LibraryPart::Hiprtc, LibraryPart::Comgr];
    for start in parts.into_iter().flat_map(|part| inventory.libraries(part)) {
        let closure = inventory.closure(start);
        let mut kinds: BTreeMap<LibraryPart, Vec<&FoundLibrary>> = BTreeMap::new();
        for library in closure {
            let kind = kinds.entry(library.part).or_default();
            if !kind.iter().any(|known| known.path == library.path) {
                kind.push(library);
            }
        }
        for part in [LibraryPart::Llvm, LibraryPart::ClangCpp] {
            let copies = kinds.get(&part).map(Vec::as_slice).unwrap_or_default();
            if let Some((one, other)) = not_apart(copies) {
                let conflict = RULE.conflict(
                    Severity::Refuse,
                    format!("{} reaches both {} and {}", start.path, one.path, other.path),
                    [one, other].map(|copy| Evidence::new(&copy.path, symbols(copy))).into(),
                );
                if !conflicts.iter().any(|known| known.evidence == conflict.evidence) {
                    conflicts.push(conflict);
                }
            }
        }
    }
    conflicts
}

/// Two copies whose symbols the loader cannot tell apart.
fn not_apart<'a>(copies: &[&'a FoundLibrary]) -> Option<(&'a FoundLibrary, &'a FoundLibrary)> {
    let pairs = copies
        .iter()
        .enumerate()
        .flat_map(|(at, one)| copies[at + 1..].iter().map(move |other| (*one, *other)));
    pairs.into_iter().find(|(one, other)| {
        one.defines == other.defines || one.defines.is_empty() || other.defines.is_empty()
    })
}

fn symbols(library: &FoundLibrary) -> String {
    match library.defines.as_slice() {
        [] => "symbols without versions".to_owned(),
        versions => format!("symbols of version {}", versions.join(", ")),
    }
}
