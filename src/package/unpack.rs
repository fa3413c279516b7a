//! Lays the files of an archive down. Decompressing, writing, digesting and bringing to the disk go on at the same time.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio_util::sync::CancellationToken;

use super::error::PackageError;
use super::walk::{Each, Stop, decoder, walk_tar};
use super::{Format, Listed, ListedKind, tree};
use crate::model::{Digest, Digester, PackagedFile};

/// More than any library with its kernels takes.
const LARGEST_CONTENT: u64 = 32 << 30;
/// Bytes handed from one thread to the next at once.
const BLOCK: usize = 512 << 10;
/// Blocks that may wait for the next thread: together with what is in work, some megabytes.
const WAITING: usize = 8;
/// Bytes after which the disk is set to work, so that little is left to wait for at the end.
const FLUSHED: u64 = 32 << 20;

/// What was laid down, and what it came from.
#[derive(Debug)]
pub(super) struct Digested {
    /// Sorted by path.
    pub files: Vec<PackagedFile>,
    /// Of the archive.
    pub size: u64,
    pub sha256: Digest,
}

/// Unpacks into an empty folder. Links are made when all files are there, so that nothing is written through one.
pub(super) fn unpack(
    format: &Format,
    archive: &Path,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<(), PackageError> {
    lay_down(archive, |each| (format.walk)(archive, each), into, cancel, &mut Plain)
}

/// Unpacks a `tar.zst` as [`unpack`] does that comes out of no file; `archive` is what errors call it.
pub(super) fn unpack_stream(
    archive: &Path,
    compressed: impl Read,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<(), PackageError> {
    let bytes = decoder(compressed).map_err(|error| PackageError::not_ours(archive, error))?;
    lay_down(archive, |each| walk_tar(archive, bytes, each), into, cancel, &mut Plain)
}

/// Unpacks a `tar.zst` as [`unpack`] does, digests what it lays down and has it on the disk on return.
pub(super) fn unpack_digested(
    archive: &Path,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<Digested, PackageError> {
    let file = File::open(archive).map_err(PackageError::io("opening", archive))?;
    let (sender, receiver) = sync_channel(WAITING);
    let (to_digest, digested) = sync_channel(WAITING);
    let (to_flush, flushed) = sync_channel(1024);
    thread::scope(|threads| {
        let decompressing = threads.spawn(move || decompress(file, &sender));
        let digesting = threads.spawn(move || digest_all(&digested));
        let flushing = threads.spawn(move || flush_all(&flushed));
        let mut sink = Digesting { to_digest, to_flush, files: Vec::new() };
        let walk = |each: Each<'_>| walk_tar(archive, Blocks::new(receiver), each);
        let laid_down = lay_down(archive, walk, into, cancel, &mut sink);
        // Both end when nothing more can come.
        let Digesting { to_digest, to_flush, mut files } = sink;
        drop((to_digest, to_flush));
        let digests = digesting.join().expect("digesting never panics");
        let flushed = flushing.join().expect("flushing never panics");
        let (size, sha256) = decompressing.join().expect("decompressing never panics");
        laid_down?;
        flushed.and_then(|()| finish_folders(into)).map_err(PackageError::io("writing into", into))?;
        set_digests(&mut files, digests);
        files.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(Digested { files, size, sha256 })
    })
}

/// What becomes of the bytes that are laid down.
trait Sink {
    fn begin(&mut self, path: &str, size: u64, executable: bool);
    fn bytes(&mut self, bytes: Vec<u8>);
    /// A good part of the file was written since the last time.
    fn written(&mut self, file: &File) -> io::Result<()>;
    fn end(&mut self, file: File) -> io::Result<()>;
    fn link(&mut self, path: &str, target: &str);
}

/// Keeps nothing of them.
struct Plain;

impl Sink for Plain {
    fn begin(&mut self, _: &str, _: u64, _: bool) {}
    fn bytes(&mut self, _: Vec<u8>) {}
    fn written(&mut self, _: &File) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _: File) -> io::Result<()> {
        Ok(())
    }
    fn link(&mut self, _: &str, _: &str) {}
}

/// Hands them to the thread that digests, and files to the one that waits for the disk.
struct Digesting {
    to_digest: SyncSender<ToDigest>,
    to_flush: SyncSender<File>,
    /// As they come; their digests are set at the end.
    files: Vec<PackagedFile>,
}

enum ToDigest {
    Bytes(Vec<u8>),
    EndOfFile,
}

impl Sink for Digesting {
    fn begin(&mut self, path: &str, size: u64, executable: bool) {
        let sha256 = Digest::from_bytes([0; 32]);
        self.files.push(PackagedFile::File { path: path.to_owned(), sha256, size, executable });
    }

    fn bytes(&mut self, bytes: Vec<u8>) {
        // The thread ends only when this sender is gone.
        let _ = self.to_digest.send(ToDigest::Bytes(bytes));
    }

    fn written(&mut self, file: &File) -> io::Result<()> {
        // This only sets the disk to work and waits for nothing; that it was done is known at the end.
        let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
        Ok(())
    }

    fn end(&mut self, file: File) -> io::Result<()> {
        let _ = self.to_digest.send(ToDigest::EndOfFile);
        // A thread that stopped has the error; it is told when it is joined.
        let _ = self.to_flush.send(file);
        Ok(())
    }

    fn link(&mut self, path: &str, target: &str) {
        self.files.push(PackagedFile::Symlink { path: path.to_owned(), target: target.to_owned() });
    }
}

fn lay_down(
    archive: &Path,
    walk: impl FnOnce(Each<'_>) -> Result<(), PackageError>,
    into: &Path,
    cancel: &CancellationToken,
    sink: &mut dyn Sink,
) -> Result<(), PackageError> {
    let mut links = Vec::new();
    let mut total = 0u64;
    let walked = walk(&mut |entry, bytes| {
        let place = into.join(&entry.path);
        if let Some(folder) = place.parent() {
            make_folder(folder, &entry.path)?;
        }
        match &entry.kind {
            ListedKind::Directory => make_folder(&place, &entry.path)?,
            ListedKind::Symlink { target } => {
                if let Some(why) = tree::symlink_objection(&entry.path, target) {
                    return Err(format!("its link {} leads {why}", entry.path).into());
                }
                sink.link(&entry.path, target);
                links.push((place, entry.path.clone(), target.clone()));
            }
            ListedKind::File { size } => {
                total = total.saturating_add(*size);
                if total > LARGEST_CONTENT {
                    return Err(format!("it holds more than {LARGEST_CONTENT} bytes").into());
                }
                write_file(&entry, *size, &place, bytes, cancel, sink)?;
            }
        }
        Ok(true)
    });
    if cancel.is_cancelled() {
        return Err(PackageError::Cancelled);
    }
    walked?;
    for (place, path, target) in links {
        symlink(target, &place).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => PackageError::not_ours(archive, format!("it holds {path} twice")),
            _ => PackageError::io("creating", &place)(error),
        })?;
    }
    Ok(())
}

/// A folder that cannot be made because a file has its name is the archive's fault.
fn make_folder(folder: &Path, path: &str) -> Result<(), Stop> {
    fs::create_dir_all(folder).map_err(|error| blame(error, folder, path))
}

fn write_file(
    entry: &Listed,
    size: u64,
    place: &Path,
    bytes: &mut dyn Read,
    cancel: &CancellationToken,
    sink: &mut dyn Sink,
) -> Result<(), Stop> {
    let failed = |error| Stop::Error(PackageError::io("writing", place)(error));
    let executable = entry.mode & 0o111 != 0;
    sink.begin(&entry.path, size, executable);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)
        .map_err(|error| blame(error, place, &entry.path))?;
    let (mut written, mut flushed) = (0, 0);
    loop {
        if cancel.is_cancelled() {
            return Err(PackageError::Cancelled.into());
        }
        let mut block = Vec::with_capacity(BLOCK.min(size as usize));
        let read = (&mut *bytes).take(BLOCK as u64).read_to_end(&mut block);
        read.map_err(|error| format!("{}: {error}", entry.path))?;
        if block.is_empty() {
            break;
        }
        file.write_all(&block).map_err(failed)?;
        written += block.len() as u64;
        sink.bytes(block);
        if written - flushed >= FLUSHED {
            flushed = written;
            sink.written(&file).map_err(failed)?;
        }
    }
    if written != size {
        return Err(format!("{} ends after {written} of {size} bytes", entry.path).into());
    }
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    sink.end(file).map_err(failed)
}

/// What is in the way of a path was put there by the archive itself: the folder was empty.
fn blame(error: io::Error, place: &Path, path: &str) -> Stop {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Stop::Reason(format!("it holds {path}, and something else in its place"))
        }
        _ => Stop::Error(PackageError::io("writing", place)(error)),
    }
}

/// Digests the archive on its way and sends what comes out of it, or why nothing more does.
fn decompress(file: File, sender: &SyncSender<io::Result<Vec<u8>>>) -> (u64, Digest) {
    let mut source = DigestingReader { inner: file, digester: Digester::new(), size: 0 };
    let sent = (|| {
        let mut decoder = decoder(&mut source)?;
        loop {
            let mut block = Vec::with_capacity(BLOCK);
            (&mut decoder).take(BLOCK as u64).read_to_end(&mut block)?;
            // Without a reader nobody waits for more.
            if block.is_empty() || sender.send(Ok(block)).is_err() {
                return Ok(());
            }
        }
    })();
    if let Err(error) = sent {
        let _ = sender.send(Err(error));
    }
    (source.size, source.digester.finish())
}

struct DigestingReader {
    inner: File,
    digester: Digester,
    size: u64,
}

impl Read for DigestingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digester.update(&buffer[..read]);
        self.size += read as u64;
        Ok(read)
    }
}

/// Reads what another thread sends.
struct Blocks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
}

impl Blocks {
    fn new(receiver: Receiver<io::Result<Vec<u8>>>) -> Self {
        Self { receiver, block: Vec::new(), at: 0 }
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            self.at = 0;
            self.block = match self.receiver.recv() {
                Ok(block) => block?,
                Err(_) => Vec::new(),
            };
        }
        let read = buffer.len().min(self.block.len() - self.at);
        buffer[..read].copy_from_slice(&self.block[self.at..self.at + read]);
        self.at += read;
        Ok(read)
    }
}

fn digest_all(receiver: &Receiver<ToDigest>) -> Vec<Digest> {
    let (mut digests, mut digester) = (Vec::new(), Digester::new());
    for part in receiver {
        match part {
            ToDigest::Bytes(bytes) => digester.update(&bytes),
            ToDigest::EndOfFile => digests.push(std::mem::take(&mut digester).finish()),
        }
    }
    digests
}

fn set_digests(files: &mut [PackagedFile], digests: Vec<Digest>) {
    let places = files.iter_mut().filter_map(|file| match file {
        PackagedFile::File { sha256, .. } => Some(sha256),
        PackagedFile::Symlink { .. } => None,
    });
    for (place, digest) in places.zip(digests) {
        *place = digest;
    }
}

fn flush_all(receiver: &Receiver<File>) -> io::Result<()> {
    let mut result = Ok(());
    for file in receiver {
        // After an error it goes on taking files, so that nobody waits for it.
        if result.is_ok() {
            result = file.sync_all();
        }
    }
    result
}

/// Gives every folder below the root the rights that it has in the archive, whatever the person's mask, and flushes it.
fn finish_folders(root: &Path) -> io::Result<()> {
    let mut waiting: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for child in fs::read_dir(&folder)? {
            let child = child?;
            if child.file_type()?.is_dir() {
                fs::set_permissions(child.path(), Permissions::from_mode(0o755))?;
                waiting.push(child.path());
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}
