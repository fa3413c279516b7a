//! How many LLVMs a process with the library has.

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check};
use crate::model::{Evidence, GuestPath, LibraryPart, Tier};

pub(super) static CHECK: Check = Check {
    id: "one-llvm",
    tier: Tier::Static,
    title: "no second LLVM comes into the process",
    why: "\
COMGR compiles MIOpen's kernels with an LLVM. A second one in the same process, brought by another library that is needed, registers its
options and passes a second time: the program aborts, or code of one works on objects of the other. What the loader really maps is
counted, and LLVMs that are linked into a library with it.

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
    if runtime.loader.libraries.iter().all(|library| library.path.is_none()) {
        return Answer::skipped("the loader mapped nothing");
    }
    let mut llvms = Vec::new();
    for path in runtime.loader.libraries.iter().filter_map(|library| library.path.as_deref()) {
        let real = runtime.inventory.real(path).unwrap_or_else(|| path.to_owned());
        let known = runtime.inventory.library(&GuestPath::new(&real));
        let says = match known {
            Some(library) if library.part == LibraryPart::Llvm => Some("is an LLVM".to_owned()),
            // Linked into it, with its symbols hidden or not.
            Some(library) => library.holds.as_ref().map(|llvm| format!("holds LLVM {llvm}")),
            None => is_llvm(path).then(|| "is an LLVM by its name".to_owned()),
        };
        llvms.extend(says.map(|says| Evidence::new(path, says)));
    }
    match llvms.as_slice() {
        [] => Answer::passed("none is mapped at the start"),
        [one] => Answer::passed(format!("one: {} {}", one.place, one.says)).with(llvms.clone()),
        several => {
            Answer::failed(format!("{} LLVMs come into one process", several.len())).with(llvms.clone())
        }
    }
}

fn is_llvm(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_prefix("libLLVM").is_some_and(|rest| rest.starts_with(".so") || rest.starts_with('-'))
}
