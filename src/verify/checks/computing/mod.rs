//! The checks of the tiers `gpu` and `emulated`: both look at the same cases, computed on different things.

pub(super) mod device;
pub(super) mod ends;
pub(super) mod library;
pub(super) mod results;

use super::{Answer, some_of, subject};
use crate::model::Tier;
use crate::verify::computing::{Computed, ComputingState, Tally};

const NEEDS_CARD: &str =
    "a card of the target, its devices in the engine, and a package whose recipe has a suite";
const NEEDS_EMULATOR: &str = "an emulator (--emulator PREFIX), and a package whose recipe has a suite";

/// What was computed in a tier, or what a check that has nothing to look at says.
fn computed<'s>(subject: &'s subject::Subject<'_>, tier: Tier) -> Result<&'s Computed, Answer> {
    match state(subject, tier) {
        ComputingState::None { missing } => Err(Answer::skipped(missing)),
        ComputingState::Refused { says, .. } => Err(Answer::not_run(says)),
        ComputingState::Run(computed) => Ok(computed),
    }
}

fn state<'s>(subject: &'s subject::Subject<'_>, tier: Tier) -> &'s ComputingState {
    match tier {
        Tier::Emulated => &subject.emulated,
        Tier::Static | Tier::Kernels | Tier::Gpu => &subject.gpu,
    }
}

/// What was not computed, to stand behind a number.
fn rest(computed: &Computed, tally: Tally) -> String {
    let counts = [
        (tally.nothing, "had nothing to compute"),
        (tally.not_run, "were not run"),
        (computed.left_out, "were left out"),
    ];
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("; {count} {what}")).collect()
}
