//! What a run did, per unit. Decides the exit code.

use super::digest::Digest;
use super::event::Stage;
use super::key::Key;

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Report {
    pub run: String,
    pub units: Vec<UnitReport>,
    pub seconds: f64,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct UnitReport {
    pub unit: String,
    pub stages: Vec<StageReport>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct StageReport {
    pub stage: Stage,
    pub key: Key,
    pub cached: bool,
    pub seconds: f64,
}

/// A package in the output folder.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackageFile {
    pub path: String,
    /// Bytes.
    pub size: u64,
    pub sha256: Digest,
}

/// How a unit ended.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The packages, in the order in which their formats were asked for.
    Passed { packages: Vec<PackageFile> },
    /// The build itself failed: data, not an error of the tool.
    Failed { why: String, help: Option<String>, log: Option<String> },
    /// Not tried, because of what is missing.
    Skipped { missing: String },
}

impl Report {
    pub fn passed(&self) -> bool {
        self.units.iter().all(|unit| match unit.outcome {
            Outcome::Passed { .. } => true,
            Outcome::Failed { .. } | Outcome::Skipped { .. } => false,
        })
    }
}
