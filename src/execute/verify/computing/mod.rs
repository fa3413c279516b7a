//! Runs the suites of a recipe: their programs compute with the library, on a card or on an emulator, a process for each case.

mod card;
mod emulator;
mod venv;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use super::super::{ExecuteError, Workshop};
use super::VerifyTask;
use super::runtime::{Room, UNIT, tools};
use super::subject::Opened;
use crate::build::lab::{CaseRun, Lab, StepEnd};
use crate::facts::{Host, KernelLog};
use crate::model::{
    Event, Evidence, FileSet, GfxTarget, Manifest, ProofStep, Recipe, Stage, StepWork, Suite, SuiteCase,
    Toolchain, Unit, end_of,
};
use crate::proof::step_command;
use crate::verify::{CaseEnd, CaseSeen, Computed, ComputingState, Said};

pub(super) use card::on_card;
pub(super) use emulator::on_emulator;

/// What a step that makes a program may take, in seconds.
const LONGEST_STEP: u32 = 900;
/// How much of what a case prints is kept, from its end.
const LONGEST_LOG: usize = 64 << 10;

/// What is to be computed on, and how much.
#[derive(Debug, Default)]
pub struct Computing {
    /// What this machine is; nothing where no card is asked for.
    pub host: Option<Host>,
    /// The render node of the card, e.g. `renderD128`; the first card of the target where none is named.
    pub device: Option<String>,
    /// Compute although something makes programs take the card for another chip.
    pub allow_override: bool,
    pub emulator: Option<Emulator>,
    /// A virtual environment whose PyTorch computes on the card, too.
    pub venv: Option<PathBuf>,
    /// Beginnings of the names of cases that are computed, with their suite's or without; all where there is none.
    pub cases: Vec<String>,
}

/// An emulator that a person supplies.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// With `bin/rocjitsu` in it.
    pub prefix: PathBuf,
    /// Instead of the one that is made for the target.
    pub configuration: Option<PathBuf>,
}

/// All that a suite of a package is run with.
struct Bench<'a> {
    recipe: &'a Recipe,
    manifest: &'a Manifest,
    toolchain: &'a Toolchain,
    target: GfxTarget,
    room: &'a Room<'a>,
    opened: &'a Opened,
}

/// A container in which cases are run.
struct Place<'a> {
    lab: Lab<'a>,
    /// Words before the words of a program.
    launcher: Vec<String>,
    environment: BTreeMap<String, String>,
    /// Whether a case that hangs ends the series: a card is in an unknown state then.
    is_card: bool,
    log: Option<KernelLog>,
}

/// A suite's cases that are to be run.
struct Chosen<'a> {
    suite: &'a Suite,
    files: FileSet,
    /// With the seconds that each may take.
    cases: Vec<(&'a SuiteCase, u32)>,
}

/// How making a program or running cases ended.
enum Ended<'a> {
    /// The container is still there.
    Fine(Place<'a>, Vec<CaseSeen>),
    /// A case may have hung the card, or could not be stopped; the container was removed.
    Hung {
        cases: Vec<CaseSeen>,
        /// Why nothing else is run.
        why: String,
    },
    /// A program could not be made.
    Unmade { says: String, log: String },
}

impl<'a> Bench<'a> {
    /// What there is to compute with; or why there is nothing.
    fn of(
        task: &'a VerifyTask<'_>,
        opened: &'a Opened,
        recipe: Option<&'a Recipe>,
        target: GfxTarget,
        room: Option<&'a Room<'a>>,
    ) -> Result<Self, String> {
        let Some(manifest) = &opened.manifest else {
            return Err(
                "a foreign library comes without its headers, which the suite's program needs".to_owned()
            );
        };
        let Some(recipe) = recipe.filter(|recipe| !recipe.suites.is_empty()) else {
            return Err("the recipe has no program that computes with the library".to_owned());
        };
        let Some((room, toolchain)) = room.and_then(|room| Some((room, room.toolchain(task)?))) else {
            return Err("the toolchain's image is not known here: its compiler makes the programs".to_owned());
        };
        Ok(Self { recipe, manifest, toolchain, target, room, opened })
    }

    /// The cases that were asked for and may be computed, by suite, and how many others there are.
    fn chosen(
        &self,
        wanted: &[String],
        seconds: impl Fn(&SuiteCase) -> Option<u32>,
    ) -> (Vec<Chosen<'a>>, usize) {
        let mut left_out = 0;
        let mut chosen = Vec::new();
        for suite in &self.recipe.suites {
            let is_wanted = |case: &SuiteCase| {
                let whole = format!("{}/{}", suite.id, case.name);
                let fits =
                    |one: &String| whole.starts_with(one.as_str()) || case.name.starts_with(one.as_str());
                wanted.is_empty() || wanted.iter().any(fits)
            };
            let cases = suite.cases.iter().filter(|case| is_wanted(case));
            let cases: Vec<_> = cases.filter_map(|case| Some((case, seconds(case)?))).collect();
            left_out += suite.cases.len() - cases.len();
            if !cases.is_empty() {
                chosen.push(Chosen { suite, files: suite.files_of(&self.recipe.files), cases });
            }
        }
        (chosen, left_out)
    }

    /// Puts the package into a container that has not got it yet.
    async fn install(&self, lab: &Lab<'_>) -> Result<(), ExecuteError> {
        match &self.opened.tree {
            Some(tree) => Ok(lab.install(tree.root.clone(), tree.files.clone()).await?),
            None => Ok(()),
        }
    }

    /// What came of all chosen cases, and whether they came to their ends: whether a card can be used further.
    async fn compute(
        &self,
        mut place: Place<'_>,
        chosen: Vec<Chosen<'_>>,
        left_out: usize,
        workshop: &Workshop,
    ) -> Result<(ComputingState, bool), ExecuteError> {
        let mut seen = Vec::new();
        let mut remaining = chosen.into_iter();
        while let Some(suite) = remaining.next() {
            match self.suite(place, &suite, workshop).await? {
                Ended::Fine(same, cases) => {
                    seen.extend(cases);
                    place = same;
                }
                Ended::Hung { cases, why } => {
                    seen.extend(cases);
                    seen.extend(remaining.flat_map(|suite| suite.not_run(0, &why)));
                    return Ok((self.state(seen, left_out), false));
                }
                Ended::Unmade { says, log } => {
                    let evidence = vec![Evidence::new(&suite.suite.id, last_lines(&log))];
                    let remedies =
                        vec!["report it with the report: `rdna-build verify --report json`".to_owned()];
                    return Ok((ComputingState::Refused { says, evidence, remedies }, false));
                }
            }
        }
        place.lab.close().await?;
        Ok((self.state(seen, left_out), true))
    }

    fn state(&self, cases: Vec<CaseSeen>, left_out: usize) -> ComputingState {
        // Programs tell the file behind the links.
        let path = self.room.library.as_str();
        let library = self.opened.real(path).unwrap_or_else(|| path.to_owned());
        ComputingState::Run(Computed { library, cases, left_out })
    }

    /// Makes a suite's program and runs its cases.
    async fn suite<'p>(
        &self,
        mut place: Place<'p>,
        chosen: &Chosen<'_>,
        workshop: &Workshop,
    ) -> Result<Ended<'p>, ExecuteError> {
        place.lab.files(chosen.files.clone()).await?;
        for step in &chosen.suite.make {
            let end = self.make(&place, step).await?;
            if end.exit != 0 {
                let says = format!(
                    "the program of the suite {} cannot be made: `{}` failed",
                    chosen.suite.id, step.name
                );
                return Ok(Ended::Unmade { says, log: end.log });
            }
        }
        let mut seen = Vec::new();
        let total = chosen.cases.len();
        for (number, (case, seconds)) in chosen.cases.iter().enumerate() {
            workshop.events.emit(Event::Progress {
                unit: UNIT.to_owned(),
                stage: Stage::Verify,
                item: format!("{}/{}", chosen.suite.id, case.name),
                done: number as u64,
                total: total as u64,
                of: Unit::Cases,
            });
            if let Some(log) = &mut place.log {
                log.news();
            }
            let words: Vec<String> = chosen.suite.run.iter().chain(&case.arguments).cloned().collect();
            let (words, environment) = self.command(&place, &words, &chosen.suite.environment);
            let words = [&place.launcher[..], &words].concat();
            let started = Instant::now();
            let run = place.lab.run_case(&words, environment, *seconds).await?;
            let (end, log) = match run {
                CaseRun::Ended(StepEnd { exit, log }) => (CaseEnd::Exited(exit), log),
                CaseRun::TimedOut(log) => (CaseEnd::TimedOut(*seconds), log),
                CaseRun::Stuck => (CaseEnd::Stuck(*seconds), String::new()),
            };
            let case = CaseSeen {
                suite: chosen.suite.id.clone(),
                name: case.name.clone(),
                said: Said::read(&log),
                log: end_of(&log, LONGEST_LOG).to_owned(),
                kernel: place.log.as_mut().map(KernelLog::news).unwrap_or_default(),
                seconds: started.elapsed().as_secs_f64(),
                end,
            };
            let is_stuck = matches!(case.end, CaseEnd::Stuck(_));
            let stops = is_stuck || (place.is_card && case.may_have_hung_the_card());
            let id = case.id();
            seen.push(case);
            if stops {
                if let Err(error) = place.lab.kill().await {
                    workshop.events.emit(Event::Warning { message: error.to_string(), help: None });
                }
                let why = match place.is_card {
                    true => format!("{id} may have hung the card, whose state is unknown since"),
                    false => format!("{id} could not be stopped"),
                };
                seen.extend(chosen.not_run(number + 1, &why));
                return Ok(Ended::Hung { cases: seen, why });
            }
        }
        Ok(Ended::Fine(place, seen))
    }

    async fn make(&self, place: &Place<'_>, step: &ProofStep) -> Result<StepEnd, ExecuteError> {
        let StepWork::Command { command, environment } = &step.does else {
            unreachable!("a suite has no step of a build")
        };
        let (words, environment) = self.command(place, command, environment);
        Ok(match place.lab.run_case(&words, environment, LONGEST_STEP).await? {
            CaseRun::Ended(end) => end,
            CaseRun::TimedOut(log) => StepEnd { exit: 124, log },
            CaseRun::Stuck => StepEnd { exit: 124, log: String::new() },
        })
    }

    fn command(
        &self,
        place: &Place<'_>,
        words: &[String],
        environment: &BTreeMap<String, String>,
    ) -> (Vec<String>, BTreeMap<String, String>) {
        let (prefix, base) = (&self.manifest.build.prefix, &self.manifest.build.environment);
        let tools = tools(self.toolchain);
        let target = self.target.as_str();
        let (words, mut environment) = step_command((words, environment), &tools, prefix, target, 1, base);
        environment.extend(place.environment.clone());
        (words, environment)
    }
}

impl Chosen<'_> {
    /// The cases from this number on, which are not run.
    fn not_run(&self, from: usize, why: &str) -> Vec<CaseSeen> {
        let case = |(case, _): &(&SuiteCase, u32)| CaseSeen {
            suite: self.suite.id.clone(),
            name: case.name.clone(),
            end: CaseEnd::NotRun(why.to_owned()),
            said: Said::default(),
            log: String::new(),
            kernel: vec![],
            seconds: 0.0,
        };
        self.cases[from..].iter().map(case).collect()
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" · ")
}
