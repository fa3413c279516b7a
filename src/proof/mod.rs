//! Proofs of patches: what is observed, and what it comes to. Pure: `execute` brings the observations.
//!
//! A proof is observed twice, on the source without its patch and with it. [`judge`] then holds both sides against what
//! the proof expects, and asks once more with the unpatched side in the place of the patched one: expectations that
//! hold there, too, prove nothing.

mod cases;
mod judge;
mod observation;
mod report;

pub use cases::{Case, Tools, cases, expand, step_command};
pub use judge::{Judged, judge};
pub use observation::{CaseSeen, Code, Observation, StepSeen};
pub use report::{Ended, Figure, ProofReport, ProofResult, Verdict};

#[cfg(test)]
mod tests;
