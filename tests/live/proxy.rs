//! The engine's socket behind one of our own, which can be closed like that of an engine that dies.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::support::{environment, skip};

/// Where the engine listens; a named skip where that is no socket of this machine.
pub fn socket() -> Option<PathBuf> {
    let path = match environment("DOCKER_HOST") {
        None => PathBuf::from("/var/run/docker.sock"),
        Some(address) => match address.strip_prefix("unix://") {
            Some(path) => PathBuf::from(path),
            None => return skip("the engine listens on no socket of this machine"),
        },
    };
    if path.exists() { Some(path) } else { skip(&format!("no socket at {}", path.display())) }
}

/// Says something to the engine that the tool never says. The body is JSON.
pub fn post(path: &str, body: &str) {
    let mut stream = UnixStream::connect(socket().expect("it was there before")).expect("connected");
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all((head + body).as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2')), "{path}: {answer}");
}

pub struct Proxy {
    path: PathBuf,
    /// Both ends of every connection; `None` once it is closed.
    open: Arc<Mutex<Option<Vec<UnixStream>>>>,
    held: Arc<AtomicBool>,
}

/// Requests that reach the engine late, although their sender may have hung up by then.
#[derive(Clone, Copy)]
pub struct Late {
    pub path: &'static str,
    pub by: Duration,
}

impl Proxy {
    pub fn open(path: &Path, to: &Path) -> Self {
        Self::serve(path, to, None)
    }

    /// One on which some requests are late.
    pub fn open_late(path: &Path, to: &Path, late: Late) -> Self {
        Self::serve(path, to, Some(late))
    }

    fn serve(path: &Path, to: &Path, late: Option<Late>) -> Self {
        let listener = UnixListener::bind(path).expect("a socket");
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let held = Arc::new(AtomicBool::new(false));
        let (connections, to, holding) = (open.clone(), to.to_owned(), held.clone());
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let Ok(near) = near else { return };
                let mut open = connections.lock().unwrap_or_else(PoisonError::into_inner);
                // Closed: whoever comes now finds an engine that hangs up.
                let Some(open) = open.as_mut() else { continue };
                let far = UnixStream::connect(&to).expect("the engine is there");
                match late {
                    None => forward(&near, &far),
                    Some(late) => forward_late(&near, &far, late, holding.clone()),
                }
                forward(&far, &near);
                open.extend([near, far]);
            }
        });
        Self { path: path.to_owned(), open, held }
    }

    /// Waits until a request is being held back.
    pub fn wait_until_held(&self) {
        let begun = Instant::now();
        while !self.held.load(Ordering::SeqCst) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no such request came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Ends every connection and takes no more.
    pub fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        for stream in open.unwrap_or_default() {
            let _closed_already = stream.shutdown(Shutdown::Both);
        }
        let _gone_already = fs::remove_file(&self.path);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

fn forward(from: &UnixStream, to: &UnixStream) {
    let (mut from, mut to) = (from.try_clone().expect("cloned"), to.try_clone().expect("cloned"));
    std::thread::spawn(move || {
        let _broken_off = io::copy(&mut from, &mut to);
        let _closed_already = to.shutdown(Shutdown::Write);
    });
}

fn forward_late(from: &UnixStream, to: &UnixStream, late: Late, held: Arc<AtomicBool>) {
    let (mut from, mut to) = (from.try_clone().expect("cloned"), to.try_clone().expect("cloned"));
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if buffer[..length].windows(late.path.len()).any(|part| part == late.path.as_bytes()) {
                held.store(true, Ordering::SeqCst);
                std::thread::sleep(late.by);
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _closed_already = to.shutdown(Shutdown::Write);
    });
}
