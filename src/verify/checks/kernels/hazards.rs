//! A listed hardware hazard of gfx10.1.

use super::{NEEDS, each, objects};
use crate::model::{CheckOutcome, Tier};
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};
use crate::verify::kernels::KernelsState;

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-hazards",
    tier: Tier::Kernels,
    title: "no compiled kernel changes a register that a memory access may still read",
    why: "\
gfx10.1 lets a scalar instruction overwrite a register that a memory access in front of it has not read yet (LLVM:
VMEMtoScalarWriteHazard); the access then goes to a wild address. Compilers put an instruction in between when they compile for the target:
650 kernels of rocBLAS for gfx1010 have no such place, and each of its tuned kernels for gfx1030 has. So code for another chip shows.

AMD's hand-written Winograd kernels for gfx10 have such places, and their author says that they work on all of gfx10: there they are told, and do
not fail. Only code without jumps is looked at. How often the hazard strikes on a card is not known here.",
    needs: NEEDS,
    remedies: &["compile for the target itself: code for gfx1030 does not run safely on gfx1010"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let answer = each(
        subject,
        |count| format!("none in {count} objects"),
        |matrix, _, object| match object.facts.scalar_write_hazards {
            0 => vec![],
            _ if matrix.hand_written => vec![],
            count => vec![format!("{count} places")],
        },
    );
    let KernelsState::Compiled(matrices) = &subject.kernels else { return answer };
    let by_hand: u64 = objects(matrices)
        .filter(|(matrix, ..)| matrix.hand_written)
        .map(|(_, _, object)| object.facts.scalar_write_hazards)
        .sum();
    match (by_hand, &answer.outcome) {
        (1.., CheckOutcome::Passed) => {
            let says = format!("{}, but for {by_hand} places in hand-written ones", answer.says);
            Answer { says, ..answer }
        }
        _ => answer,
    }
}
