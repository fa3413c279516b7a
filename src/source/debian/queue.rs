//! Packages decompressed ahead of whoever lays them out: by several threads, handed over in order, in bounded memory.

use std::collections::VecDeque;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard};

use super::deb::{self, Control};

/// Bytes that are handed over at once.
const CHUNK: usize = 256 << 10;

/// Bytes that may wait for packages whose turn has not come.
const AHEAD: usize = 64 << 20;

/// Chunks of the package in turn that may wait: it goes on however much lies ahead.
const IN_TURN: usize = 8;

/// Hands over the contents of packages in their order.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Where each package's file lies, once it is there.
    files: Vec<Option<PathBuf>>,
    parts: Vec<VecDeque<Part>>,
    /// The next package that no thread has begun.
    next: usize,
    /// The package that is being laid out.
    turn: usize,
    /// Bytes in all `parts`.
    held: usize,
    stopped: bool,
}

#[derive(Debug)]
enum Part {
    Control(Box<Control>),
    Data(Vec<u8>),
    End,
    Failed(String),
}

impl Queue {
    /// A queue for so many packages.
    pub fn new(packages: usize) -> Self {
        let state = State {
            files: vec![None; packages],
            parts: (0..packages).map(|_| VecDeque::new()).collect(),
            next: 0,
            turn: 0,
            held: 0,
            stopped: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Says that a package's file is there.
    pub fn arrived(&self, index: usize, file: PathBuf) {
        self.state().files[index] = Some(file);
        self.changed.notify_all();
    }

    /// Ends all waiting: what was not handed over yet never will be.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    /// Decompresses one package after another until none is left.
    pub fn work(&self) {
        let _guard = StopOnPanic(self);
        while let Some((index, file)) = self.begin() {
            let end = match self.decompress(index, &file) {
                Ok(()) => Part::End,
                Err(reason) => Part::Failed(reason),
            };
            self.put(index, end);
        }
    }

    /// Waits for the next package's own words and gives them with its data; `None` when the queue was stopped.
    pub fn take(&self, index: usize) -> Option<Result<(Box<Control>, Data<'_>), String>> {
        let mut state = self.state();
        state.turn = index;
        drop(state);
        self.changed.notify_all();
        Some(match self.get(index)? {
            Part::Control(control) => {
                Ok((control, Data { queue: self, index, chunk: Vec::new(), read: 0, ended: false }))
            }
            Part::Failed(reason) => Err(reason),
            Part::Data(_) | Part::End => Err("it has no control".to_owned()),
        })
    }

    fn begin(&self) -> Option<(usize, PathBuf)> {
        let mut state = self.state();
        let index = state.next;
        if index == state.files.len() {
            return None;
        }
        state.next += 1;
        loop {
            if state.stopped {
                return None;
            }
            if let Some(file) = state.files[index].take() {
                return Some((index, file));
            }
            state = self.wait(state);
        }
    }

    fn decompress(&self, index: usize, file: &Path) -> Result<(), String> {
        let file = std::fs::File::open(file).map_err(|error| error.to_string())?;
        deb::read(file, |control, data| {
            if !self.put(index, Part::Control(Box::new(control))) {
                return Ok(());
            }
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                data.take(CHUNK as u64).read_to_end(&mut chunk).map_err(|error| error.to_string())?;
                if chunk.is_empty() || !self.put(index, Part::Data(chunk)) {
                    return Ok(());
                }
            }
        })
    }

    /// Waits for room. `false` when nobody will ever take it.
    fn put(&self, index: usize, part: Part) -> bool {
        let mut state = self.state();
        loop {
            if state.stopped || index < state.turn {
                return false;
            }
            let has_room = state.held < AHEAD || (index == state.turn && state.parts[index].len() < IN_TURN);
            if has_room {
                state.held += part.size();
                state.parts[index].push_back(part);
                drop(state);
                self.changed.notify_all();
                return true;
            }
            state = self.wait(state);
        }
    }

    fn get(&self, index: usize) -> Option<Part> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(part) = state.parts[index].pop_front() {
                state.held -= part.size();
                drop(state);
                self.changed.notify_all();
                return Some(part);
            }
            state = self.wait(state);
        }
    }

    /// A package was read as far as anyone wants.
    fn leave(&self, index: usize) {
        let mut state = self.state();
        state.turn = index + 1;
        let rest: usize = state.parts[index].drain(..).map(|part| part.size()).sum();
        state.held -= rest;
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics while holding the queue")
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).expect("no one panics while holding the queue")
    }
}

/// Whoever waits for a thread that panicked would wait for ever.
struct StopOnPanic<'q>(&'q Queue);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

impl Part {
    fn size(&self) -> usize {
        match self {
            Self::Data(chunk) => chunk.len(),
            Self::Control(control) => control.members.iter().map(|(_, _, content)| content.len()).sum(),
            Self::End | Self::Failed(_) => 0,
        }
    }
}

/// The decompressed archive of a package's files.
#[derive(Debug)]
pub(super) struct Data<'q> {
    queue: &'q Queue,
    index: usize,
    chunk: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Read for Data<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.chunk.len() && !self.ended {
            match self.queue.get(self.index) {
                Some(Part::Data(chunk)) => (self.chunk, self.read) = (chunk, 0),
                Some(Part::End | Part::Control(_)) => self.ended = true,
                Some(Part::Failed(reason)) => return Err(std::io::Error::other(reason)),
                None => return Err(std::io::Error::other("stopped")),
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.read);
        buffer[..length].copy_from_slice(&self.chunk[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}

impl Drop for Data<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.index);
    }
}
