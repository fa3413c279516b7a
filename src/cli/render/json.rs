//! Events for programs: one JSON object a line.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::model::{Event, EventSink};

/// Writes every event as it comes. When its reader goes away it falls silent; the run goes on.
#[derive(Debug)]
pub struct Json<W> {
    /// `None` once nobody reads.
    writer: Mutex<Option<W>>,
}

impl<W: Write + Send> Json<W> {
    pub fn new(writer: W) -> Self {
        Self { writer: Mutex::new(Some(writer)) }
    }
}

impl<W: Write + Send> EventSink for Json<W> {
    fn emit(&self, event: &Event) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = writer.as_mut() else { return };
        let line = serde_json::to_string(event).expect("events have text keys");
        if writeln!(open, "{line}").and_then(|()| open.flush()).is_err() {
            *writer = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(usize);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            self.0 += 1;
            assert_eq!(self.0, 1, "written to after it was closed");
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let json = Json::new(Vec::new());
        json.emit(&Event::Note { message: "two\nlines \u{1b}[31m".into() });
        let text = String::from_utf8(json.writer.into_inner().unwrap().unwrap()).unwrap();
        assert_eq!(text, "{\"event\":\"note\",\"message\":\"two\\nlines \\u001b[31m\"}\n");
    }

    #[test]
    fn a_reader_that_went_away_is_no_panic() {
        let json = Json::new(Closed(0));
        json.emit(&Event::Note { message: "a".into() });
        json.emit(&Event::Note { message: "b".into() });
    }
}
