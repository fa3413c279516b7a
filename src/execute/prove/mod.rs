//! Proofs of patches: both sides observed, or found observed, then judged.

mod commands;
mod compile;

use serde_json::json;

use super::build::Built;
use super::compile::MEMORY_PER_CASE;
use super::toolchain::Image;
use super::unit::{Account, installed, is_failed_build};
use super::{ExecuteError, Materials, Workshop, cleanup, guarded, json, prepare, source, toolchain};
use crate::build::lab::{Lab, LabSpec, PROOFS};
use crate::build::workspace::SourceTree;
use crate::model::{FileSet, PatchName, PinnedSource, PlannedUnit, Proof, ProofKind, Stage, Tree};
use crate::plan::key::{self, Keyed, ProofInputs};
use crate::plan::{build_key, jobs};
use crate::proof::{Observation, ProofResult, Tools, Verdict, judge};
use crate::store::Entry;

const OBSERVATION: &str = "observation.json";

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

/// All that one side is observed with.
struct Bench<'a> {
    proof: &'a Proof,
    unit: &'a PlannedUnit,
    pinned: PinnedSource,
    image: Image,
    source: SourceTree,
    /// What of it is there.
    part: Tree,
    files: FileSet,
    tools: Tools,
    /// The build whose result is there.
    built: Option<Keyed>,
}

async fn side(
    task: &ProofTask<'_>,
    unit: &PlannedUnit,
    name: &str,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<Side, ExecuteError> {
    let mut account = Account { workshop, unit: unit.id.file_stem(), stages: vec![] };
    let bench = match bench(task.proof, unit, materials, &mut account).await? {
        Ok(bench) => bench,
        Err(why) => return Ok(Side { seen: Err(why), cached: false }),
    };
    let keyed = bench.key(materials);
    let _lock = workshop.lock(&keyed.key, &account.unit, Stage::Proof).await?;
    if !workshop.limits.rebuild
        && let Some(entry) = workshop.find_whole(Stage::Proof, &keyed.key).await?
    {
        account.cached(Stage::Proof, keyed.key);
        return Ok(Side { seen: Ok(read(&entry)?), cached: true });
    }
    let built = match bench.install(materials, &mut account).await {
        Ok(built) => built,
        Err(error) if is_failed_build(&error) => {
            return Ok(Side { seen: Err(error.to_string()), cached: false });
        }
        Err(error) => return Err(error),
    };
    let started = account.started(Stage::Proof, format!("{} of {}, {name}", task.proof.id, task.patch));
    let seen = bench.observe(built, materials, &account).await?;
    keep(workshop, &keyed, &seen, &bench, started.elapsed().as_secs_f64()).await?;
    account.finished(Stage::Proof, keyed.key, started);
    Ok(Side { seen: Ok(seen), cached: false })
}

/// Finds or makes what a side needs, up to the patched source; or says what of it is not there.
async fn bench<'a>(
    proof: &'a Proof,
    unit: &'a PlannedUnit,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<Result<Bench<'a>, String>, ExecuteError> {
    let pinned = source::pin_planned(&unit.source, account.workshop).await?;
    let image = toolchain::ensure(unit, materials, account).await?;
    let source = prepare::ensure(unit, &pinned, materials, account).await?;
    let part = match &proof.kind {
        ProofKind::Compile(compile) => match compile::inputs(compile, &source.tree) {
            Ok(part) => part,
            Err(why) => return Ok(Err(why)),
        },
        ProofKind::Commands(_) => source.tree.clone(),
    };
    let toolchain = materials.toolchain(&unit.id.toolchain);
    let built = commands::is_on_installed(proof)
        .then(|| build_key(unit, &pinned, toolchain.definition(), image.identity));
    let tools = Tools {
        c: toolchain.compilers.c.to_string(),
        cxx: toolchain.compilers.cxx.to_string(),
        // Where they lie is found out in the container; it follows from the image and the compiler.
        llvm: "{llvm}".to_owned(),
        files: PROOFS.to_owned(),
    };
    let files = proof.files_of(&materials.recipe.files);
    Ok(Ok(Bench { proof, unit, pinned, image, source, part, files, tools, built }))
}

impl Bench<'_> {
    /// The key of what is observed.
    fn key(&self, materials: &Materials<'_>) -> Keyed {
        key::proof(&ProofInputs {
            definition: materials.toolchain(&self.unit.id.toolchain).definition(),
            identity: self.image.identity,
            source: self.part.digest(),
            commands: &match &self.proof.kind {
                ProofKind::Compile(compile) => compile::words(compile, self.unit, &self.tools),
                ProofKind::Commands(commands) => commands::words(commands, self.unit, &self.tools),
            },
            environment: &self.unit.script.environment,
            files: self.files.digest(),
            installed: self.built.as_ref().map(|keyed| keyed.key),
        })
    }

    /// What the proof looks at of a build, if it does: found, or built.
    async fn install(
        &self,
        materials: &Materials<'_>,
        account: &mut Account<'_>,
    ) -> Result<Option<Built>, ExecuteError> {
        let Some(keyed) = &self.built else { return Ok(None) };
        let unit_lock = key::lock(&account.unit);
        let _unit = account.workshop.lock(&unit_lock, &account.unit, Stage::Build).await?;
        let keyed = keyed.clone();
        installed(self.unit, keyed, &self.pinned, &self.image, materials, account).await.map(Some)
    }

    /// Runs the proof in a container of its own.
    async fn observe(
        &self,
        built: Option<Built>,
        materials: &Materials<'_>,
        account: &Account<'_>,
    ) -> Result<Observation, ExecuteError> {
        let workshop = account.workshop;
        let engine = workshop.engine().await?;
        let info = engine.info().await?;
        let builds = match &self.proof.kind {
            ProofKind::Compile(_) => false,
            ProofKind::Commands(commands) => commands::builds(commands),
        };
        let spec = LabSpec {
            image: self.image.id.clone(),
            unit: account.unit.clone(),
            labels: workshop.labels(),
            memory: workshop.limits.memory,
            ccache: builds.then(|| workshop.limits.ccache.clone()),
            gpu: None,
        };
        let lab = Lab::open(engine, &spec).await?;
        let tools = Tools { llvm: lab.llvm(&self.tools.c).await?, ..self.tools.clone() };
        lab.fill(self.source.clone(), self.part.nodes.keys().cloned().collect(), self.files.clone()).await?;
        if let Some(built) = built {
            lab.install(built.tree.clone(), built.files.clone()).await?;
        }
        // A step of the recipe's build needs what the build needs.
        let memory_per_job = match &self.proof.kind {
            ProofKind::Compile(_) => MEMORY_PER_CASE,
            ProofKind::Commands(_) => materials.recipe.build.memory_per_job,
        };
        let memory = workshop.limits.memory.unwrap_or(info.memory);
        let jobs = jobs(info.cpus, memory, memory_per_job, workshop.limits.jobs);
        let seen = match &self.proof.kind {
            ProofKind::Compile(compile) => {
                compile::observe(&lab, self, compile, &tools, jobs, account).await?
            }
            ProofKind::Commands(commands) => {
                commands::observe(&lab, self.unit, commands, &tools, jobs).await?
            }
        };
        lab.close().await?;
        Ok(seen)
    }
}

async fn keep(
    workshop: &Workshop,
    keyed: &Keyed,
    seen: &Observation,
    bench: &Bench<'_>,
    seconds: f64,
) -> Result<(), ExecuteError> {
    let detail =
        json!({ "proof": bench.proof.id, "unit": bench.unit.id.file_stem(), "image": bench.image.id });
    workshop.keep(Stage::Proof, keyed, (OBSERVATION, seen), seconds, detail).await
}

fn read(entry: &Entry) -> Result<Observation, ExecuteError> {
    json::read(&entry.content().join(OBSERVATION))
}
