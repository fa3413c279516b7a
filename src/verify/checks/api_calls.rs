//! Whether the library does what can be done without a GPU.

use super::subject::Subject;
use super::{Answer, Check, some_of};
use crate::model::{Evidence, Tier};
use crate::verify::calls::CallsState;

pub(super) static CHECK: Check = Check {
    id: "api-calls",
    tier: Tier::Kernels,
    title: "calls of the library that need no GPU go well, its own compiling among them",
    why: "\
Some defects need the library itself to show: MIOpen 3.3.0 with today's frugally-deep links and then fails every convolution, because the models
of its heuristics cannot be read; with LLVM 21 every search for a Winograd kernel fails, because the library passes an option that the
compiler no longer has. The recipe's programs call the library in the container, with a stand-in for the HIP runtime that says it is the chip,
takes code only if it is for the chip, and computes nothing. The library compiles with its own options and its own COMGR and HIPRTC.

No result is looked at, as nothing is computed.",
    needs: "a package whose recipe has such programs, and its toolchain",
    remedies: &["see what the programs said: `rdna-build verify --tier kernels --report json`"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let programs = match &subject.calls {
        CallsState::None { missing } => return Answer::skipped(missing),
        CallsState::Run(programs) => programs,
    };
    let mut wrong = Vec::new();
    let mut evidence = Vec::new();
    for program in programs {
        match program.failure() {
            Some(failure) => {
                wrong.push(program.id.as_str());
                evidence.push(Evidence::new(&program.id, format!("{failure}; then {}", program.why)));
            }
            None => evidence.push(Evidence::new(&program.id, &program.summary)),
        }
    }
    match (programs.len(), wrong.is_empty()) {
        (0, _) => Answer::skipped("the recipe has no program that calls the library"),
        (count, true) => Answer::passed(format!("{count} programs")).with(evidence),
        (_, false) => Answer::failed(format!("these fail: {}", some_of(&wrong, 6))).with(evidence),
    }
}
