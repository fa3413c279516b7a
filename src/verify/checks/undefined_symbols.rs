//! Whether every symbol is defined somewhere.

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check, some_of};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "undefined-symbols",
    tier: Tier::Static,
    title: "every function and variable that the library uses is defined by what it needs",
    why: "\
Libraries of the right name can be of the wrong version: a function that is not in them ends the program when it is first called, which
may be hours later. The loader of the runtime image binds all of them at once (`ldd -r`).",
    needs: "a runtime image: the toolchain's, or one that --image names",
    remedies: &["use the runtime libraries of the release that the library was built with"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    let loader = &runtime.loader;
    if loader.needs_nothing {
        return Answer::skipped("it needs no library, and the loader does not look at its symbols then");
    }
    if !loader.missing().is_empty() || loader.libraries.is_empty() {
        return Answer::skipped("not all of the libraries that would define them are there");
    }
    if loader.undefined.is_empty() {
        return match loader.complaints.is_empty() {
            true => Answer::passed("the loader binds all of them"),
            false => Answer::skipped("the loader did not come that far"),
        };
    }
    let evidence = loader.undefined.iter().take(50).map(|name| Evidence::new(name, "nothing defines it"));
    Answer::failed(format!("undefined: {}", some_of(&loader.undefined, 4))).with(evidence.collect())
}
