//! All that will be done, in order, with a key per stage. Holds no time, no user name, no absolute host path.

use std::collections::BTreeMap;

use super::event::Stage;
use super::key::{Ingredients, Key};
use super::name::UnitId;
use super::package::About;
use super::patch::{PatchLeftOut, PlannedPatch};
use super::recipe::OutputSpec;
use super::script::Script;
use super::source::{PinnedSource, SourceSpec};

/// What a run will do. `plan … --json` prints it; executing it is the same run.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    pub schema: u32,
    pub units: Vec<PlannedUnit>,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlannedUnit {
    pub id: UnitId,
    /// Why this toolchain.
    pub reason: String,
    /// The source if its content is known, else what will be resolved on first fetch.
    pub source: Result<PinnedSource, SourceSpec>,
    pub patches: Vec<PlannedPatch>,
    /// Patches of the series that could have been applied and are not.
    pub left_out: Vec<PatchLeftOut>,
    /// Install prefix inside the container and of the package.
    pub prefix: String,
    pub options: BTreeMap<String, String>,
    /// What the recipe sets; the whole environment stands in `script`.
    pub environment: BTreeMap<String, String>,
    pub script: Script,
    /// Seconds since 1970 that stand in for "now" in everything built.
    pub source_date_epoch: u64,
    /// What the build must install, below the prefix.
    pub outputs: Vec<OutputSpec>,
    /// Package formats, at least one, each once.
    pub formats: Vec<String>,
    /// What the packages say of themselves.
    pub about: About,
    pub stages: Vec<PlannedStage>,
    pub cost: Cost,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct PlannedStage {
    pub stage: Stage,
    /// Of a package.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<String>,
    pub state: StageState,
    /// What enters the key, as far as it is known.
    pub ingredients: Ingredients,
}

/// What is known of a stage before anything ran.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StageState {
    /// The store holds it.
    Cached { key: Key },
    /// It will be made; `reasons` say what changed since the unit's last build, empty if there was none.
    ToDo { key: Key, reasons: Vec<String> },
    /// Its key depends on the result of an earlier stage.
    Unknown { after: Stage },
}

/// What a unit is expected to take, when it is not cached.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    /// Wall seconds; from the unit's last build where there was one, else from the recipe.
    pub seconds: u64,
    pub measured: bool,
    pub disk: u64,
    pub memory: u64,
    pub jobs: u32,
}

impl PlannedUnit {
    pub fn stage(&self, stage: Stage) -> Option<&PlannedStage> {
        self.stages.iter().find(|planned| planned.stage == stage)
    }
}

impl StageState {
    pub fn key(&self) -> Option<Key> {
        match self {
            StageState::Cached { key } | StageState::ToDo { key, .. } => Some(*key),
            StageState::Unknown { .. } => None,
        }
    }
}
