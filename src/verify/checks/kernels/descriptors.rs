//! The memory-type default that kernels carry: word 3 of buffer resource descriptors.

use super::{NEEDS, each};
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-descriptors",
    tier: Tier::Kernels,
    title: "every buffer resource descriptor that can be seen is one of gfx10",
    why: "\
A buffer access takes a descriptor of four words; the last says format, bounds check and resource level, and its layout changed with
gfx10. A kernel that carries gfx9's 0x00027000 or 0x00020000 asks gfx10 for a bounds check under which every access is out of bounds:
reads give 0 and writes vanish, silently. On gfx10 the type (bits 31:30) is 0, bit 24, the resource level, is 1, the bounds check (bits 29:28)
and the format (bits 18:12) are not 0.

Only a constant that reaches a buffer instruction in a straight line can be seen. That gfx9's word fails on hardware follows from the
layouts in ROCr, Mesa and LLVM, and was not tried on a card.",
    needs: NEEDS,
    remedies: &["build with the patches static-ck-gfx10 and ck-config-gfx101x, and with buffer addressing off"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let passed = |count| format!("none of another generation in {count} objects");
    each(subject, passed, |_, _, object| {
        let wrong =
            object.facts.word3.iter().filter_map(|(word, uses)| Some((word, uses, objection(*word)?)));
        wrong.map(|(word, uses, why)| format!("word 3 is {word:#010x} in {uses} places: {why}")).collect()
    })
}

/// What is wrong with a word 3 on gfx10.x (ROCr, registers.h; Mesa and MLIR set bit 24 on every gfx10).
fn objection(word: u32) -> Option<&'static str> {
    let bits = |high: u32, low: u32| (word >> low) & ((1 << (high - low + 1)) - 1);
    if bits(31, 30) != 0 {
        Some("its type is not that of a buffer")
    } else if bits(24, 24) == 0 {
        Some("its resource level is 0")
    } else if bits(29, 28) == 0 {
        Some("its bounds check refuses every access")
    } else if bits(18, 12) == 0 {
        Some("it has no format")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::objection;

    #[test]
    fn the_words_of_gfx10_are_fine_and_those_of_gfx9_are_not() {
        for fine in [0x3101_4000, 0x3101_6000, 0x3100_4000, 0x1101_4000, 0x31c1_6000, 0x2101_4000] {
            assert_eq!(objection(fine), None, "{fine:#x}");
        }
        for wrong in [0x0002_7000, 0x0002_0000, 0xffff_ffff, 0x0101_4000, 0x3100_0000, 0] {
            assert!(objection(wrong).is_some(), "{wrong:#x}");
        }
    }
}
