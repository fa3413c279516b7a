//! What will be done, decided before anything is done: a pure function of values.
//!
//! Does no IO. What has to be found out first comes in as [`Facts`]; which of its keys the store holds is asked in
//! between: [`wanted`] names those of a first plan, the second is told. Nothing but [`key`] makes a key.

pub mod key;
pub mod patches;
pub mod script;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    About, Cost, Digest, GfxTarget, Ingredients, Key, OptionValue, OutputSpec, PinnedSource, Plan,
    PlannedStage, PlannedUnit, Recipe, RecipeVersion, SourceSpec, Stage, StageState, Toolchain, UnitId,
};

use key::{BuildInputs, Keyed};

/// Stands in for "now" in everything built when `SOURCE_DATE_EPOCH` is not set: 1980-01-01, the first time that every
/// archive format can hold.
pub const DEFAULT_EPOCH: u64 = 315_532_800;

/// The version of this tool as it stands in manifests.
pub const TOOL: &str = concat!("rdna-build ", env!("CARGO_PKG_VERSION"));

/// What a person asked for, with every name resolved.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub recipe: &'a Recipe,
    pub version: &'a RecipeVersion,
    pub units: Vec<RequestedUnit<'a>>,
    /// The source if its content is known already.
    pub source: Result<PinnedSource, SourceSpec>,
    pub source_date_epoch: u64,
    /// Package formats, at least one, each once.
    pub formats: &'a [String],
    /// Counts what was published of one version.
    pub revision: &'a str,
    /// `Name <address>`, who answers for the packages.
    pub maintainer: &'a str,
    pub jobs: Option<u32>,
    pub memory: Option<u64>,
    /// Build and package anew even what the store holds.
    pub rebuild: bool,
}

/// What is asked for one target.
#[derive(Clone, Debug)]
pub struct RequestedUnit<'a> {
    pub target: GfxTarget,
    pub toolchain: &'a Toolchain,
    /// Why this toolchain.
    pub reason: String,
    pub patches: patches::Chosen,
}

/// What was found out before planning.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub cores: u32,
    /// Bytes.
    pub memory: u64,
    /// Toolchain key → identity of the image made for it.
    pub identities: BTreeMap<Key, Digest>,
    /// What the store holds of the keys that [`wanted`] named.
    pub held: BTreeSet<(Stage, Key)>,
    /// Unit's file stem → its last build.
    pub history: BTreeMap<String, History>,
}

/// A unit's last build, for "what changed" and "how long".
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct History {
    pub ingredients: Ingredients,
    /// Wall seconds of the build stage when it last ran.
    pub seconds: f64,
}

/// Jobs that cores and memory allow, at least one.
pub fn jobs(cores: u32, memory: u64, memory_per_job: u64, asked: Option<u32>) -> u32 {
    let by_memory = u32::try_from(memory / memory_per_job.max(1)).unwrap_or(u32::MAX);
    asked.unwrap_or(cores.min(by_memory)).max(1)
}

/// The keys of a plan that are known, to be looked up in the store before the plan that counts is made.
pub fn wanted(plan: &Plan) -> impl Iterator<Item = (Stage, Key)> {
    let stages = plan.units.iter().flat_map(|unit| &unit.stages);
    stages.filter_map(|planned| Some((planned.stage, planned.state.key()?)))
}

/// Decides everything that a run will do.
pub fn plan(request: &Request<'_>, facts: &Facts) -> Plan {
    let units = request.units.iter().map(|wanted| unit(request, facts, wanted)).collect();
    Plan { schema: 1, units }
}

fn unit(request: &Request<'_>, facts: &Facts, wanted: &RequestedUnit<'_>) -> PlannedUnit {
    let (recipe, target, toolchain) = (request.recipe, wanted.target, wanted.toolchain);
    let version = &request.version.version;
    let id = UnitId {
        recipe: recipe.name.clone(),
        version: version.clone(),
        target,
        toolchain: toolchain.id.clone(),
    };
    let fill = |text: &str, prefix: &str| {
        text.replace("{name}", recipe.name.as_str())
            .replace("{version}", &version.to_string())
            .replace("{target}", target.as_str())
            .replace("{prefix}", prefix)
    };
    let prefix = fill(&recipe.build.prefix, "");
    let environment: BTreeMap<_, _> =
        recipe.build.environment.iter().map(|(name, value)| (name.clone(), fill(value, &prefix))).collect();
    let options = options(recipe, |text| fill(text, &prefix));
    let script = script::cmake(script::ScriptInputs {
        toolchain,
        source_subdir: &recipe.build.source_subdir,
        prefix: &prefix,
        options: &options,
        environment: &environment,
        source_date_epoch: request.source_date_epoch,
    });
    let memory = request.memory.unwrap_or(facts.memory);
    let history = facts.history.get(&id.file_stem());
    let jobs = jobs(facts.cores, memory, recipe.build.memory_per_job, request.jobs);
    let cost = Cost {
        seconds: history
            .map_or(u64::from(recipe.build.minutes) * 60, |history| history.seconds.ceil() as u64),
        measured: history.is_some(),
        disk: recipe.build.disk,
        memory: recipe.build.memory_per_job * u64::from(jobs),
        jobs,
    };
    let mut unit = PlannedUnit {
        patches: wanted.patches.patches.clone(),
        left_out: wanted.patches.left_out.clone(),
        source: request.source.clone(),
        source_date_epoch: request.source_date_epoch,
        outputs: outputs(recipe, |text| fill(text, &prefix)),
        formats: request.formats.to_vec(),
        about: about(request, target),
        stages: vec![],
        id,
        reason: wanted.reason.clone(),
        prefix,
        options,
        environment,
        script,
        cost,
    };
    let identity = facts.identities.get(&key::toolchain(toolchain.definition()).key).copied();
    unit.stages = stages(&unit, toolchain.definition(), identity, facts, history, request.rebuild);
    unit
}

/// The stages with their keys, as far as source and toolchain identity are known.
fn stages(
    unit: &PlannedUnit,
    definition: Digest,
    identity: Option<Digest>,
    facts: &Facts,
    history: Option<&History>,
    rebuild: bool,
) -> Vec<PlannedStage> {
    let toolchain = Ok(key::toolchain(definition));
    let source = unit.source.as_ref().map(key::source).map_err(|_| Stage::Source);
    let prepared =
        unit.source.as_ref().map(|source| key::prepared(source, &unit.patches)).map_err(|_| Stage::Source);
    let known = match (&unit.source, identity) {
        (Ok(source), Some(identity)) => Ok((source, identity)),
        (Ok(_), None) => Err(Stage::Toolchain),
        (Err(_), _) => Err(Stage::Source),
    };
    let build = known.map(|(source, identity)| build_key(unit, source, definition, identity));
    let packages = unit.formats.iter().map(|format| {
        let keyed = known.map(|(source, identity)| package_key(unit, format, source, definition, identity));
        (Stage::Package, Some(format.clone()), keyed)
    });
    let stages = [toolchain, source, prepared, build].into_iter().zip(Stage::BUILD);
    // A folder is used as it lies: there is nothing to fetch.
    let is_folder = matches!(unit.source, Ok(PinnedSource::Folder { .. }));
    stages
        .map(|(keyed, stage)| (stage, None, keyed))
        .chain(packages)
        .filter(|(stage, ..)| !(is_folder && *stage == Stage::Source))
        .map(|(stage, format, keyed)| match keyed {
            Err(after) => PlannedStage {
                stage,
                format,
                state: StageState::Unknown { after },
                ingredients: Ingredients::default(),
            },
            Ok(Keyed { key, ingredients }) if rebuild && matches!(stage, Stage::Build | Stage::Package) => {
                let reasons = vec!["asked for by --rebuild".to_owned()];
                PlannedStage { stage, format, state: StageState::ToDo { key, reasons }, ingredients }
            }
            Ok(Keyed { key, ingredients }) if facts.held.contains(&(stage, key)) => {
                PlannedStage { stage, format, state: StageState::Cached { key }, ingredients }
            }
            Ok(Keyed { key, ingredients }) => {
                let reasons = match (stage, history) {
                    (Stage::Build, Some(history)) => changes(&ingredients, &history.ingredients),
                    _ => vec![],
                };
                PlannedStage { stage, format, state: StageState::ToDo { key, reasons }, ingredients }
            }
        })
        .collect()
}

/// What changed between two builds, in words. The script follows from options and environment, so that it is named
/// only when nothing else is.
pub fn changes(now: &Ingredients, before: &Ingredients) -> Vec<String> {
    let mut reasons: Vec<String> = now.since(before).iter().map(ToString::to_string).collect();
    if reasons.len() > 1 {
        reasons.retain(|reason| reason != "script changed");
    }
    reasons
}

/// The key of a unit's installed tree.
pub fn build_key(unit: &PlannedUnit, source: &PinnedSource, definition: Digest, identity: Digest) -> Keyed {
    key::build(source, &unit.patches, &inputs(unit, definition, identity))
}

/// The key of a unit's packages in one format.
pub fn package_key(
    unit: &PlannedUnit,
    format: &str,
    source: &PinnedSource,
    definition: Digest,
    identity: Digest,
) -> Keyed {
    key::package(source, &unit.patches, &inputs(unit, definition, identity), format, &unit.about, TOOL)
}

/// What packages of a recipe say of themselves.
fn about(request: &Request<'_>, target: GfxTarget) -> About {
    let (recipe, packaging) = (request.recipe, &request.recipe.packaging);
    let name = packaging.name.replace("{name}", recipe.name.as_str()).replace("{target}", target.as_str());
    About {
        name,
        revision: request.revision.to_owned(),
        maintainer: request.maintainer.to_owned(),
        summary: recipe.summary.clone(),
        homepage: recipe.homepage.clone(),
        license: recipe.license.clone(),
        debian: packaging.debian.clone(),
        rpm: packaging.rpm.clone(),
    }
}

fn inputs(unit: &PlannedUnit, definition: Digest, identity: Digest) -> BuildInputs<'_> {
    BuildInputs {
        recipe: &unit.id.recipe,
        version: &unit.id.version,
        target: unit.id.target,
        toolchain: &unit.id.toolchain,
        definition,
        identity,
        prefix: &unit.prefix,
        options: &unit.options,
        environment: &unit.environment,
        script: unit.script.digest(),
        source_date_epoch: unit.source_date_epoch,
        outputs: &unit.outputs,
    }
}

fn options(recipe: &Recipe, fill: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let mut options: BTreeMap<String, String> = recipe
        .build
        .options
        .iter()
        .map(|(name, value)| {
            let value = match value {
                OptionValue::Text(text) => fill(text),
                OptionValue::Switch(_) | OptionValue::Number(_) => value.to_string(),
            };
            (name.clone(), value)
        })
        .collect();
    if recipe.build.host_only {
        let flags = options.entry("CMAKE_CXX_FLAGS".to_owned()).or_default();
        *flags = format!("{flags} --offload-host-only").trim().to_owned();
    }
    options
}

fn outputs(recipe: &Recipe, fill: impl Fn(&str) -> String) -> Vec<OutputSpec> {
    recipe.outputs.iter().map(|output| OutputSpec { path: fill(&output.path), kind: output.kind }).collect()
}

#[cfg(test)]
mod tests;
