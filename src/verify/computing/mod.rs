//! What computing with a library on a GPU came to, on a card or an emulator.

mod failures;
mod said;

use std::collections::BTreeMap;

use crate::model::{CaseReport, CheckOutcome, Evidence, RunOutcome, RunReport, Tier, end_of};

pub use failures::{FAILURES, Failure};
pub use said::{RunEnd, RunSaid, Said};

/// How much is kept of what a failed case printed, from its end.
const TAIL: usize = 600;

/// What was computed, or why nothing was.
#[derive(Clone, Debug)]
pub enum ComputingState {
    /// There was nothing to compute with, or nothing that could be computed.
    None {
        missing: String,
    },
    /// There is something, and it must not be used, or cannot be.
    Refused {
        says: String,
        evidence: Vec<Evidence>,
        remedies: Vec<String>,
    },
    Run(Computed),
}

/// The cases of a library's suites.
#[derive(Clone, Debug)]
pub struct Computed {
    /// Where the library lies, of whose results all this is.
    pub library: String,
    pub cases: Vec<CaseSeen>,
    /// Cases that were not asked for, or are too large for an emulator.
    pub left_out: usize,
}

/// One case.
#[derive(Clone, Debug)]
pub struct CaseSeen {
    pub suite: String,
    pub name: String,
    pub end: CaseEnd,
    pub said: Said,
    /// The end of what it printed.
    pub log: String,
    /// What the kernel said of GPUs meanwhile, where it could be read.
    pub kernel: Vec<String>,
    pub seconds: f64,
}

/// How a case's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseEnd {
    Exited(i64),
    /// It was stopped after so many seconds.
    TimedOut(u32),
    /// It could not even be stopped: its container was removed.
    Stuck(u32),
    NotRun(String),
}

/// What a case came to.
#[derive(Clone, Debug)]
pub enum CaseOutcome<'a> {
    Right,
    /// There was nothing to compute: why.
    Nothing(&'a str),
    Failed(&'static Failure, Evidence),
    NotRun(&'a str),
}

impl CaseSeen {
    /// e.g. `convolution/square-42-forward-fp32`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.suite, self.name)
    }

    pub fn outcome(&self) -> CaseOutcome<'_> {
        match (&self.end, &self.said.nothing) {
            (CaseEnd::NotRun(why), _) => CaseOutcome::NotRun(why),
            (CaseEnd::Exited(77), Some(why)) if self.said.first_wrong().is_none() => {
                CaseOutcome::Nothing(why)
            }
            (CaseEnd::Exited(0), _) if self.said.right() > 0 && self.is_whole() => CaseOutcome::Right,
            _ => {
                let (failure, says) = failures::of(self);
                CaseOutcome::Failed(failure, Evidence::new(self.id(), says))
            }
        }
    }

    /// Whether every run was right.
    fn is_whole(&self) -> bool {
        self.said.right() == self.said.runs.len()
    }

    /// Whether what happened may have left the card unusable.
    pub fn may_have_hung_the_card(&self) -> bool {
        match self.outcome() {
            CaseOutcome::Failed(failure, _) => failure.hangs,
            CaseOutcome::Right | CaseOutcome::Nothing(_) | CaseOutcome::NotRun(_) => false,
        }
    }

    fn report(&self, tier: Tier) -> CaseReport {
        let (outcome, says, failure) = match self.outcome() {
            CaseOutcome::Right => (CheckOutcome::Passed, format!("{} right", self.said.right()), None),
            CaseOutcome::Nothing(why) => {
                (CheckOutcome::Skipped { missing: why.to_owned() }, why.to_owned(), None)
            }
            CaseOutcome::NotRun(why) => (CheckOutcome::NotRun { why: why.to_owned() }, why.to_owned(), None),
            CaseOutcome::Failed(failure, evidence) => {
                (CheckOutcome::Failed, evidence.says, Some(failure.id.to_owned()))
            }
        };
        let run = |run: &RunSaid| {
            let (outcome, says) = match &run.end {
                RunEnd::Right(says) => (RunOutcome::Right, says.clone()),
                RunEnd::Wrong(says) => (RunOutcome::Wrong, says.clone()),
                RunEnd::Refused(says) => (RunOutcome::Refused, says.clone()),
                RunEnd::Unended => (RunOutcome::Unended, String::new()),
            };
            RunReport { what: run.what.clone(), outcome, says }
        };
        CaseReport {
            suite: self.suite.clone(),
            case: self.name.clone(),
            tier,
            runs: self.said.runs.iter().map(run).collect(),
            tail: match outcome {
                CheckOutcome::Failed => Some(end_of(&self.log, TAIL).to_owned()),
                _ => None,
            },
            kernel_log: self.kernel.clone(),
            outcome,
            says,
            failure,
            seconds: self.seconds,
        }
    }
}

impl ComputingState {
    /// The account of every case.
    pub fn reports(&self, tier: Tier) -> Vec<CaseReport> {
        match self {
            ComputingState::Run(computed) => computed.cases.iter().map(|case| case.report(tier)).collect(),
            ComputingState::None { .. } | ComputingState::Refused { .. } => vec![],
        }
    }
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Computed something, or failed to.
    pub begun: usize,
    pub nothing: usize,
    pub not_run: usize,
}

impl Computed {
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for case in &self.cases {
            match case.outcome() {
                CaseOutcome::Nothing(_) => tally.nothing += 1,
                CaseOutcome::NotRun(_) => tally.not_run += 1,
                CaseOutcome::Right | CaseOutcome::Failed(..) => tally.begun += 1,
            }
        }
        tally
    }

    /// Failures by kind, in the table's order, with the cases they happened in.
    pub(super) fn failures(&self) -> Vec<(&'static Failure, Vec<Evidence>)> {
        let mut all: BTreeMap<usize, Vec<Evidence>> = BTreeMap::new();
        for case in &self.cases {
            if let CaseOutcome::Failed(failure, evidence) = case.outcome() {
                let place = FAILURES.iter().position(|one| one.id == failure.id).unwrap_or(usize::MAX);
                all.entry(place).or_default().push(evidence);
            }
        }
        all.into_iter().filter_map(|(place, evidence)| Some((*FAILURES.get(place)?, evidence))).collect()
    }
}

#[cfg(test)]
mod tests;
