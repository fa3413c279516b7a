//! Proofs of patches: both sides observed, or found observed, then judged.

mod commands;
mod compile;

use serde_json::json;

use super::build::Built;
use super::toolchain::Image;
use super::unit::{Account, installed, is_failed_build};
use super::workshop::blocking;
use super::{ExecuteError, Materials, Workshop, cleanup, guarded, json, prepare, source, toolchain};
use crate::build::lab::{Lab, LabSpec, PROOFS};
use crate::build::workspace::SourceTree;
use crate::model::{FileSet, PatchName, PlannedUnit, Proof, ProofKind, Stage, Tree};
use crate::plan::key::{self, Keyed, ProofInputs};
use crate::plan::{build_key, jobs};
use crate::proof::{Observation, ProofResult, Tools, Verdict, judge};
use crate::store::{Entry, Made};

const OBSERVATION: &str = "observation.json";
/// What a compilation may take of the memory, in bytes.
const MEMORY_PER_CASE: u64 = 1 << 30;

/// One proof of one patch, with the units of both sides: those of the patches in front, and with the patch.
#[derive(Debug)]
pub struct ProofTask<'a> {
    pub patch: PatchName,
    pub proof: &'a Proof,
    pub before: PlannedUnit,
    pub after: PlannedUnit,
}

/// What was observed on one side, and whether it had to be.
struct Side {
    seen: Result<Observation, String>,
    cached: bool,
}

/// Runs proofs one after the other. A proof that fails is data; the others go on.
///
/// # Errors
/// Whatever makes going on pointless, as in [`super::run`]. Nothing of the run is left in the engine.
pub async fn prove(
    tasks: &[ProofTask<'_>],
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<Vec<ProofResult>, ExecuteError> {
    let work = async {
        let mut results = Vec::new();
        for task in tasks {
            results.push(one(task, materials, workshop).await?);
        }
        Ok(results)
    };
    let result = guarded(workshop, work).await;
    cleanup::run(workshop, result.is_err()).await;
    result
}

async fn one(
    task: &ProofTask<'_>,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<ProofResult, ExecuteError> {
    let before = side(task, &task.before, "without the patch", materials, workshop).await?;
    let after = side(task, &task.after, "with it", materials, workshop).await?;
    let result = |verdict, failures, figures| ProofResult {
        patch: task.patch.clone(),
        proof: Some(task.proof.id.clone()),
        summary: task.proof.summary.clone(),
        verdict,
        failures,
        figures,
        cached: before.cached && after.cached,
    };
    Ok(match (&before.seen, &after.seen) {
        (Ok(before), Ok(after)) => {
            let judged = judge(task.proof, &task.before.id.version, before, after);
            result(judged.verdict, judged.failures, judged.figures)
        }
        (before, after) => {
            let why = |name: &str, seen: &Result<Observation, String>| {
                seen.as_ref().err().map(|why| format!("{name}: nothing could be observed: {why}"))
            };
            let failures = [why("before", before), why("after", after)].into_iter().flatten().collect();
            result(Verdict::Failed, failures, vec![])
        }
    })
}

/// Everything that one side is observed with.
struct Bench<'a> {
    proof: &'a Proof,
    unit: &'a PlannedUnit,
    image: &'a Image,
    source: SourceTree,
    /// What of it is there.
    part: Tree,
    files: FileSet,
    built: Option<Built>,
    tools: Tools,
    jobs: u32,
}

async fn side(
    task: &ProofTask<'_>,
    unit: &PlannedUnit,
    name: &str,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<Side, ExecuteError> {
    let stem = unit.id.file_stem();
    let mut account = Account { workshop, unit: stem, stages: vec![] };
    let pinned = source::pin_planned(&unit.source, workshop).await?;
    let image = toolchain::ensure(unit, materials, &mut account).await?;
    let definition = materials.toolchain(&unit.id.toolchain).definition();
    let prepared = prepare::ensure(unit, &pinned, materials, &mut account).await?;
    let part = match &task.proof.kind {
        ProofKind::Compile(compile) => match compile::inputs(compile, &prepared.tree) {
            Ok(part) => part,
            Err(why) => return Ok(Side { seen: Err(why), cached: false }),
        },
        ProofKind::Commands(_) => prepared.tree.clone(),
    };
    let built = build_key(unit, &pinned, definition, image.identity);
    let installed_key = commands::is_on_installed(task.proof).then_some(built.key);
    let files = task.proof.files_of(&materials.recipe.files);
    let compilers = &materials.toolchain(&unit.id.toolchain).compilers;
    let mut tools = Tools {
        c: compilers.c.to_string(),
        cxx: compilers.cxx.to_string(),
        // Where they lie is found out in the container; it follows from the image and the compiler.
        llvm: "{llvm}".to_owned(),
        proofs: PROOFS.to_owned(),
    };
    let keyed = key::proof(&ProofInputs {
        definition,
        identity: image.identity,
        source: part.digest(),
        commands: &match &task.proof.kind {
            ProofKind::Compile(compile) => compile::words(compile, unit, &tools),
            ProofKind::Commands(commands) => commands::words(commands, unit, &tools),
        },
        environment: &unit.script.environment,
        files: files.digest(),
        installed: installed_key,
    });
    let _lock = workshop.lock(&keyed.key, &account.unit, Stage::Proof).await?;
    if !workshop.limits.rebuild
        && let Some(entry) = workshop.find(Stage::Proof, &keyed.key)?
    {
        account.cached(Stage::Proof, keyed.key);
        return Ok(Side { seen: Ok(read(&entry)?), cached: true });
    }
    let built = match installed_key {
        None => None,
        Some(_) => {
            let _unit = workshop.lock(&key::lock(&account.unit), &account.unit, Stage::Build).await?;
            match installed(unit, built, &pinned, &image, materials, &mut account).await {
                Ok(built) => Some(built),
                Err(error) if is_failed_build(&error) => {
                    return Ok(Side { seen: Err(error.to_string()), cached: false });
                }
                Err(error) => return Err(error),
            }
        }
    };
    let started = account.started(Stage::Proof, format!("{} of {}, {name}", task.proof.id, task.patch));
    let engine = workshop.engine().await?;
    let info = engine.info().await?;
    let memory = workshop.limits.memory.unwrap_or(info.memory);
    let spec = LabSpec {
        image: image.id.clone(),
        unit: account.unit.clone(),
        labels: workshop.labels(),
        memory: workshop.limits.memory,
        ccache: match &task.proof.kind {
            ProofKind::Commands(commands) if commands::builds(commands) => {
                Some(workshop.limits.ccache.clone())
            }
            ProofKind::Commands(_) | ProofKind::Compile(_) => None,
        },
    };
    let lab = Lab::open(engine, &spec).await?;
    tools.llvm = lab.llvm(&tools.c).await?;
    let (per_job, limit) = (memory_per_job(task.proof, materials), workshop.limits.jobs);
    let bench = Bench {
        proof: task.proof,
        unit,
        image: &image,
        source: prepared,
        part,
        files,
        built,
        tools,
        jobs: jobs(info.cpus, memory, per_job, limit),
    };
    let seen = match &task.proof.kind {
        ProofKind::Compile(compile) => compile::observe(&lab, &bench, compile, &account).await?,
        ProofKind::Commands(commands) => commands::observe(&lab, &bench, commands).await?,
    };
    lab.close().await?;
    let seconds = started.elapsed().as_secs_f64();
    keep(workshop, &keyed, &seen, &bench, seconds).await?;
    account.finished(Stage::Proof, keyed.key, started);
    Ok(Side { seen: Ok(seen), cached: false })
}

async fn keep(
    workshop: &Workshop,
    keyed: &Keyed,
    seen: &Observation,
    bench: &Bench<'_>,
    seconds: f64,
) -> Result<(), ExecuteError> {
    let draft = workshop.draft(Stage::Proof, &keyed.key)?;
    json::write(&draft.content().join(OBSERVATION), seen)?;
    let detail =
        json!({ "proof": bench.proof.id, "unit": bench.unit.id.file_stem(), "image": bench.image.id });
    let made = Made { ingredients: keyed.ingredients.clone(), seconds, detail };
    blocking(move || draft.commit(made)).await??;
    Ok(())
}

impl Bench<'_> {
    /// Sends what the proof may see.
    async fn fill(&self, lab: &Lab<'_>) -> Result<(), ExecuteError> {
        let paths = self.part.nodes.keys().cloned().collect();
        lab.fill(self.source.clone(), paths, self.files.clone()).await?;
        if let Some(built) = &self.built {
            lab.install(built.tree.clone(), built.files.clone()).await?;
        }
        Ok(())
    }
}

fn read(entry: &Entry) -> Result<Observation, ExecuteError> {
    json::read(&entry.content().join(OBSERVATION))
}

/// A step of the recipe's build needs what the build needs.
fn memory_per_job(proof: &Proof, materials: &Materials<'_>) -> u64 {
    match &proof.kind {
        ProofKind::Compile(_) => MEMORY_PER_CASE,
        ProofKind::Commands(_) => materials.recipe.build.memory_per_job,
    }
}
