//! Conflict rules: which parts of a toolchain cannot work together, why, what proves it, and what to do.
//!
//! One file a rule: its words, the check against an inventory, and the texts by which a failed build's log shows it.
//! Pure: an inventory or a log comes in, conflicts come out. A rule that lacks the evidence says nothing.

mod code_object_version;
mod comgr_llvm_differs;
mod compiler_without_device_libs;
mod data_layout_differs;
mod device_libs_lack_target;
mod device_libs_newer;
mod hip_headers_newer_than_clang;
mod hip_headers_runtime;
mod libllvm_wrong_build;
mod linker_missing;
mod requirement_unmet;
mod rocblas_lacks_target;
mod rocm_path_elsewhere;
mod scene;
mod several_rocm_trees;
mod signature;
mod two_hip_runtimes;
mod two_libllvms;

#[cfg(test)]
mod tests;

pub use crate::model::Evidence;
pub use scene::{Requirements, Scene};
use signature::signature;
pub use signature::{Beside, Caught, Signature};

/// Every rule, the most certain first.
pub const RULES: &[&Rule] = &[
    &device_libs_newer::RULE,
    &code_object_version::RULE,
    &device_libs_lack_target::RULE,
    &rocm_path_elsewhere::RULE,
    &compiler_without_device_libs::RULE,
    &linker_missing::RULE,
    &hip_headers_newer_than_clang::RULE,
    &hip_headers_runtime::RULE,
    &two_hip_runtimes::RULE,
    &comgr_llvm_differs::RULE,
    &two_libllvms::RULE,
    &libllvm_wrong_build::RULE,
    &requirement_unmet::RULE,
    &rocblas_lacks_target::RULE,
    &several_rocm_trees::RULE,
    &data_layout_differs::RULE,
];

/// A kind of conflict.
#[derive(Debug)]
pub struct Rule {
    /// e.g. `device-libs-newer`.
    pub id: &'static str,
    /// What clashes, in one line.
    pub title: &'static str,
    /// Why it cannot work: paragraphs with an empty line between them.
    pub why: &'static str,
    /// How it is told from other failures: what a log says, and what is looked at before a build.
    pub told_by: &'static str,
    /// What to type or change, one way each.
    pub remedies: &'static [&'static str],
    /// How a log shows it. Of those that fit a line the first counts.
    pub signatures: &'static [Signature],
    /// Rules that only repeat what this one says, where both are found.
    pub covers: &'static [&'static str],
    /// Finds it in an inventory.
    pub check: fn(&Scene<'_>) -> Vec<Conflict>,
}

/// What a conflict means for a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It may strike; a build goes on.
    Warn,
    /// A build that needs both parts cannot succeed.
    Refuse,
}

/// A conflict that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Conflict {
    /// The rule's id.
    pub rule: String,
    pub severity: Severity,
    /// Which two things clash, in one sentence.
    pub what: String,
    pub evidence: Vec<Evidence>,
    /// What to do here, the nearest first.
    pub remedies: Vec<String>,
}

impl Rule {
    /// The rule with this id.
    pub fn by_id(id: &str) -> Option<&'static Rule> {
        RULES.iter().copied().find(|rule| rule.id == id)
    }

    /// A conflict of this rule, with the rule's own remedies.
    pub(super) fn conflict(&self, severity: Severity, what: String, evidence: Vec<Evidence>) -> Conflict {
        let remedies = self.remedies.iter().map(|remedy| (*remedy).to_owned()).collect();
        Conflict { rule: self.id.to_owned(), severity, what, evidence, remedies }
    }
}

impl Conflict {
    /// With ways that fit this system in front of the rule's own.
    pub(super) fn with_remedies(mut self, first: impl IntoIterator<Item = String>) -> Self {
        self.remedies.splice(0..0, first);
        self
    }
}

/// Every conflict of a system, what refuses a build first.
pub fn conflicts(scene: &Scene<'_>) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = RULES.iter().flat_map(|rule| (rule.check)(scene)).collect();
    let covered: Vec<&str> = found
        .iter()
        .filter(|conflict| conflict.severity == Severity::Refuse)
        .filter_map(|conflict| Rule::by_id(&conflict.rule))
        .flat_map(|rule| rule.covers.iter().copied())
        .collect();
    found.retain(|conflict| !covered.contains(&conflict.rule.as_str()));
    found.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
    found
}
