//! Whether every case comes to its end.

use super::{NEEDS_CARD, NEEDS_EMULATOR, computed, rest, some_of};
use crate::model::Tier;
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};

const TITLE: &str = "every case ends by itself: no fault, no hang, no call that fails";
const WHY: &str = "\
Each case is a process of its own with a limit of time. What it and the kernel say when it does not come to a good end is read for the
kinds of failure that are known: `rdna-build explain` lists them. After a hang nothing more is run on the card, and the remaining cases
are told as not run.

A case that ends well with a wrong result is for the check of results.";

pub(in crate::verify::checks) static ON_CARD: Check = Check {
    id: "gpu-ends",
    tier: Tier::Gpu,
    title: TITLE,
    why: WHY,
    needs: NEEDS_CARD,
    remedies: &[],
    run: |subject| run(subject, Tier::Gpu),
};

pub(in crate::verify::checks) static ON_EMULATOR: Check = Check {
    id: "emulated-ends",
    tier: Tier::Emulated,
    title: TITLE,
    why: WHY,
    needs: NEEDS_EMULATOR,
    remedies: &[],
    run: |subject| run(subject, Tier::Emulated),
};

fn run(subject: &Subject<'_>, tier: Tier) -> Answer {
    let computed = match computed(subject, tier) {
        Ok(computed) => computed,
        Err(answer) => return answer,
    };
    let tally = computed.tally();
    let rest = rest(computed, tally);
    let begun = tally.begun;
    let failures = computed.failures();
    let ended_badly: Vec<_> = failures.iter().filter(|(failure, _)| !failure.is_wrong_result()).collect();
    match (begun, ended_badly.is_empty()) {
        (0, true) => Answer::skipped(format!("no case was computed{rest}")),
        (_, true) => Answer::passed(format!("{begun} cases{rest}")),
        (_, false) => {
            let kinds: Vec<String> = ended_badly
                .iter()
                .map(|(failure, cases)| format!("{} ({})", failure.id, cases.len()))
                .collect();
            let evidence = ended_badly.iter().flat_map(|(_, cases)| cases.clone()).collect();
            let remedies = ended_badly.iter().flat_map(|(failure, _)| failure.remedies);
            Answer::failed(format!("{}{rest}", some_of(&kinds, 6)))
                .with(evidence)
                .with_remedies(remedies.map(|remedy| (*remedy).to_owned()).collect())
        }
    }
}
