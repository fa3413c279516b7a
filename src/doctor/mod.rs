//! Why a machine can or cannot compute on its GPU, and whether it can build.
//!
//! One file a kind of finding: its words, and the check against the facts. Pure: facts come in, findings come out, each with the file
//! or variable that shows it. Gathering the facts is for `facts`, `inspect` and the engine.
//!
//! No card was there when this was written: what is said of hardware rests on the sources of drivers and libraries and on reports.

mod card_left_out;
mod device_denied;
mod device_missing;
mod engine_denied;
mod engine_unreachable;
mod exhaustive_search;
mod gpu_hidden;
mod gpu_not_visible;
mod harmful_parameter;
mod little_disk;
mod little_memory;
mod no_compute_driver;
mod no_gpu;
mod no_pcie_atomics;
mod override_mismatch;
mod override_set;
mod parameter_without_effect;
mod patient;
mod queue_size;
mod rocm_conflict;
mod several_gpus;
mod slowing_variable;
mod source_unreachable;
mod unsupported_gpu;
mod wsl;

pub use crate::model::Evidence;
pub use patient::{EngineAnswer, Needs, Patient, Place};

/// Every kind of finding: what keeps a GPU from being seen first, then what breaks it, then what builds need.
pub const FINDINGS: &[&Finding] = &[
    &wsl::FINDING,
    &no_gpu::FINDING,
    &unsupported_gpu::FINDING,
    &no_compute_driver::FINDING,
    &card_left_out::FINDING,
    &gpu_hidden::FINDING,
    &device_missing::FINDING,
    &device_denied::FINDING,
    &no_pcie_atomics::FINDING,
    &override_set::FINDING,
    &override_mismatch::FINDING,
    &gpu_not_visible::FINDING,
    &queue_size::FINDING,
    &harmful_parameter::FINDING,
    &exhaustive_search::FINDING,
    &slowing_variable::FINDING,
    &several_gpus::FINDING,
    &rocm_conflict::FINDING,
    &parameter_without_effect::FINDING,
    &engine_denied::FINDING,
    &engine_unreachable::FINDING,
    &little_memory::FINDING,
    &little_disk::FINDING,
    &source_unreachable::FINDING,
];

/// A kind of finding.
#[derive(Debug)]
pub struct Finding {
    /// e.g. `override-set`.
    pub id: &'static str,
    /// What is the matter, in one line.
    pub title: &'static str,
    /// Why it matters: paragraphs with an empty line between them.
    pub why: &'static str,
    /// What to type or change, one way each.
    pub remedies: &'static [&'static str],
    /// Finds it in the facts.
    pub check: fn(&Patient<'_>) -> Vec<Found>,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// It may break or slow something.
    Warning,
    /// It does not work like this.
    Error,
}

/// What does not work, or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    Computing,
    Building,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Found {
    /// The kind's id.
    pub finding: &'static str,
    pub severity: Severity,
    pub concerns: Concern,
    /// What is the matter here, in one sentence.
    pub what: String,
    /// Files and variables, and what they say.
    pub evidence: Vec<Evidence>,
    /// What follows from it.
    pub consequence: String,
    /// What to do here; the kind's own ways where nothing better is known.
    pub remedies: Vec<String>,
}

impl Finding {
    /// The kind with this id.
    pub fn by_id(id: &str) -> Option<&'static Finding> {
        FINDINGS.iter().copied().find(|finding| finding.id == id)
    }

    /// A finding about computing, with the kind's own remedies.
    fn found(
        &self,
        severity: Severity,
        what: impl Into<String>,
        evidence: Vec<Evidence>,
        consequence: impl Into<String>,
    ) -> Found {
        let remedies = self.remedies.iter().map(|remedy| (*remedy).to_owned()).collect();
        let (what, consequence) = (what.into(), consequence.into());
        let concerns = Concern::Computing;
        Found { finding: self.id, severity, concerns, what, evidence, consequence, remedies }
    }
}

impl Found {
    fn building(self) -> Self {
        Self { concerns: Concern::Building, ..self }
    }

    fn with_remedies(self, remedies: impl IntoIterator<Item = String>) -> Self {
        Self { remedies: remedies.into_iter().collect(), ..self }
    }
}

/// What was found in all, and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnosis {
    /// The most severe first.
    pub findings: Vec<Found>,
    /// Whether nothing is known that keeps it from computing on an RDNA1 GPU.
    pub can_compute: bool,
    /// The same of building; nothing where no engine was asked.
    pub can_build: Option<bool>,
}

/// Holds every kind of finding against the facts.
pub fn diagnose(patient: &Patient<'_>) -> Diagnosis {
    let mut findings: Vec<Found> = FINDINGS.iter().flat_map(|finding| (finding.check)(patient)).collect();
    findings.sort_by_key(|found| std::cmp::Reverse(found.severity));
    let is_free = |concern| {
        !findings.iter().any(|found| found.severity == Severity::Error && found.concerns == concern)
    };
    let can_compute = is_free(Concern::Computing);
    let can_build = match patient.engine {
        EngineAnswer::NotAsked => None,
        _ => Some(is_free(Concern::Building)),
    };
    Diagnosis { findings, can_compute, can_build }
}

#[cfg(test)]
mod tests;
