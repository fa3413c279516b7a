//! Whether all the library needs is there.

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check, some_of};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "needed-libraries",
    tier: Tier::Static,
    title: "the loader finds every library that is needed, and those that they need",
    why: "\
A library that is not found ends the program before its first line. The loader of the runtime image is asked, in a container without
network, to trace the library (`ldd`): it maps everything and executes nothing.

It shows that this image has them, not that another machine does; and a library that is opened by name while the program runs is not
looked for.",
    needs: "a runtime image: the toolchain's, or one that --image names",
    remedies: &["install what is missing, or build with a toolchain that has the runtime's libraries"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    let missing = runtime.loader.missing();
    if !missing.is_empty() {
        let evidence =
            missing.iter().map(|name| Evidence::new(name, format!("not found in {}", runtime.name)));
        return Answer::failed(format!("not found: {}", some_of(&missing, 4))).with(evidence.collect());
    }
    if let Some(complaint) = runtime.loader.complaints.first() {
        let evidence = runtime.loader.complaints.iter().map(|line| Evidence::new("loader", line));
        return Answer::failed(format!("the loader says: {complaint}")).with(evidence.collect());
    }
    match runtime.loader.libraries.len() {
        0 if runtime.loader.needs_nothing => Answer::passed("it needs none"),
        0 => Answer::failed("the loader named no library at all"),
        count => Answer::passed(format!("{count} libraries, all found in {}", runtime.name)),
    }
}
