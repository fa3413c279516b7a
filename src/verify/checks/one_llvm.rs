//! How many LLVMs a process with the library has.

use std::collections::BTreeSet;

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check};
use crate::model::{Evidence, FoundLibrary, GuestPath, Inventory, LibraryPart, Tier};

pub(super) static CHECK: Check = Check {
    id: "one-llvm",
    tier: Tier::Static,
    title: "no second LLVM comes into the process",
    why: "\
COMGR compiles MIOpen's kernels with an LLVM. A second one in the same process, brought by another library that is needed, registers its
options and passes a second time: the program aborts, or code of one works on objects of the other. What the loader really maps is
counted, what those libraries open by name while they run (HIP opens COMGR so), and LLVMs that are linked into a library.

`rdna-build explain two-libllvms` has more.",
    needs: "a runtime image: the toolchain's, or one that --image names",
    remedies: &["take COMGR and HIPRTC from one release, and build against those"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    if runtime.loader.needs_nothing {
        return Answer::skipped("it needs no library");
    }
    if runtime.loader.libraries.iter().all(|library| library.path.is_none()) {
        return Answer::skipped("the loader mapped nothing");
    }
    let inventory = &runtime.inventory;
    let mut reached = BTreeSet::new();
    for path in runtime.loader.libraries.iter().filter_map(|library| library.path.as_deref()) {
        // The kernel's own page has a name and no file.
        let Some(real) = inventory.real(path) else { continue };
        match known(inventory, &real) {
            Some(known) => {
                let closure = inventory.closure(known).into_iter();
                reached.extend(closure.map(|library| library.path.as_str().to_owned()));
            }
            None => {
                reached.insert(real);
            }
        }
    }
    let llvms: Vec<Evidence> =
        reached.iter().filter_map(|path| Some(Evidence::new(path, llvm_of(inventory, path)?))).collect();
    match llvms.as_slice() {
        [] => Answer::skipped("no LLVM is reached from it"),
        [one] => Answer::passed(format!("one: {} {}", one.place, one.says)).with(llvms.clone()),
        several => {
            Answer::failed(format!("{} LLVMs come into one process", several.len())).with(llvms.clone())
        }
    }
}

/// The library that the loader mapped. It names a link; the inventory knows the file at its end.
fn known<'i>(inventory: &'i Inventory, path: &str) -> Option<&'i FoundLibrary> {
    let is_linked = |library: &&FoundLibrary| {
        let folder = library.path.as_str().rsplit_once('/').map(|(folder, _)| folder);
        let linked = library.soname.as_ref().zip(folder).map(|(name, folder)| format!("{folder}/{name}"));
        linked.as_deref() == Some(path)
    };
    inventory.library(&GuestPath::new(path)).or_else(|| inventory.libraries.iter().find(is_linked))
}

/// What of an LLVM a library is or holds.
fn llvm_of(inventory: &Inventory, path: &str) -> Option<String> {
    match inventory.library(&GuestPath::new(path)) {
        Some(library) if library.part == LibraryPart::Llvm => Some("is an LLVM".to_owned()),
        // Linked into it, with its symbols hidden or not.
        Some(library) => library.holds.as_ref().map(|llvm| format!("holds LLVM {llvm}")),
        None => is_llvm(path).then(|| "is an LLVM by its name".to_owned()),
    }
}

fn is_llvm(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("libLLVM").is_some_and(|rest| rest.starts_with(".so") || rest.starts_with('-'))
}
