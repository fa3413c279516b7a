//! `[commands]`: commands in a container, and what they must say.

use std::collections::BTreeMap;

use super::super::keys::{COMMANDS, COMMANDS_SIDE, STEP};
use super::{command, texts};
use crate::document::{Field, variable};
use crate::model::{CommandsExpectation, CommandsProof, Ground, ProofStep, Step, StepWork};

/// What a word of a command may stand for.
pub(in crate::recipe) const PLACEHOLDERS: [&str; 9] = ["c", "cxx", "llvm", "proofs", "source", "build", "prefix", "target", "jobs"];
const GROUNDS: [(&str, Ground); 2] = [("source", Ground::Source), ("installed", Ground::Installed)];
const STEPS: [(&str, Step); 3] =
    [("configure", Step::Configure), ("build", Step::Build), ("install", Step::Install)];

pub(super) fn read(field: &Field<'_>) -> Option<CommandsProof> {
    let section = field.section(COMMANDS)?;
    let on = section.required("on", |field| field.choice(&GROUNDS));
    let mut names = Vec::new();
    let steps = section.required("steps", |field| {
        let steps = field.each(|field| step(&field, &mut names))?;
        if steps.is_empty() {
            return field.wrong("without steps nothing is observed", None);
        }
        Some(steps)
    });
    let before = section.required("before", |field| side(&field, &names));
    let after = section.required("after", |field| side(&field, &names));
    let (steps, before, after) = (steps?, before?, after?);
    if before == after {
        return field.wrong("the same is expected without the patch as with it: that proves nothing", None);
    }
    Some(CommandsProof { on: on?, steps, before, after })
}

/// A step; its name is its own among `names`.
pub(in crate::recipe) fn step(field: &Field<'_>, names: &mut Vec<String>) -> Option<ProofStep> {
    let section = field.section(STEP)?;
    let name = section.required("name", |field| {
        let name = field.line()?;
        if names.contains(&name) {
            return field.wrong(format!("two steps are named `{name}`"), None);
        }
        names.push(name.clone());
        Some(name)
    });
    let build = section.optional("step", |field| field.choice(&STEPS));
    let words = section.optional("command", |field| command(&field, &PLACEHOLDERS));
    let environment = section.or("environment", BTreeMap::new(), |field| {
        field.map(variable, |field| field.template(&PLACEHOLDERS))
    });
    let does = match (build?, words?) {
        (Some(step), None) => StepWork::Build(step),
        (None, Some(command)) => StepWork::Command { command, environment: environment? },
        (None, None) | (Some(_), Some(_)) => {
            return field.wrong("a step has either `step`, one of the recipe's build, or a `command`", None);
        }
    };
    Some(ProofStep { name: name?, does })
}

fn side(field: &Field<'_>, steps: &[String]) -> Option<CommandsExpectation> {
    let section = field.section(COMMANDS_SIDE)?;
    let fails = section.optional("fails", |field| {
        let name = field.line()?;
        if steps.contains(&name) {
            return Some(name);
        }
        field.wrong(format!("no step is named `{name}`"), None)
    });
    let says = section.or("says", Vec::new(), |field| texts(&field));
    let silent = section.or("silent", Vec::new(), |field| texts(&field));
    Some(CommandsExpectation { fails: fails?, says: says?, silent: silent? })
}
