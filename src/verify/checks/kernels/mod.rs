//! The checks of the tier `kernels`: all look at the same compilations.

pub(super) mod compile;
pub(super) mod descriptors;
pub(super) mod hazards;
pub(super) mod in_library;
pub(super) mod instructions;
pub(super) mod limits;
pub(super) mod target;

use super::subject::Subject;
use super::{Answer, some_of};
use crate::model::Evidence;
use crate::verify::kernels::{KernelSeen, KernelsState, MatrixSeen, ObjectSeen};

const NEEDS: &str = "a package whose recipe says which kernels its library compiles, the source it was made from, and its toolchain";

/// Holds every compiled kernel against a rule. `objections` says what is wrong with one.
fn each(
    subject: &Subject<'_>,
    passed: impl FnOnce(usize) -> String,
    objections: impl Fn(&MatrixSeen, &KernelSeen, &ObjectSeen) -> Vec<String>,
) -> Answer {
    let matrices = match &subject.kernels {
        KernelsState::None { missing } => return Answer::skipped(missing),
        KernelsState::Compiled(matrices) => matrices,
    };
    let (mut looked_at, mut wrong, mut kept_away) = (0, Vec::new(), Vec::new());
    for (matrix, kernel, object) in objects(matrices) {
        looked_at += 1;
        let objections = objections(matrix, kernel, object);
        if !objections.is_empty() {
            let list = if kernel.concerns_users() { &mut wrong } else { &mut kept_away };
            list.push(kernel.evidence(objections.join("; ")));
        }
    }
    let away = match kept_away.len() {
        0 => String::new(),
        count => format!("; {count} that the library never asks for would not hold"),
    };
    match (looked_at, wrong.first()) {
        (0, _) => Answer::skipped("no kernel was compiled that could be looked at"),
        (count, None) => Answer::passed(passed(count) + &away).with(told_apart(kept_away)),
        (count, Some(_)) => {
            let names: Vec<&str> = wrong.iter().map(|evidence| evidence.place.as_str()).collect();
            let says = format!("{} of {count}: {}{away}", wrong.len(), some_of(&names, 3));
            Answer::failed(says).with(wrong.into_iter().chain(told_apart(kept_away)).collect())
        }
    }
}

fn objects(matrices: &[MatrixSeen]) -> impl Iterator<Item = (&MatrixSeen, &KernelSeen, &ObjectSeen)> {
    let kernels =
        matrices.iter().flat_map(|matrix| matrix.kernels.iter().map(move |kernel| (matrix, kernel)));
    kernels.filter_map(|(matrix, kernel)| Some((matrix, kernel, kernel.object()?)))
}

fn told_apart(kept_away: Vec<Evidence>) -> Vec<Evidence> {
    let apart =
        |evidence: Evidence| Evidence { says: format!("(never asked for) {}", evidence.says), ..evidence };
    kept_away.into_iter().map(apart).collect()
}
