//! The full log of a run: every event and every line of every container.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::amount;
use super::printable;
use crate::model::{Event, EventSink, Outcome};

/// Longer lines than any compiler writes; the engine cuts at this as well.
const LINE_LIMIT: usize = 64 * 1024;

/// Writes lines `  12.345  unit  stage  text`, seconds since the start in front. Progress is left out: the lines
/// of the containers say it. A log that cannot be written (disk full) falls silent; [`Log::failure`] says why.
#[derive(Debug)]
pub struct Log<W> {
    inner: Mutex<Inner<W>>,
    start: Instant,
}

#[derive(Debug)]
struct Inner<W> {
    writer: W,
    failure: Option<std::io::Error>,
}

impl<W: Write + Send> Log<W> {
    pub fn new(writer: W) -> Self {
        Self { inner: Mutex::new(Inner { writer, failure: None }), start: Instant::now() }
    }

    /// Why the log is not whole, if it is not.
    pub fn failure(&self) -> Option<String> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.failure.as_ref().map(std::io::Error::to_string)
    }
}

impl<W: Write + Send> EventSink for Log<W> {
    fn emit(&self, event: &Event) {
        let lines = lines(event);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.failure.is_some() {
            return;
        }
        let seconds = self.start.elapsed().as_secs_f64();
        let mut write = || {
            for line in &lines {
                writeln!(inner.writer, "{seconds:9.3}  {line}")?;
            }
            // Lines of a container come by the thousand and may wait; everything else is wanted when the machine dies.
            match matches!(event, Event::Log { .. } | Event::Progress { .. }) {
                true => Ok(()),
                false => inner.writer.flush(),
            }
        };
        if let Err(error) = write() {
            inner.failure = Some(error);
        }
    }
}

fn lines(event: &Event) -> Vec<String> {
    let (place, text) = match event {
        Event::RunStarted { run, units } => {
            ("run".to_owned(), format!("{run} started: {}", units.join(", ")))
        }
        Event::ToolchainChosen { unit, toolchain, reason } => {
            (unit.clone(), format!("toolchain {toolchain}: {reason}"))
        }
        Event::StageStarted { unit, stage, reason } => {
            (format!("{unit}  {stage}"), format!("started: {reason}"))
        }
        Event::StageCached { unit, stage, key } => (format!("{unit}  {stage}"), format!("cached {key}")),
        Event::StageFinished { unit, stage, key, seconds } => {
            (format!("{unit}  {stage}"), format!("made {key} in {}", amount::seconds(*seconds)))
        }
        Event::StageFailed { unit, stage, error } => (format!("{unit}  {stage}"), format!("failed: {error}")),
        Event::Progress { .. } => return Vec::new(),
        Event::Log { unit, stage, item, stream: _, line } => {
            (format!("{unit}  {stage}"), format!("{item} | {line}"))
        }
        Event::Waiting { unit, stage, holder } => {
            (format!("{unit}  {stage}"), format!("waiting for {holder}"))
        }
        Event::Warning { message, help } => {
            let help = help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
            ("warning".to_owned(), format!("{message}{help}"))
        }
        Event::Note { message } => ("note".to_owned(), message.clone()),
        Event::RunFinished { report } => {
            let units = report.units.iter().map(|unit| match &unit.outcome {
                Outcome::Passed { packages } => {
                    let packages = packages.iter();
                    let packages = packages.map(|one| format!("{} sha256 {}", one.path, one.sha256));
                    format!("{} passed: {}", unit.unit, packages.collect::<Vec<_>>().join(", "))
                }
                Outcome::Failed { why, .. } => format!("{} failed: {why}", unit.unit),
                Outcome::Skipped { missing } => format!("{} skipped: {missing}", unit.unit),
            });
            let text = format!("{} finished after {}", report.run, amount::seconds(report.seconds));
            ("run".to_owned(), std::iter::once(text).chain(units).collect::<Vec<_>>().join("\n"))
        }
    };
    text.lines().map(|line| printable(&format!("{place}  {line}"), LINE_LIMIT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogStream, Stage};

    #[test]
    fn every_line_names_its_unit_and_stage() {
        let log = Log::new(Vec::new());
        log.emit(&Event::Log {
            unit: "u".into(),
            stage: Stage::Build,
            item: "configure".into(),
            stream: LogStream::Stderr,
            line: "\u{1b}[31m-- The C compiler".into(),
        });
        log.emit(&Event::Warning { message: "two\nlines".into(), help: Some("do this".into()) });
        let text = String::from_utf8(log.inner.into_inner().unwrap().writer).unwrap();
        let lines: Vec<_> = text.lines().map(|line| &line[11..]).collect();
        assert_eq!(
            lines,
            [
                "u  build  configure | -- The C compiler",
                "warning  two",
                "warning  lines",
                "warning  help: do this"
            ]
        );
    }
}
