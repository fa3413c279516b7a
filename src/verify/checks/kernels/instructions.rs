//! Whether the chip has every instruction, and none that it is known to stumble over.

use super::{NEEDS, each};
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-instructions",
    tier: Tier::Kernels,
    title: "no kernel holds an instruction that the target lacks or stumbles over",
    why: "\
gfx1010 has no dot products (v_dot), and no RDNA chip has the row_bcast and wave_shr of earlier ones: such code ends with an illegal
instruction. gfx10.1 ignores the offset of a flat access (LLVM: FlatSegmentOffsetBug), and LLVM lists s_inst_prefetch among what hangs it.
A disassembler that is told the target reads every kernel; a word that it cannot read is an instruction of another chip.

Compilers leave all of this out when they compile for the target, so that a hit is hand-written or foreign code. What the chip does with
such an instruction was not seen here.",
    needs: NEEDS,
    remedies: &["build with the patches of the recipe: they replace s_inst_prefetch and row_bcast"],
    run,
};

/// Mnemonics that gfx101x does not have, or should not execute.
const ON_RDNA1: [&str; 1] = ["s_inst_prefetch"];
/// What gfx1010 lacks and 1011 and 1012 have.
const DOT: &str = "v_dot";

fn run(subject: &Subject<'_>) -> Answer {
    each(
        subject,
        |count| format!("{count} objects disassembled"),
        |_, kernel, object| {
            let facts = &object.facts;
            let mut wrong = Vec::new();
            let mut count = |number: u64, what: &str| {
                if number > 0 {
                    wrong.push(format!("{number} × {what}"));
                }
            };
            count(facts.undecoded, "a word that is no instruction of the target");
            for mnemonic in ON_RDNA1 {
                count(facts.count(mnemonic), mnemonic);
            }
            if kernel.target.processor().as_str() == "gfx1010" {
                count(facts.count(DOT), "v_dot, which gfx1010 does not have");
            }
            count(facts.flat_with_offset, "a flat access with an offset, which gfx10.1 ignores");
            count(facts.old_dpp, "row_bcast or wave_shr, which RDNA does not have");
            wrong
        },
    )
}
