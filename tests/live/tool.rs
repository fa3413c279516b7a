//! The tool as a process: its events as they come, signals to it, how it ended.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A run under `--json`, killed when a test drops it half-way.
pub struct Started {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    stderr: Option<JoinHandle<String>>,
}

/// A run that is over.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub events: Vec<Value>,
    pub stderr: String,
}

/// Starts the tool with `--json`.
pub fn start(mut command: Command) -> Started {
    let mut child = command
        .arg("--json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let (stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { return };
            let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if send.send(event).is_err() {
                return;
            }
        }
    });
    let stderr = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ends_with_the_tool = stderr.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    Started { child, lines, seen: Vec::new(), stderr: Some(stderr) }
}

impl Started {
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Waits for an event. The run must not end before.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if wanted(&event) {
                        return event;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in time; seen: {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    let errors = self.errors();
                    panic!("it ended without {what}; seen: {:#?}\n{errors}", self.seen)
                }
            }
        }
    }

    /// Waits for a line that the build prints.
    pub fn wait_for_line(&mut self, text: &str) {
        self.wait_for(text, |event| event["event"] == "log" && event["line"] == text);
    }

    /// The events until the run ends or `moment` is over.
    pub fn watch(&mut self, moment: Duration) {
        let end = std::time::Instant::now() + moment;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(std::time::Instant::now())) {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// What no process can prepare for.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        // One that has ended is not reaped yet: the id is still its own.
        let _ended_already = kill_process(Pid::from_raw(id).expect("not zero"), signal);
    }

    pub fn end(mut self) -> Ended {
        let mut events = std::mem::take(&mut self.seen);
        events.extend(self.lines.iter());
        let status = self.child.wait().expect("it can be waited for");
        Ended { status, events, stderr: self.errors() }
    }

    fn errors(&mut self) -> String {
        self.stderr.take().map(|reader| reader.join().expect("it reads")).unwrap_or_default()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _waited_already = self.child.wait();
    }
}

impl Ended {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}\n{:#?}", self.stderr, self.events);
        self
    }

    /// Ended by Ctrl-C: cleaned up and said so, or had not begun and died of it, which a shell calls 130 as well.
    pub fn was_interrupted(&self) -> bool {
        self.status.code() == Some(130) || self.status.signal() == Some(2)
    }

    pub fn find(&self, event: &str) -> Vec<&Value> {
        self.events.iter().filter(|one| one["event"] == event).collect()
    }

    /// Why a stage was made; `None` where it was not.
    pub fn reason(&self, stage: &str) -> Option<&str> {
        self.find("stage-started").into_iter().find(|one| one["stage"] == stage)?["reason"].as_str()
    }

    pub fn notes(&self) -> Vec<&str> {
        self.find("note").into_iter().filter_map(|note| note["message"].as_str()).collect()
    }

    /// The report's units.
    #[track_caller]
    pub fn units(&self) -> &[Value] {
        let finished = self.find("run-finished");
        let report = finished.first().unwrap_or_else(|| panic!("no report: {}", self.stderr));
        report["report"]["units"].as_array().expect("units")
    }

    /// Digests of the packages, in the order of the units.
    #[track_caller]
    pub fn digests(&self) -> Vec<&str> {
        let packages = self.units().iter().map(|unit| unit["outcome"]["packages"].as_array());
        let packages = packages.flat_map(|packages| packages.expect("it passed"));
        packages.map(|package| package["sha256"].as_str().expect("a digest")).collect()
    }

    /// Whether every stage of every unit was taken from the store.
    pub fn is_cached(&self) -> bool {
        let mut stages = self.units().iter().flat_map(|unit| unit["stages"].as_array().expect("stages"));
        stages.all(|stage| stage["cached"] == true)
    }

    /// How many steps Ninja said there were to do.
    pub fn steps(&self) -> u64 {
        let steps = self.find("progress").into_iter().filter(|one| one["of"] == "steps");
        steps.filter_map(|one| one["total"].as_u64()).max().unwrap_or(0)
    }
}
