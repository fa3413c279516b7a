//! Lines of any bytes as text that can be matched and shown.

use std::io::{self, Read};

use super::{LARGEST_LOG, LONGEST_LINE};
use crate::model::printable;

const CHUNK: usize = 64 << 10;

/// Reads line by line with bounded memory.
pub(super) struct Lines<R> {
    input: io::Take<R>,
    buffer: Vec<u8>,
    /// What of the buffer was not looked at yet.
    rest: std::ops::Range<usize>,
    line: Vec<u8>,
    number: u64,
}

/// A line as it is shown, and its number from 1.
pub(super) struct Line {
    pub number: u64,
    pub text: String,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R) -> Self {
        Self {
            input: input.take(LARGEST_LOG + 1),
            buffer: vec![0; CHUNK],
            rest: 0..0,
            line: Vec::new(),
            number: 0,
        }
    }

    /// How many lines there were up to here.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn is_cut(&self) -> bool {
        self.input.limit() == 0
    }

    pub fn next(&mut self) -> io::Result<Option<Line>> {
        self.line.clear();
        let mut is_begun = false;
        loop {
            if self.rest.is_empty() {
                let read = match self.input.read(&mut self.buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                self.rest = 0..read;
                if read == 0 {
                    return Ok(is_begun.then(|| self.finish()));
                }
            }
            is_begun = true;
            let bytes = &self.buffer[self.rest.clone()];
            let end = memchr::memchr(b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = LONGEST_LINE - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.rest.start += part.len() + usize::from(end.is_some());
            if end.is_some() {
                return Ok(Some(self.finish()));
            }
        }
    }

    fn finish(&mut self) -> Line {
        self.number += 1;
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let is_plain = line.iter().all(|byte| (b' '..=b'~').contains(byte));
        let text = String::from_utf8_lossy(line);
        let text = if is_plain { text.into_owned() } else { printable(&text, LONGEST_LINE) };
        Line { number: self.number, text }
    }
}
