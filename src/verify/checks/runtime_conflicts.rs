//! Whether the runtime's own parts fit together.

use super::subject::{RuntimeSeen, Subject};
use super::{Answer, Check};
use crate::model::{Evidence, Tier};
use crate::toolchain::rules::{Conflict, Scene, Severity, conflicts};

pub(super) static CHECK: Check = Check {
    id: "runtime-conflicts",
    tier: Tier::Static,
    title: "the parts of ROCm and LLVM in the runtime image fit together",
    why: "\
A library can be right and still fail beside parts of several ROCms or LLVMs. The rules that guard a build (`rdna-build explain` lists
them) are held against the image that the library is to run in.",
    needs: "a runtime image: the toolchain's, or one that --image names",
    remedies: &["see `rdna-build explain RULE` for each"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let runtime = match subject.runtime {
        RuntimeSeen::None { missing } => return Answer::skipped(missing),
        RuntimeSeen::Image(runtime) => runtime,
    };
    if runtime.inventory.libraries.is_empty() {
        return Answer::skipped(format!("{} holds no part of ROCm or LLVM that could be read", runtime.name));
    }
    let scene = Scene {
        inventory: &runtime.inventory,
        compiler: None,
        target: Some(subject.target),
        requirements: None,
    };
    let found = conflicts(&scene);
    let (refusing, warnings): (Vec<&Conflict>, Vec<&Conflict>) =
        found.iter().partition(|conflict| conflict.severity == Severity::Refuse);
    let evidence = found.iter().map(|conflict| Evidence::new(&conflict.rule, &conflict.what)).collect();
    match (refusing.first(), warnings.len()) {
        (Some(first), _) => Answer::failed(first.what.clone())
            .with(evidence)
            .with_remedies(refusing.iter().flat_map(|conflict| conflict.remedies.clone()).collect()),
        (None, 0) => Answer::passed(format!("no conflict known here in {}", runtime.name)),
        (None, warnings) => {
            Answer::passed(format!("none that breaks it, {warnings} that may")).with(evidence)
        }
    }
}
