//! Whether what computed is the target.

use super::{NEEDS_CARD, NEEDS_EMULATOR, some_of, state};
use crate::model::{Evidence, Tier};
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};
use crate::verify::computing::ComputingState;

pub(in crate::verify::checks) static ON_CARD: Check = Check {
    id: "gpu-device",
    tier: Tier::Gpu,
    title: "the GPU that computes is the target, and nothing makes it pretend to be another",
    why: "\
The container gets the compute driver's device and one card's render node, by their numbers of groups, and nothing else of the machine.
HIP must then call the card by the target's own name. HSA_OVERRIDE_GFX_VERSION makes programs take a card for another chip, and code for
gfx1030 on gfx1010 is itself a known cause of crashes: where it is set, nothing is computed unless --allow-override asks for it.",
    needs: NEEDS_CARD,
    remedies: &["see what is wrong with the card or its devices: `rdna-build doctor`"],
    run: |subject| run(subject, Tier::Gpu),
};

pub(in crate::verify::checks) static ON_EMULATOR: Check = Check {
    id: "emulated-device",
    tier: Tier::Emulated,
    title: "the emulator computes its canaries rightly and is the target",
    why: "\
Builds of emulators are known that compute silently wrong on gfx1010. So small programs with known results come first: the sum of two
vectors, lanes and ballots of wave64, data-parallel primitives, local memory, atomics, a part of a workgroup, buffers and what stands for
none, half precision. Each output is filled with a pattern before it is
computed. An emulator that fails one is refused, and nothing else is said of it.

What passes them may still be wrong elsewhere.",
    needs: NEEDS_EMULATOR,
    remedies: &["take another build of the emulator", "see what the canaries said: `rdna-build verify --report json`"],
    run: |subject| run(subject, Tier::Emulated),
};

fn run(subject: &Subject<'_>, tier: Tier) -> Answer {
    let computed = match state(subject, tier) {
        ComputingState::None { missing } => return Answer::skipped(missing),
        ComputingState::Refused { says, evidence, remedies } => {
            return Answer::failed(says).with(evidence.clone()).with_remedies(remedies.clone());
        }
        ComputingState::Run(computed) => computed,
    };
    let target = subject.target.as_str();
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for case in &computed.cases {
        match &case.said.device {
            // `gfx1010:xnack- | name`: the processor, then its features.
            Some(device) if device.split([':', ' ']).next() == Some(target) => right.push(device.as_str()),
            Some(device) => wrong.push(Evidence::new(case.id(), format!("HIP calls it {device}"))),
            None => {}
        }
    }
    match (right.first(), wrong.first()) {
        (_, Some(_)) => {
            let names: Vec<&str> = wrong.iter().map(|evidence| evidence.says.as_str()).collect();
            Answer::failed(format!("it is no {target}: {}", some_of(&names, 2))).with(wrong)
        }
        (Some(device), None) => Answer::passed(format!("HIP calls it {device}")),
        (None, None) => Answer::skipped("no case came as far as telling what it runs on"),
    }
}
