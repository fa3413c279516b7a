//! Reads a folder on disk into a [`Tree`], digesting its files on all cores.
//!
//! Leaves to [`local`](super::local) which files of a person's checkout belong to the source.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use miette::Diagnostic;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, open, openat, statat};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::confine::{self, Escape};
use super::stat_cache::{Stamp, StatCache};
use crate::model::{Digest, Digester, Node, Tree};

#[derive(Debug, Error, Diagnostic)]
pub enum TreeError {
    #[error("`{}` is not a folder", folder.display())]
    #[diagnostic(code(source::not_a_folder), help("give the folder that holds the source's CMakeLists.txt"))]
    NotAFolder { folder: PathBuf },

    #[error("`{path}` is a {what}, which cannot be part of a source")]
    #[diagnostic(code(source::special_file), help("move it out of the source folder"))]
    Special { path: String, what: &'static str },

    #[error("the name of `{shown}` is not UTF-8")]
    #[diagnostic(code(source::name_not_utf8), help("rename the file, or move it out of the source folder"))]
    NameNotUtf8 { shown: String },

    #[error("symlink `{path}` to `{target}` leaves the source folder: {why}")]
    #[diagnostic(
        code(source::symlink_outside),
        help("put what it points to into the source folder, or remove the symlink")
    )]
    SymlinkOutside { path: String, target: String, why: Escape },

    #[error("`{path}` changed while it was read")]
    #[diagnostic(code(source::changed), help("run again when nothing writes to the source folder any more"))]
    Changed { path: String },

    #[error("git cannot read the checkout {}: {reason}", folder.display())]
    #[diagnostic(
        code(source::checkout),
        help("`git -C {} status` shows what is wrong with it", folder.display())
    )]
    Checkout { folder: PathBuf, reason: String },

    #[error("cannot read {}", path.display())]
    #[diagnostic(code(source::unreadable))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },

    #[error("reading the source was cancelled")]
    #[diagnostic(code(source::cancelled))]
    Cancelled,
}

/// Reads every file below `folder`; meant for sources that were fetched or unpacked by this tool.
pub fn read_tree(folder: &Path, cancel: &CancellationToken) -> Result<Tree, TreeError> {
    let paths = walk(folder, |_| true, cancel)?;
    let mut cache = StatCache::begin(folder);
    Ok(read_paths(folder, paths, &StatCache::default(), &mut cache, cancel)?.0)
}

/// Lists the files and symlinks below `folder`, leaving out every name that `keep` refuses.
pub(super) fn walk(
    folder: &Path,
    keep: impl Fn(&str) -> bool,
    cancel: &CancellationToken,
) -> Result<Vec<String>, TreeError> {
    if !folder.is_dir() {
        return Err(TreeError::NotAFolder { folder: folder.to_owned() });
    }
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        if cancel.is_cancelled() {
            return Err(TreeError::Cancelled);
        }
        let at = folder.join(&prefix);
        let unreadable = |error| TreeError::Io { path: at.clone(), error };
        for entry in fs::read_dir(&at).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = utf8(&prefix, entry.file_name().as_bytes())?;
            if !keep(&name) {
                continue;
            }
            let path = join(&prefix, &name);
            match entry.file_type().map_err(unreadable)?.is_dir() {
                true => pending.push(path),
                false => found.push(path),
            }
        }
    }
    Ok(found)
}

fn utf8(prefix: &str, name: &[u8]) -> Result<String, TreeError> {
    match std::str::from_utf8(name) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(TreeError::NameNotUtf8 { shown: join(prefix, &String::from_utf8_lossy(name)) }),
    }
}

pub(super) fn join(prefix: &str, name: &str) -> String {
    match prefix.is_empty() {
        true => name.to_owned(),
        false => format!("{prefix}/{name}"),
    }
}

/// Turns paths into nodes, taking digests from `known` where it surely still holds and noting all in `noted`.
///
/// A path that is gone by now is left out: git still lists files that were deleted.
pub(super) fn read_paths(
    folder: &Path,
    paths: Vec<String>,
    known: &StatCache,
    noted: &mut StatCache,
    cancel: &CancellationToken,
) -> Result<(Tree, usize), TreeError> {
    let mut tree = Tree::default();
    let mut unknown = Vec::new();
    let mut folders = Folders { root: folder, open: None };
    for path in paths {
        // A checkout's index may name anything, and a folder may have become a symlink since.
        if confine::check_relative(&path).is_err() {
            continue;
        }
        let found = match folders.look_at(&path) {
            Ok(found) => found,
            Err(error) if is_gone(&error) => continue,
            Err(error) => return Err(TreeError::Io { path: folder.join(&path), error }),
        };
        let kind = FileType::from_raw_mode(found.st_mode);
        if kind.is_symlink() {
            let target = read_link(&folder.join(&path), &path)?;
            tree.nodes.insert(path, Node::Symlink { target });
        } else if kind.is_file() {
            let stamp = Stamp::of_stat(&found);
            let executable = found.st_mode & 0o111 != 0;
            match known.get(&path, &stamp) {
                Some(sha256) => {
                    noted.insert(path.clone(), stamp, sha256);
                    tree.nodes.insert(path, Node::File { sha256, size: stamp.size, executable });
                }
                None => unknown.push(Unread { path, stamp, executable }),
            }
        } else if !kind.is_dir() {
            let what = match () {
                () if kind.is_socket() => "socket",
                () if kind.is_fifo() => "named pipe",
                () => "device",
            };
            return Err(TreeError::Special { path, what });
        }
    }
    let digested = unknown.len();
    for (file, sha256) in digest_all(folder, unknown, cancel)? {
        noted.insert(file.path.clone(), file.stamp, sha256);
        let node = Node::File { sha256, size: file.stamp.size, executable: file.executable };
        tree.nodes.insert(file.path, node);
    }
    Ok((tree, digested))
}

/// Looks at paths one after the other. The folder of the last one stays open: paths come sorted, and the kernel finds a
/// name in an open folder faster than a path from the root.
struct Folders<'a> {
    root: &'a Path,
    open: Option<(String, OwnedFd)>,
}

impl Folders<'_> {
    /// What `lstat` says of `path`. A symlink among the folders before it is an error: git does not go through one.
    fn look_at(&mut self, path: &str) -> io::Result<Stat> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = match self.open.take() {
            Some((open, folder)) if open == parent => folder,
            Some(_) | None => self.enter(parent)?,
        };
        let (_, folder) = self.open.insert((parent.to_owned(), folder));
        Ok(statat(&*folder, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn enter(&self, parent: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = open(self.root, flags, Mode::empty())?;
        for name in parent.split('/').filter(|name| !name.is_empty()) {
            folder = openat(&folder, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Ok(folder)
    }
}

/// Gone, or behind something that is no folder any more.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read_link(full: &Path, path: &str) -> Result<String, TreeError> {
    let target = fs::read_link(full).map_err(|error| TreeError::Io { path: full.to_owned(), error })?;
    let target = utf8("", target.as_os_str().as_bytes())?;
    match confine::check_link(path, &target) {
        Ok(()) => Ok(target),
        Err(why) => Err(TreeError::SymlinkOutside { path: path.to_owned(), target, why }),
    }
}

struct Unread {
    path: String,
    stamp: Stamp,
    executable: bool,
}

fn digest_all(
    folder: &Path,
    files: Vec<Unread>,
    cancel: &CancellationToken,
) -> Result<Vec<(Unread, Digest)>, TreeError> {
    let next = AtomicUsize::new(0);
    let digests = Mutex::new(vec![None; files.len()]);
    let work = || -> Result<(), TreeError> {
        let mut buffer = vec![0; 128 * 1024];
        while let Some((index, file)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            files.get(index).map(|file| (index, file))
        } {
            if cancel.is_cancelled() {
                return Err(TreeError::Cancelled);
            }
            let digest = digest_file(folder, file, &mut buffer)?;
            digests.lock().expect("no digester panics")[index] = Some(digest);
        }
        Ok(())
    };
    let threads =
        thread::available_parallelism().map_or(1, |count| count.get()).min(files.len().div_ceil(16));
    if threads <= 1 {
        work()?;
    } else {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no digester panics"))
        })?;
    }
    let digests = digests.into_inner().expect("no digester panics");
    Ok(files
        .into_iter()
        .zip(digests)
        .map(|(file, digest)| (file, digest.expect("every file was digested")))
        .collect())
}

fn digest_file(folder: &Path, file: &Unread, buffer: &mut [u8]) -> Result<Digest, TreeError> {
    let full = folder.join(&file.path);
    let unreadable = |error| TreeError::Io { path: full.clone(), error };
    // The name may be another thing by now: a symlink is not followed, a named pipe does not block.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut open =
        File::options().read(true).custom_flags(flags.bits() as i32).open(&full).map_err(unreadable)?;
    let mut digester = Digester::new();
    let mut size = 0;
    loop {
        match open.read(buffer).map_err(unreadable)? {
            0 => break,
            count => {
                digester.update(&buffer[..count]);
                size += count as u64;
            }
        }
        if size > file.stamp.size {
            break;
        }
    }
    match size == file.stamp.size {
        true => Ok(digester.finish()),
        false => Err(TreeError::Changed { path: file.path.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn read(folder: &Path) -> Result<Tree, TreeError> {
        read_tree(folder, &CancellationToken::new())
    }

    #[test]
    fn a_tree_holds_files_modes_and_symlinks() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/run"), "#!").unwrap();
        fs::set_permissions(folder.path().join("bin/run"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("bin/run", folder.path().join("link")).unwrap();
        let tree = read(folder.path()).unwrap();
        let run = Node::File { sha256: Digest::of("#!"), size: 2, executable: true };
        assert_eq!(tree.nodes.get("bin/run"), Some(&run));
        assert_eq!(tree.nodes.get("link"), Some(&Node::Symlink { target: "bin/run".to_owned() }));
    }

    #[test]
    fn what_cannot_be_part_of_a_source_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = UnixListener::bind(folder.path().join("daemon.sock")).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, TreeError::Special { path, what: "socket" } if path == "daemon.sock"));

        let folder = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", folder.path().join("users")).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, TreeError::SymlinkOutside { path, .. } if path == "users"));

        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
        fs::write(folder.path().join(name), "").unwrap();
        let error = read(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "the name of `caf\u{fffd}.txt` is not UTF-8");
    }
}
