//! What the proofs of a series came to.

use crate::model::{GfxTarget, PatchName, RecipeName, TargetId, ToolchainId, Version};

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProofReport {
    pub recipe: RecipeName,
    pub version: Version,
    pub target: GfxTarget,
    pub toolchain: ToolchainId,
    /// In the order of the series.
    pub results: Vec<ProofResult>,
}

/// One proof of one patch.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProofResult {
    pub patch: PatchName,
    /// None where the patch has none.
    pub proof: Option<String>,
    pub summary: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub failures: Vec<String>,
    pub figures: Vec<Figure>,
    /// Both sides were observed before.
    pub cached: bool,
}

/// How a proof ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    Passed,
    Failed,
    /// All that it expects holds without the patch, too.
    ProvesNothing,
    Skipped {
        why: String,
    },
}

impl Verdict {
    /// Whether the proof was run and is none.
    pub fn is_bad(&self) -> bool {
        match self {
            Verdict::Failed | Verdict::ProvesNothing => true,
            Verdict::Passed | Verdict::Skipped { .. } => false,
        }
    }
}

/// What was counted, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    #[serde(rename_all = "kebab-case")]
    Compile {
        target: TargetId,
        cases: usize,
        failing_before: usize,
        failing_after: usize,
        /// Cases that the patch changes.
        changed: usize,
    },
    /// How the steps ended on each side.
    Commands { before: Ended, after: Ended },
}

/// How the steps of a proof ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ended {
    /// The step that failed.
    pub fails: Option<String>,
    /// The texts that the proof asks for on this side and that were said.
    pub says: Vec<String>,
}

impl ProofReport {
    /// Whether every proof of a patch passed, and there is one.
    pub fn is_proven(&self, patch: &PatchName) -> bool {
        let mut results = self.results.iter().filter(|result| result.patch == *patch).peekable();
        results.peek().is_some() && results.all(|result| result.verdict == Verdict::Passed)
    }

    /// The patches, each once, in the order of the series.
    pub fn patches(&self) -> Vec<&PatchName> {
        let mut patches: Vec<&PatchName> = self.results.iter().map(|result| &result.patch).collect();
        patches.dedup();
        patches
    }

    /// How many proofs ended so.
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.results.iter().filter(|result| is(&result.verdict)).count()
    }
}
