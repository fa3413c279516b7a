//! Observes a matrix of compilations.

use super::super::ExecuteError;
use super::super::compile::Compilations;
use super::super::unit::Account;
use super::Bench;
use crate::build::lab::{self, Lab};
use crate::model::{CompileProof, Event, PlannedUnit, Stage, Tree, Unit};
use crate::proof::{Observation, Tools, cases};

/// The part of a source that the proof sees, or which of its inputs is not there.
pub(super) fn inputs(compile: &CompileProof, tree: &Tree) -> Result<Tree, String> {
    let is_missing = |input: &&String| tree.part(std::slice::from_ref(*input)).nodes.is_empty();
    match compile.inputs.iter().find(is_missing) {
        Some(missing) => Err(format!("the source has no `{missing}`")),
        None => Ok(tree.part(&compile.inputs)),
    }
}

/// Every command, as words.
pub(super) fn words(compile: &CompileProof, unit: &PlannedUnit, tools: &Tools) -> Vec<Vec<String>> {
    let cases = cases(compile, &unit.id.version);
    let words = cases.iter().map(|case| case.command(&compile.command, tools, "{object}"));
    std::iter::once(vec![format!("{:?}", compile.result)]).chain(words).collect()
}

pub(super) async fn observe(
    lab: &Lab<'_>,
    bench: &Bench<'_>,
    compile: &CompileProof,
    tools: &Tools,
    parallel: u32,
    account: &Account<'_>,
) -> Result<Observation, ExecuteError> {
    let cases = cases(compile, &bench.unit.id.version);
    let commands: Vec<Vec<String>> = cases
        .iter()
        .enumerate()
        .map(|(number, case)| case.command(&compile.command, tools, &lab::result(number)))
        .collect();
    let total = commands.len() as u64;
    let mut done = |done| {
        account.workshop.events.emit(Event::Progress {
            unit: account.unit.clone(),
            stage: Stage::Proof,
            item: bench.proof.id.clone(),
            done,
            total,
            of: Unit::Objects,
        });
    };
    let compilations = Compilations {
        commands,
        environment: bench.unit.script.environment.clone(),
        llvm: tools.llvm.clone(),
        result: compile.result,
        parallel,
    };
    Ok(Observation::Compile(compilations.run(lab, &mut done).await?))
}
