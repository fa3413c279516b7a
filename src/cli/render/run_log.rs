//! The log file of a run. A run that finds everything in the store leaves none.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::log::Log;
use crate::model::{Event, EventSink};

/// Name of the log in a run's folder.
pub const LOG_NAME: &str = "log.txt";

/// Name of the run's report in its folder.
pub const REPORT_NAME: &str = "report.json";

/// Holds events back until something is made, fails or is worth a warning; then writes them and all that follow.
#[derive(Debug)]
pub struct RunLog {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Held(Vec<Event>),
    Open(Log<BufWriter<File>>),
    /// The log cannot be written; the terminal still tells everything.
    Silent,
}

impl RunLog {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, state: Mutex::new(State::Held(Vec::new())) }
    }

    fn open(&self) -> State {
        let file = fs::create_dir_all(&self.folder).and_then(|()| File::create(self.folder.join(LOG_NAME)));
        match file {
            Ok(file) => State::Open(Log::new(BufWriter::new(file))),
            Err(_) => State::Silent,
        }
    }
}

impl EventSink for RunLog {
    fn emit(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Held(held) = &mut *state {
            held.push(event.clone());
            if is_quiet(event) {
                return;
            }
            let held = std::mem::take(held);
            *state = self.open();
            if let State::Open(log) = &*state {
                held.iter().for_each(|event| log.emit(event));
            }
            return;
        }
        if let State::Open(log) = &*state {
            log.emit(event);
            if let Event::RunFinished { report } = event {
                // Without it, only `verify --build` does not find the package.
                let text = serde_json::to_vec(report).expect("a report has only text keys");
                let _ = fs::write(self.folder.join(REPORT_NAME), text);
            }
        }
    }
}

/// What a run with nothing to do says, too.
fn is_quiet(event: &Event) -> bool {
    match event {
        Event::RunStarted { .. }
        | Event::ToolchainChosen { .. }
        | Event::StageCached { .. }
        | Event::RunFinished { .. } => true,
        Event::StageStarted { .. }
        | Event::StageFinished { .. }
        | Event::StageFailed { .. }
        | Event::Progress { .. }
        | Event::Log { .. }
        | Event::Waiting { .. }
        | Event::Warning { .. }
        | Event::Note { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_nothing_to_do_leaves_no_log_and_another_one_tells_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = RunLog::new(folder.path().join("r1"));
        log.emit(&Event::RunStarted { run: "r1".into(), units: vec![] });
        assert!(!folder.path().join("r1").exists());
        log.emit(&Event::Warning { message: "look".into(), help: None });
        drop(log);
        let text = fs::read_to_string(folder.path().join("r1/log.txt")).expect("written");
        assert!(text.contains("r1 started") && text.contains("look"), "{text}");
    }
}
