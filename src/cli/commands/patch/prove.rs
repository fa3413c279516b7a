//! `rdna-build patch prove`: runs the proofs of patches, and records what they prove.

use std::path::PathBuf;

use crate::cli::args::{BuildArguments, PackageOptions, PatchOptions, ProveArguments};
use crate::cli::exit::{CliError, ExitCode};
use crate::cli::interrupt;
use crate::cli::render::{self, Page, proofs};
use crate::cli::settings::Settings;
use crate::cli::wire::{self, Job, Trace};
use crate::document::Origin;
use crate::execute::{self, ProofTask};
use crate::facts::Machine;
use crate::model::{LeftOutReason, PatchName, PatchSpec, PlannedPatch, PlannedUnit, Recipe};
use crate::plan::patches::{PatchChoice, Standing, check_known, choose, standings};
use crate::proof::{ProofReport, ProofResult, Verdict};
use crate::recipe::{PROVEN_FILE, Proven, RecipeBook, write_proven};
use crate::store::Store;

pub fn run(arguments: &ProveArguments, settings: &Settings) -> Result<ExitCode, CliError> {
    let book = RecipeBook::load(&settings.recipes)?;
    let recipe = wire::recipe(&book, &arguments.recipe)?;
    let record = match arguments.record {
        true => Some(record_file(&book, &recipe)?),
        false => None,
    };
    let store = Store::open(settings.store.as_path())?;
    let mut job = Job::resolve(&build_arguments(arguments, &recipe), settings, &store, Trace::StatCache)?;
    check_known(&job.recipe, &arguments.names)?;
    let machine = Machine::look();

    let mut skipped = Vec::new();
    let mut chosen: Vec<(PatchSpec, PlannedUnit, PlannedUnit)> = Vec::new();
    for patch in job.recipe.patches.clone() {
        if !arguments.names.is_empty() && !arguments.names.contains(&patch.name) {
            continue;
        }
        match sides(&mut job, &patch, settings, &store, &machine)? {
            Ok((before, after)) => chosen.push((patch, before, after)),
            // Nobody asked for a patch of other versions.
            Err(Standing::OtherVersion) if arguments.names.is_empty() => {}
            Err(standing) => skipped.push(skip(&patch, standing.reason())),
        }
    }
    let (target, toolchain) = (job.units[0].target, job.toolchains[job.units[0].toolchain].id.clone());
    let version = job.version.version.clone();
    let mut workshop = wire::looking_workshop(settings, &store, machine, job.lock.clone());
    workshop.limits.rebuild = arguments.again;
    let materials = job.materials();
    let mut tasks = Vec::new();
    for (patch, before, after) in &chosen {
        let ids = patch.variant(&version).map(|variant| variant.proofs.as_slice()).unwrap_or_default();
        if ids.is_empty() {
            skipped.push(skip(patch, "it has no proof".to_owned()));
        }
        let proofs = materials.recipe.proofs.iter().filter(|proof| ids.contains(&proof.id));
        tasks.extend(proofs.map(|proof| ProofTask {
            patch: patch.name.clone(),
            proof,
            before: before.clone(),
            after: after.clone(),
        }));
    }
    let mut results = interrupt::run(&workshop.cancel, execute::prove(&tasks, &materials, &workshop))?;
    results.extend(skipped);
    let place = |name: &PatchName| materials.recipe.patches.iter().position(|patch| patch.name == *name);
    results.sort_by_key(|result| place(&result.patch));
    let recipe = materials.recipe;
    let report = ProofReport { recipe: recipe.name.clone(), version, target, toolchain, results };
    match settings.json() {
        true => render::print_json(&report)?,
        false => render::print(&proofs::text(&report, Page::stdout(settings)))?,
    }
    if let Some(file) = record {
        write_record(recipe, &report, file)?;
    }
    Ok(code(&report))
}

fn code(report: &ProofReport) -> ExitCode {
    if report.count(Verdict::is_bad) > 0 {
        return ExitCode::VerificationFailed;
    }
    match report.count(|verdict| *verdict == Verdict::Passed) {
        0 => ExitCode::NothingVerified,
        _ => ExitCode::Fine,
    }
}

/// A build that applies all that can be applied: what is proven here may not be proven yet.
fn build_arguments(arguments: &ProveArguments, recipe: &Recipe) -> BuildArguments {
    let target = arguments.target.or_else(|| recipe.targets.first().copied());
    BuildArguments {
        recipe: arguments.recipe.clone(),
        targets: target.into_iter().collect(),
        version: arguments.version.clone(),
        source: arguments.source.clone(),
        toolchain: arguments.toolchain.clone(),
        rebuild: false,
        keep_failed: false,
        patches: PatchOptions { unproven_patches: true, ..PatchOptions::default() },
        packages: PackageOptions::default(),
        settings: arguments.settings.clone(),
    }
}

/// The units without the patch and with it: the patches in front of it are on both sides, none behind it is.
fn sides(
    job: &mut Job,
    patch: &PatchSpec,
    settings: &Settings,
    store: &Store,
    machine: &Machine,
) -> Result<Result<(PlannedUnit, PlannedUnit), Standing>, CliError> {
    let toolchain = &job.toolchains[job.units[0].toolchain];
    let mut choice = PatchChoice { unproven: true, ..PatchChoice::default() };
    let weighed = standings(&job.recipe, &job.version.version, toolchain, &choice)?;
    let own = weighed.into_iter().find(|weighed| weighed.patch.name == patch.name);
    match own.map(|weighed| weighed.standing) {
        Some(Standing::Applied) | None => {}
        // It brings what it needs.
        Some(Standing::LeftOut(LeftOutReason::OptIn)) => drop(choice.with.insert(patch.name.clone())),
        Some(standing) => return Ok(Err(standing)),
    }
    let all = choose(&job.recipe, &job.version.version, toolchain, &choice)?.patches;
    let at = all.iter().position(|planned| planned.name == patch.name).unwrap_or(all.len());
    let mut unit = |patches: &[PlannedPatch]| -> Result<PlannedUnit, CliError> {
        job.units[0].patches.patches = patches.to_vec();
        let mut plan = job.plan(settings, store, machine)?;
        Ok(plan.units.remove(0))
    };
    Ok(Ok((unit(&all[..at])?, unit(&all[..=at])?)))
}

fn skip(patch: &PatchSpec, why: String) -> ProofResult {
    ProofResult {
        patch: patch.name.clone(),
        proof: None,
        summary: String::new(),
        verdict: Verdict::Skipped { why },
        failures: vec![],
        figures: vec![],
        cached: false,
    }
}

/// Where records go, asked before anything is run.
fn record_file(book: &RecipeBook, recipe: &Recipe) -> Result<PathBuf, CliError> {
    match book.origin(recipe.name.as_str())? {
        Origin::Folder(folder) => Ok(folder.join(PROVEN_FILE).as_path().to_owned()),
        Origin::Embedded => Err(CliError::Usage {
            message: format!(
                "the recipe {} is part of this program: nothing can be recorded in it",
                recipe.name
            ),
            help: Some("name the folder that holds its folder: --recipes DIR".to_owned()),
        }),
    }
}

/// Replaces the records of what was run; those of other versions stay.
fn write_record(recipe: &Recipe, report: &ProofReport, file: PathBuf) -> Result<(), CliError> {
    let ran: Vec<&PatchName> =
        report.results.iter().filter(|result| result.proof.is_some()).map(|result| &result.patch).collect();
    let mut records = Proven::all(recipe);
    records.retain(|record| record.version != report.version || !ran.contains(&&record.patch));
    let proven = recipe.patches.iter().filter(|patch| report.is_proven(&patch.name));
    records.extend(proven.filter_map(|patch| Proven::now(recipe, patch, &report.version, &report.toolchain)));
    let place = |record: &Proven| recipe.patches.iter().position(|patch| patch.name == record.patch);
    records.sort_by(|one, other| place(one).cmp(&place(other)).then(one.version.cmp(&other.version)));
    std::fs::write(&file, write_proven(&records)).map_err(|source| CliError::Write { path: file, source })
}
