//! The output of a container or a command, frame by frame, as lines.

use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::errors::Error;
use futures_util::{Stream, StreamExt as _};

use crate::engine::lines::LineAssembler;
use crate::engine::{LineSink, Output};

pub(super) type Frames = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// Sorts frames into their streams: standard output and standard error can interleave in the middle of a line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    stdout: LineAssembler,
    stderr: LineAssembler,
}

impl Lines {
    pub(super) fn push(&mut self, frame: LogOutput, sink: LineSink<'_>) {
        match frame {
            LogOutput::StdErr { message } => self.stderr.push(&message, |line| sink(Output::Stderr, line)),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
                self.stdout.push(&message, |line| sink(Output::Stdout, line));
            }
        }
    }

    pub(super) fn finish(&mut self, sink: LineSink<'_>) {
        self.stdout.finish(|line| sink(Output::Stdout, line));
        self.stderr.finish(|line| sink(Output::Stderr, line));
    }
}

/// Reads until the stream ends.
pub(super) async fn read_all(frames: &mut Frames, sink: LineSink<'_>) -> Result<(), Error> {
    let mut lines = Lines::default();
    while let Some(frame) = frames.next().await {
        lines.push(frame?, &mut *sink);
    }
    lines.finish(sink);
    Ok(())
}
