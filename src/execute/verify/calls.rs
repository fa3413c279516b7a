//! Runs the programs of a recipe that call its library, in the container that holds it.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{ExecuteError, Workshop, json};
use super::VerifyTask;
use super::runtime::{Room, tools};
use super::subject::Opened;
use crate::model::{CallProgram, Digest, GfxTarget, Manifest, Recipe, Stage, StepWork, Toolchain};
use crate::plan::key::{self, CallInputs};
use crate::proof::{StepSeen, step_command};
use crate::verify::{CallsState, ProgramSeen};

const STEPS: &str = "steps.json";
/// What a step may take, in seconds: it compiles some kernels.
const LONGEST_STEP: u32 = 900;

pub(super) async fn run(
    task: &VerifyTask<'_>,
    opened: &Opened,
    recipe: Option<&Recipe>,
    target: GfxTarget,
    library: Digest,
    room: Option<&Room<'_>>,
    workshop: &Workshop,
) -> Result<CallsState, ExecuteError> {
    let none = |missing: &str| Ok(CallsState::None { missing: missing.to_owned() });
    let Some(manifest) = &opened.manifest else {
        return none("a foreign library comes without its headers");
    };
    let Some(recipe) = recipe.filter(|recipe| !recipe.calls.is_empty()) else {
        return none("the recipe has no program that calls the library");
    };
    let Some((room, toolchain)) = room.and_then(|room| Some((room, room.toolchain(task)?))) else {
        return none("the toolchain's image is not known here: its compiler makes the programs");
    };
    let mut seen = Vec::new();
    for program in &recipe.calls {
        let caller = Caller { recipe, manifest, toolchain, target, library, room };
        let steps = caller.steps(program, workshop).await?;
        seen.push(ProgramSeen {
            id: program.id.clone(),
            summary: program.summary.clone(),
            why: program.why.clone(),
            steps,
            wanted: program.steps.len(),
            says: program.says.clone(),
            silent: program.silent.clone(),
        });
    }
    Ok(CallsState::Run(seen))
}

struct Caller<'a> {
    recipe: &'a Recipe,
    manifest: &'a Manifest,
    toolchain: &'a Toolchain,
    target: GfxTarget,
    library: Digest,
    room: &'a Room<'a>,
}

impl Caller<'_> {
    /// What the steps of a program came to: remembered, or run now.
    async fn steps(&self, program: &CallProgram, workshop: &Workshop) -> Result<Vec<StepSeen>, ExecuteError> {
        let files = program.files_of(&self.recipe.files);
        let commands: Vec<(Vec<String>, BTreeMap<String, String>)> =
            program.steps.iter().map(|step| self.command(&step.does)).collect();
        let keyed = key::calls(&CallInputs {
            image: &self.room.image,
            library: self.library,
            files: files.digest(),
            commands: &commands,
        });
        if let Some(entry) = workshop.find_whole(Stage::Verify, &keyed.key).await? {
            return json::read(&entry.content().join(STEPS));
        }
        let started = std::time::Instant::now();
        self.room.lab.files(files).await?;
        let mut seen = Vec::new();
        for (step, (words, environment)) in program.steps.iter().zip(commands) {
            let limited = ["timeout", "-k", "5", &LONGEST_STEP.to_string()].map(str::to_owned);
            let end = self.room.lab.run(&[&limited[..], &words].concat(), environment).await?;
            let failed = end.exit != 0;
            seen.push(StepSeen { name: step.name.clone(), exit: end.exit, log: end.log });
            if failed {
                break;
            }
        }
        let detail = json!({ "calls": program.id, "library": self.library });
        let seconds = started.elapsed().as_secs_f64();
        workshop.keep(Stage::Verify, &keyed, (STEPS, &seen), seconds, detail).await?;
        Ok(seen)
    }

    fn command(&self, work: &StepWork) -> (Vec<String>, BTreeMap<String, String>) {
        let StepWork::Command { command, environment } = work else {
            unreachable!("a program has no step of a build")
        };
        let tools = tools(self.toolchain);
        let (prefix, base) = (&self.manifest.build.prefix, &self.manifest.build.environment);
        step_command((command, environment), &tools, prefix, self.target.as_str(), 1, base)
    }
}
