//! Whether the results are right.

use super::{NEEDS_CARD, NEEDS_EMULATOR, computed, rest, some_of};
use crate::model::{Evidence, Tier};
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};
use crate::verify::computing::RunEnd;

const TITLE: &str = "what is computed is what a reference on the processor computes";
const REMEDIES: &[&str] = &[
    "do not use the solver that is named: switch it off with its MIOPEN_DEBUG variable, and report it",
    "see every run: `rdna-build verify --report json`",
];

pub(in crate::verify::checks) static ON_CARD: Check = Check {
    id: "gpu-results",
    tier: Tier::Gpu,
    title: TITLE,
    why: "\
The recipe's program calls the library for known shapes: the convolution whose crash is reported most, squares around the size where
failures are reported to begin, layers of networks, and other operators. Every solution that the library offers is run, and each result
is compared with one that the program computes on the processor. Outputs are filled with a pattern first, so that what was not written
shows.

It shows that these shapes are right on this card with this driver. Others are not shown.",
    needs: NEEDS_CARD,
    remedies: REMEDIES,
    run: |subject| run(subject, Tier::Gpu),
};

pub(in crate::verify::checks) static ON_EMULATOR: Check = Check {
    id: "emulated-results",
    tier: Tier::Emulated,
    title: TITLE,
    why: "\
The recipe's program calls the library for small shapes, on an emulator of the chip that a person supplies, and compares with a reference
on the processor.

An emulator is no arbiter: it models no hazards, caches or timing, so that a pass proves nothing about a card; and a wrong result may be
the emulator's own.",
    needs: NEEDS_EMULATOR,
    remedies: REMEDIES,
    run: |subject| run(subject, Tier::Emulated),
};

fn run(subject: &Subject<'_>, tier: Tier) -> Answer {
    let computed = match computed(subject, tier) {
        Ok(computed) => computed,
        Err(answer) => return answer,
    };
    let (mut right, mut wrong) = (0, Vec::new());
    for case in &computed.cases {
        right += case.said.right();
        for run in &case.said.runs {
            if let RunEnd::Wrong(says) = &run.end {
                wrong.push(Evidence::new(case.id(), format!("{}: {says}", run.what)));
            }
        }
    }
    let tally = computed.tally();
    let rest = rest(computed, tally);
    let label = if tier == Tier::Emulated { ", emulated, not hardware" } else { "" };
    match (right, wrong.first()) {
        (0, None) => Answer::skipped(format!("no case gave a result{rest}")),
        (right, None) => Answer::passed(format!("{right} runs of {} cases{label}{rest}", tally.begun)),
        (_, Some(_)) => {
            let names: Vec<&str> = wrong.iter().map(|evidence| evidence.place.as_str()).collect();
            let says = format!(
                "{} of {} runs: {}{label}{rest}",
                wrong.len(),
                right + wrong.len(),
                some_of(&names, 3)
            );
            Answer::failed(says).with(wrong)
        }
    }
}
