//! `MIOPEN_FIND_ENFORCE` that makes MIOpen tune everything.

use super::override_set::{evidence, remedy};
use super::{Finding, Found, Patient, Severity};

pub(super) static FINDING: Finding = Finding {
    id: "exhaustive-search",
    title: "MIOPEN_FIND_ENFORCE makes MIOpen tune every convolution, which looks like a hang",
    why: "\
The values 3 (search) and 4 (search_db_update) make MIOpen try every variant of every solver for each new convolution, compiling each.
That takes minutes for one layer and half an hour for a network, with no output. Guides set it in the belief that it means \"use the
database only\".",
    remedies: &["unset MIOPEN_FIND_ENFORCE"],
    check,
};

fn check(patient: &Patient<'_>) -> Vec<Found> {
    let Some(variable) = patient.host.variable("MIOPEN_FIND_ENFORCE") else { return vec![] };
    let value = variable.value.to_ascii_lowercase();
    if !["3", "4", "search", "search_db_update"].contains(&value.as_str()) {
        return vec![];
    }
    let what = "MIOPEN_FIND_ENFORCE makes MIOpen tune every convolution";
    let consequence = "the first run of a model takes very long without output, which looks like a hang";
    vec![
        FINDING
            .found(Severity::Warning, what, vec![evidence(variable)], consequence)
            .with_remedies([remedy(variable)]),
    ]
}
