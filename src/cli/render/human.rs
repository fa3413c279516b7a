//! Events for a person.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::amount;
use super::palette::{Palette, Tone};
use super::printable;
use super::progress::{self, Pace};
use super::report;
use super::screen::{Place, Screen};
use crate::cli::settings::{Progress, Settings, Verbosity};
use crate::model::{Event, EventSink, Stage, Unit};

const LINE_LIMIT: usize = 400;

/// Says what happens on standard error, and the paths of packages on standard output.
///
/// Holds a few numbers per running stage and nothing of the past: its memory does not grow with the run.
pub struct Human {
    verbosity: Verbosity,
    palette: Palette,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    screen: Screen,
    data: Box<dyn Write + Send>,
    running: BTreeMap<Place, Running>,
    /// Whether lines need the unit's name in front.
    several_units: bool,
}

#[derive(Default)]
struct Running {
    pace: Pace,
    /// When the last line of progress was written, and its percentage.
    last_line: (Duration, u64),
    started: Duration,
}

impl Human {
    /// The reader for this process's standard streams.
    pub fn standard(settings: &Settings) -> Self {
        let bars = match settings.progress {
            Progress::Auto | Progress::Bars => {
                settings.terminal.stderr && settings.verbosity != Verbosity::Quiet
            }
            Progress::Lines => false,
        };
        let screen = if bars { Screen::bars() } else { Screen::lines(std::io::stderr()) };
        let start = Instant::now();
        let clock = Box::new(move || start.elapsed());
        Self::new(settings.verbosity, Palette::stderr(settings), screen, Box::new(std::io::stdout()), clock)
    }

    fn new(
        verbosity: Verbosity,
        palette: Palette,
        screen: Screen,
        data: Box<dyn Write + Send>,
        clock: Box<dyn Fn() -> Duration + Send + Sync>,
    ) -> Self {
        let state = State { screen, data, running: BTreeMap::new(), several_units: false };
        Self { verbosity, palette, clock, state: Mutex::new(state) }
    }

    fn title(&self, state: &State, unit: &str, stage: Stage) -> String {
        let stage = self.palette.paint(Tone::Strong, &format!("{stage:<9}"));
        match state.several_units {
            true => format!("{unit}  {stage}"),
            false => stage,
        }
    }

    fn line(&self, state: &mut State, unit: &str, stage: Stage, tone: Tone, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            let title = self.title(state, unit, stage);
            let text = self.palette.paint(tone, &printable(text, LINE_LIMIT));
            state.screen.write(&format!("{title}  {text}\n"));
        }
    }

    fn say(&self, state: &mut State, text: &str) {
        if self.verbosity >= Verbosity::Normal {
            state.screen.write(text);
        }
    }

    fn progress(&self, state: &mut State, place: &Place, item: &str, done: u64, total: u64, of: Unit) {
        let now = (self.clock)();
        let running = state.running.entry(place.clone()).or_default();
        running.pace.note(now, done);
        let text = progress::describe(item, done, total, of, running.pace.rate(now, done));
        if state.screen.has_bars() {
            state.screen.progress(place, done, total, text);
            return;
        }
        // At most every ten seconds, and then only for ten per cent more or after a minute of silence.
        let percent = progress::percent(done, total);
        let (when, before) = running.last_line;
        let quiet = now.saturating_sub(when);
        if quiet >= Duration::from_secs(60) || (quiet >= Duration::from_secs(10) && percent >= before + 10) {
            running.last_line = (now, percent);
            self.line(state, &place.0, place.1, Tone::Plain, &text);
        }
    }

    fn container_line(&self, state: &mut State, unit: &str, stage: Stage, line: &str) {
        if self.verbosity == Verbosity::Verbose {
            let text = self.palette.paint(Tone::Faint, &format!("| {}", printable(line, LINE_LIMIT)));
            let title = self.title(state, unit, stage);
            state.screen.write(&format!("{title}  {text}\n"));
        }
    }

    /// Says that it failed; why is said once, by the summary.
    fn failed(&self, state: &mut State, place: &Place) {
        state.screen.end(place);
        let text = match state.running.remove(place) {
            Some(running) => {
                let seconds = (self.clock)().saturating_sub(running.started).as_secs_f64();
                format!("failed after {}", amount::seconds(seconds))
            }
            None => "failed".to_owned(),
        };
        self.line(state, &place.0, place.1, Tone::Bad, &text);
    }
}

impl EventSink for Human {
    fn emit(&self, event: &Event) {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::RunStarted { run, units } => {
                state.several_units = units.len() > 1;
                let what = match &units[..] {
                    [unit] => unit.clone(),
                    units => amount::count(units.len() as u64, "unit"),
                };
                self.say(state, &format!("run {run}: {what}\n"));
            }
            Event::ToolchainChosen { unit, toolchain, reason } => {
                let text = format!("{toolchain}: {reason}");
                self.line(state, unit, Stage::Toolchain, Tone::Plain, &text);
            }
            Event::StageStarted { unit, stage, reason } => {
                let place = (unit.clone(), *stage);
                let now = (self.clock)();
                let running = Running { last_line: (now, 0), started: now, ..Running::default() };
                state.running.insert(place.clone(), running);
                let text =
                    if reason.is_empty() { "started".to_owned() } else { format!("started: {reason}") };
                self.line(state, unit, *stage, Tone::Plain, &text);
                let title = self.title(state, unit, *stage);
                state.screen.start(&place, title);
            }
            Event::StageCached { unit, stage, key } => {
                self.end(state, unit, *stage);
                // The summary says it, and the time between is short.
                if self.verbosity == Verbosity::Verbose {
                    self.line(state, unit, *stage, Tone::Faint, &format!("cached {}", key.short()));
                }
            }
            Event::StageFinished { unit, stage, seconds, key: _ } => {
                self.end(state, unit, *stage);
                self.line(state, unit, *stage, Tone::Good, &format!("done in {}", amount::seconds(*seconds)));
            }
            Event::StageFailed { unit, stage, error: _ } => self.failed(state, &(unit.clone(), *stage)),
            Event::Progress { unit, stage, item, done, total, of } => {
                self.progress(state, &(unit.clone(), *stage), item, *done, *total, *of);
            }
            Event::Log { unit, stage, line, item: _, stream: _ } => {
                self.container_line(state, unit, *stage, line);
            }
            Event::Waiting { unit, stage, holder } => {
                let text = format!("waiting for {holder}, which makes the same");
                self.line(state, unit, *stage, Tone::Warning, &text);
            }
            Event::Warning { message, help } => {
                let warning = self.palette.paint(Tone::Warning, "warning");
                let mut text = format!("{warning}: {}\n", printable(message, LINE_LIMIT));
                if let Some(help) = help {
                    text += &format!("  help: {}\n", printable(help, LINE_LIMIT));
                }
                self.say(state, &text);
            }
            Event::Note { message } => self.say(state, &format!("{}\n", printable(message, LINE_LIMIT))),
            Event::RunFinished { report } => {
                state.screen.end_all();
                state.running.clear();
                let text = match self.verbosity {
                    Verbosity::Quiet => report::failures(report, self.palette),
                    Verbosity::Normal | Verbosity::Verbose => report::summary(report, self.palette),
                };
                state.screen.write(&text);
                let State { screen, data, .. } = state;
                screen.write_to(data, &report::packages(report));
            }
        }
    }
}

impl Human {
    fn end(&self, state: &mut State, unit: &str, stage: Stage) {
        let place = (unit.to_owned(), stage);
        state.screen.end(&place);
        state.running.remove(&place);
    }
}

impl std::fmt::Debug for Human {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Human").field("verbosity", &self.verbosity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
