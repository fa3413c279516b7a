//! Whether the kernels compile at all.

use super::{NEEDS, told_apart};
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check, some_of};
use crate::verify::kernels::KernelsState;

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-compile",
    tier: Tier::Kernels,
    title: "every kernel that the library can ask for compiles for the target",
    why: "\
MIOpen compiles its kernels on the user's machine, when they are first used. One that does not compile is a convolution, a
normalisation or a reduction that fails there, and nothing of that shows when the library is built: 27 variants of batch
normalisation of the unpatched MIOpen 3.3.0 are such. Each is compiled here, with the toolchain's own compiler and the macros that
the library's solvers pass, as the recipe lists them.

What the library's gates keep away from the target is compiled as well and told apart, and so is what compiles for no chip. The
compiler is called directly; that the library itself finds and calls its compiler is not shown.",
    needs: NEEDS,
    remedies: &[
        "build with the patches of the recipe",
        "see what the compiler said: `rdna-build verify --tier kernels --report json`",
    ],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let matrices = match &subject.kernels {
        KernelsState::None { missing } => return Answer::skipped(missing),
        KernelsState::Compiled(matrices) => matrices,
    };
    let kernels = || matrices.iter().flat_map(|matrix| &matrix.kernels);
    let total = kernels().count();
    let mut wrong = Vec::new();
    let mut kept_away = Vec::new();
    let mut known = 0;
    for kernel in kernels() {
        let failure = kernel.failure();
        match (&failure, &kernel.fails, &kernel.gated) {
            (None, None, _) => {}
            (Some(failure), None, None) => wrong.push(kernel.evidence(failure)),
            (Some(failure), None, Some(why)) => {
                kept_away.push(kernel.evidence(format!("{failure} (gate: {why})")))
            }
            (Some(_), Some(says), _) if kernel.compiled.log.contains(says.as_str()) => known += 1,
            (Some(failure), Some(_), _) => wrong.push(kernel.evidence(failure)),
            // The recipe's claim is out of date, which hides nothing.
            (None, Some(says), _) => {
                kept_away.push(kernel.evidence(format!("it compiles, and should say `{says}`")));
            }
        }
    }
    let mut notes = Vec::new();
    if known > 0 {
        notes.push(format!("{known} compile for no chip"));
    }
    if !kept_away.is_empty() {
        notes.push(format!("{} that the library never asks for fail", kept_away.len()));
    }
    let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
    match (total, wrong.len()) {
        (0, _) => Answer::skipped(format!("the recipe lists no kernel for {}", subject.target)),
        (total, 0) => Answer::passed(format!("{} of {total}{notes}", total - known - kept_away.len()))
            .with(told_apart(kept_away)),
        (total, failing) => {
            let names: Vec<&str> = wrong.iter().map(|evidence| evidence.place.as_str()).collect();
            Answer::failed(format!("{failing} of {total} do not: {}{notes}", some_of(&names, 3)))
                .with(wrong.into_iter().chain(told_apart(kept_away)).collect())
        }
    }
}
