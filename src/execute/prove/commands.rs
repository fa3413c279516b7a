//! Observes commands.

use std::collections::BTreeMap;

use super::super::ExecuteError;
use crate::build::lab::Lab;
use crate::model::{CommandsProof, Ground, PlannedUnit, Proof, ProofKind, StepWork};
use crate::proof::{Observation, StepSeen, Tools, step_command};

pub(super) fn is_on_installed(proof: &Proof) -> bool {
    match &proof.kind {
        ProofKind::Compile(_) => false,
        ProofKind::Commands(commands) => commands.on == Ground::Installed,
    }
}

/// Whether a step of the recipe's build is among them.
pub(super) fn builds(commands: &CommandsProof) -> bool {
    commands.steps.iter().any(|step| matches!(step.does, StepWork::Build(_)))
}

/// Every command with its environment, as words. How many jobs run at once changes nothing that is observed.
pub(super) fn words(commands: &CommandsProof, unit: &PlannedUnit, tools: &Tools) -> Vec<Vec<String>> {
    let words = |step: &crate::model::ProofStep| {
        let (mut words, environment) = command(&step.does, unit, tools, 1);
        words.push(step.name.clone());
        words.extend(environment.iter().map(|(name, value)| format!("{name}={value}")));
        words
    };
    commands.steps.iter().map(words).collect()
}

/// A step's words and the environment they run in.
fn command(
    step: &StepWork,
    unit: &PlannedUnit,
    tools: &Tools,
    jobs: u32,
) -> (Vec<String>, BTreeMap<String, String>) {
    match step {
        StepWork::Build(step) => (unit.script.command(*step, jobs), unit.script.environment(*step)),
        StepWork::Command { command, environment } => {
            let (prefix, base) = (&unit.prefix, &unit.script.environment);
            step_command((command, environment), tools, prefix, unit.id.target.as_str(), jobs, base)
        }
    }
}

pub(super) async fn observe(
    lab: &Lab<'_>,
    unit: &PlannedUnit,
    commands: &CommandsProof,
    tools: &Tools,
    jobs: u32,
) -> Result<Observation, ExecuteError> {
    let mut seen = Vec::new();
    for step in &commands.steps {
        let (words, environment) = command(&step.does, unit, tools, jobs);
        let end = lab.run(&words, environment).await?;
        let failed = end.exit != 0;
        seen.push(StepSeen { name: step.name.clone(), exit: end.exit, log: end.log });
        if failed {
            break;
        }
    }
    Ok(Observation::Commands(seen))
}
