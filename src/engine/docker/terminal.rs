//! This process's own terminal: raw mode and back, its size, its keys, its screen.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;

use bollard::container::LogOutput;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Raw mode of standard input, left when this is dropped: at the end, on an error, in a panic, when cancelled.
pub(super) struct RawMode {
    before: Termios,
}

impl RawMode {
    /// A tty in the container makes sense only when both ends of it are one here.
    pub(super) fn is_possible() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    pub(super) fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // Nobody is left to tell when the terminal has gone.
        let _gone = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Columns and lines, where there is a terminal.
pub(super) fn window_size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// Tells when the window changed its size; never, without a terminal.
pub(super) struct WindowChanges(Option<Signal>);

impl WindowChanges {
    pub(super) fn watch(tty: bool) -> io::Result<Self> {
        Ok(Self(if tty { Some(signal(SignalKind::window_change())?) } else { None }))
    }

    pub(super) async fn next(&mut self) {
        let changed = match &mut self.0 {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if changed.is_none() {
            std::future::pending().await
        }
    }
}

/// Reads standard input on a thread of its own that ends with this value: tokio's would go on reading, take a key that
/// was meant for the shell, and hold up the end of the process until it came.
pub(super) struct Keyboard {
    bytes: mpsc::Receiver<Vec<u8>>,
    /// Its other end reports a hang-up as soon as this is dropped.
    _alive: io::PipeWriter,
}

impl Keyboard {
    pub(super) fn open() -> io::Result<Self> {
        let (dropped, alive) = io::pipe()?;
        let (send, bytes) = mpsc::channel(16);
        std::thread::Builder::new().name("keyboard".to_owned()).spawn(move || read_input(&dropped, &send))?;
        Ok(Self { bytes, _alive: alive })
    }

    /// The next bytes; `None` at the end of the input.
    pub(super) async fn read(&mut self) -> Option<Vec<u8>> {
        self.bytes.recv().await
    }
}

fn read_input(dropped: &io::PipeReader, send: &mpsc::Sender<Vec<u8>>) {
    // Past std's buffer, in which bytes would wait that the poll does not know of.
    let stdin = io::stdin();
    let mut buffer = [0; 8 * 1024];
    loop {
        {
            let mut ready = [
                PollFd::new(&stdin, PollFlags::IN),
                PollFd::from_borrowed_fd(dropped.as_fd(), PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Ok(_) if !ready[1].revents().is_empty() => return,
                Ok(_) if ready[0].revents().is_empty() => continue,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            }
        }
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if send.blocking_send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        }
    }
}

/// Writes what the command writes, as it is: a person looks at it, on a terminal that is the command's for now.
pub(super) async fn show(frame: LogOutput) -> io::Result<()> {
    // A terminal can be stopped (Ctrl-S) for as long as its user likes.
    tokio::task::spawn_blocking(move || match frame {
        LogOutput::StdErr { message } => write_all(io::stderr().lock(), &message),
        LogOutput::StdOut { message } | LogOutput::StdIn { message } | LogOutput::Console { message } => {
            write_all(io::stdout().lock(), &message)
        }
    })
    .await
    .map_err(io::Error::other)?
}

fn write_all(mut to: impl io::Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}
