//! Two LLVMs in one process, with nothing that keeps their symbols apart.

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, GuestPath, LibraryPart};
use crate::toolchain::clang::variable;

pub(super) static RULE: Rule = Rule {
    id: "two-libllvms",
    title: "two LLVMs are reachable in one process, and nothing keeps them apart",
    why: "\
LLVM registers its options and passes in tables of its own when it is loaded. With two copies whose symbols have the same names
and versions, the loader binds both to the first one: options register twice, which aborts the program, or the code of one works
on the objects of the other, which crashes at random.

Symbol versions (LLVM_19.1, LLVM_21.1) keep releases apart, and so does linking LLVM into a library that hides its symbols, as AMD's
COMGR does. libclang-cpp has no symbol versions: two of those are not kept apart, and one beside a libLLVM of another release
shares hundreds of names with it.",
    told_by: "\
a log says that an option is registered more than once, or has a stack trace through two libLLVMs. Before a build, \
what HIP, HIPRTC, COMGR and MIOpen load is followed to its end",
    remedies: &[
        "make the process reach one LLVM: the same for COMGR, Mesa and what else compiles in it",
        "take a foreign libLLVM out of LD_LIBRARY_PATH, LD_PRELOAD and /etc/ld.so.conf.d",
        "load HIP in a process of its own",
    ],
    signatures: &[
        signature(
            r"CommandLine Error: Option '(?P<option>[^']+)' registered more than once!",
            "two LLVMs registered the option `{option}` in one process",
        ),
        signature(
            r"LLVM ERROR: Option '(?P<option>[^']+)' already exists!",
            "two LLVMs registered the option `{option}` in one process",
        ),
        signature(
            r"inconsistency in registered CommandLine options",
            "two LLVMs registered their options in one process",
        ),
        // Lines of a stack trace: LLVM's own, gdb's or valgrind's.
        signature(
            r"\b(?P<library>libLLVM(?:-\d+)?\.so[\w.]*)(?:\s+0x[0-9a-f]{6,}\b|\+0x[0-9a-f]+\))",
            "code of {other} and of {library} runs in one process",
        )
        .twice("library", 100)
        .hint(),
        signature(
            r"\b0x[0-9a-fA-F]{6,}\b.*\b(?:from|in) \S*\b(?P<library>libLLVM(?:-\d+)?\.so[\w.]*)",
            "code of {other} and of {library} runs in one process",
        )
        .twice("library", 100)
        .hint(),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let parts = [LibraryPart::HipRuntime, LibraryPart::Miopen, LibraryPart::Hiprtc, LibraryPart::Comgr];
    let mut conflicts: Vec<Conflict> = preloaded(scene).into_iter().collect();
    for start in parts.into_iter().flat_map(|part| scene.inventory.libraries(part)) {
        let process = scene.inventory.closure(start);
        let Some((severity, one, other)) = together(&process) else { continue };
        let conflict = RULE.conflict(
            severity,
            format!("{} reaches both {} and {}", start.path, one.path, other.path),
            [one, other].map(|copy| Evidence::new(&copy.path, symbols(copy))).into(),
        );
        if conflicts.iter().all(|known| known.evidence != conflict.evidence) {
            conflicts.push(conflict);
        }
    }
    conflicts
}

/// The two libraries of a process that get into each other's way, and how surely they do.
fn together<'a>(process: &[&'a FoundLibrary]) -> Option<(Severity, &'a FoundLibrary, &'a FoundLibrary)> {
    let of = |part: LibraryPart| {
        process.iter().copied().filter(move |library| library.part == part).collect::<Vec<_>>()
    };
    let (llvms, clangs) = (of(LibraryPart::Llvm), of(LibraryPart::ClangCpp));
    if let Some((one, other)) = not_apart(&llvms).or_else(|| not_apart(&clangs)) {
        return Some((Severity::Refuse, one, other));
    }
    match (llvms.as_slice(), clangs.as_slice()) {
        // Versions keep the two libLLVMs apart, but not the names that libclang-cpp shares with both.
        ([_, _, ..], [clang]) => {
            let foreign =
                llvms.iter().find(|llvm| !clang.needed.values().flatten().any(|path| *path == llvm.path))?;
            Some((Severity::Warn, clang, foreign))
        }
        _ => None,
    }
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

/// A libLLVM that is forced into every process, the compiler's among them.
fn preloaded(scene: &Scene<'_>) -> Option<Conflict> {
    let value = variable(scene.inventory, "LD_PRELOAD")?;
    let llvm = scene.llvm()?;
    let own = llvm.libllvm.as_ref()?;
    let foreign = value.split([':', ' ']).find_map(|path| {
        let real = scene.inventory.real(path)?;
        let library = scene.inventory.library(&GuestPath::new(real))?;
        (library.part == LibraryPart::Llvm && library.path != *own).then_some(library)
    })?;
    Some(RULE.conflict(
        Severity::Refuse,
        format!("{} needs {own}, and LD_PRELOAD puts {} in front of it", llvm.clang, foreign.path),
        vec![
            Evidence::variable("LD_PRELOAD", value, "is loaded into every program"),
            Evidence::new(&foreign.path, symbols(foreign)),
            Evidence::new(&llvm.clang, format!("needs {own}")),
        ],
    ))
}

fn symbols(library: &FoundLibrary) -> String {
    match library.defines.as_slice() {
        [] => "symbols without versions".to_owned(),
        versions => format!("symbols of version {}", versions.join(", ")),
    }
}
