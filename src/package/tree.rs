//! An installed tree on disk as the list of files a manifest holds.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio_util::sync::CancellationToken;

use super::error::PackageError;
use crate::model::{Digest, Digester, PackagedFile};

/// More threads than this wait for the disk, not for the processor.
const MOST_THREADS: usize = 8;

/// Lists and digests everything below `root`, sorted by path. Folders are in it through what lies in them.
///
/// Refused are symlinks that are absolute or lead out, special files and names that are not UTF-8.
pub fn scan(root: &Path, cancel: &CancellationToken) -> Result<Vec<PackagedFile>, PackageError> {
    let mut found = Vec::new();
    let mut files = Vec::new();
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((folder, relative)) = waiting.pop() {
        for child in fs::read_dir(&folder).map_err(PackageError::io("reading", &folder))? {
            let child = child.map_err(PackageError::io("reading", &folder))?;
            let path = child.path();
            let metadata = fs::symlink_metadata(&path).map_err(PackageError::io("reading", &path))?;
            let name = child.file_name();
            let Some(name) = name.to_str() else { return Err(PackageError::NotUtf8 { path }) };
            let relative = if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") };
            if metadata.is_dir() {
                waiting.push((path, relative));
            } else if metadata.is_symlink() {
                found.push(symlink(&path, relative)?);
            } else if metadata.is_file() {
                files.push((path, relative, metadata));
            } else {
                return Err(PackageError::Special { path: relative, kind: special_kind(&metadata) });
            }
        }
    }
    found.extend(digest_all(&files, cancel)?);
    found.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(found)
}

/// Whether a path is relative and plain: no empty part, no `.` or `..`.
pub(super) fn is_plain_path(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Why a symlink at the relative path `path` must not be packed, if so.
///
/// `..` is allowed at the start only. There it is counted from real folders; after a name it would be counted from
/// wherever another link leads, so that two links that each stay inside lead out together.
pub(super) fn symlink_objection(path: &str, target: &str) -> Option<&'static str> {
    if target.is_empty() {
        return Some("nowhere");
    }
    if target.starts_with('/') {
        return Some("to an absolute path");
    }
    let mut up = 0;
    let mut down = false;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if down => return Some("up again after a name"),
            ".." => up += 1,
            _ => down = true,
        }
    }
    (up > path.matches('/').count()).then_some("out of the package")
}

/// Opens a file for reading unless it is a symlink.
pub(super) fn open_file(path: &Path) -> Result<File, PackageError> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    File::options().read(true).custom_flags(no_follow).open(path).map_err(PackageError::io("opening", path))
}

pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

fn symlink(path: &Path, relative: String) -> Result<PackagedFile, PackageError> {
    let target = fs::read_link(path).map_err(PackageError::io("reading", path))?;
    let Some(target) = target.to_str().map(str::to_owned) else {
        return Err(PackageError::NotUtf8 { path: path.to_owned() });
    };
    match symlink_objection(&relative, &target) {
        Some(why) => Err(PackageError::Symlink { path: relative, target, why }),
        None => Ok(PackagedFile::Symlink { path: relative, target }),
    }
}

fn special_kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "named pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

fn digest_all(
    files: &[(PathBuf, String, Metadata)],
    cancel: &CancellationToken,
) -> Result<Vec<PackagedFile>, PackageError> {
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MOST_THREADS).min(files.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((path, relative, metadata)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (sha256, size) = digest(path, cancel)?;
            let executable = is_executable(metadata);
            done.push(PackagedFile::File { path: relative.clone(), sha256, size, executable });
        }
        Ok(done)
    };
    let parts: Vec<Result<Vec<_>, PackageError>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("digesting a file does not panic")).collect()
    });
    let mut all = Vec::with_capacity(files.len());
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

fn digest(path: &Path, cancel: &CancellationToken) -> Result<(Digest, u64), PackageError> {
    let mut file = open_file(path)?;
    let mut digester = Digester::new();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(PackageError::Cancelled);
        }
        let read = file.read(&mut buffer).map_err(PackageError::io("reading", path))?;
        if read == 0 {
            return Ok((digester.finish(), size));
        }
        digester.update(&buffer[..read]);
        size += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(fill: impl FnOnce(&Path)) -> Result<Vec<PackagedFile>, PackageError> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fill(root.path());
        scan(root.path(), &CancellationToken::new())
    }

    #[test]
    fn files_are_sorted_and_digested_and_folders_implied() {
        let found = tree(|root| {
            fs::write(root.join("z"), "last").unwrap();
            fs::write(root.join("a/b/lib"), "x").unwrap();
            fs::set_permissions(root.join("a/b/lib"), fs::Permissions::from_mode(0o755)).unwrap();
            symlink("b/lib", root.join("a/link")).unwrap();
        })
        .unwrap();
        assert_eq!(
            found,
            [
                PackagedFile::File {
                    path: "a/b/lib".into(),
                    sha256: Digest::of("x"),
                    size: 1,
                    executable: true
                },
                PackagedFile::Symlink { path: "a/link".into(), target: "b/lib".into() },
                PackagedFile::File {
                    path: "z".into(),
                    sha256: Digest::of("last"),
                    size: 4,
                    executable: false
                },
            ]
        );
    }

    #[test]
    fn symlinks_that_could_lead_out_are_refused() {
        for bad in ["/etc/passwd", "../../../x", "../../..", "b/../../..", "b/../c"] {
            let found = tree(|root| symlink(bad, root.join("a/b/link")).unwrap());
            assert!(matches!(found, Err(PackageError::Symlink { .. })), "{bad}: {found:?}");
        }
        for good in ["../../x", "..", ".", "c/d", "./c", "../b//c"] {
            assert_eq!(symlink_objection("a/b/link", good), None, "{good}");
        }
    }

    #[test]
    fn a_socket_is_refused() {
        let found = tree(|root| {
            std::os::unix::net::UnixListener::bind(root.join("a/s")).unwrap();
        });
        assert!(matches!(found, Err(PackageError::Special { kind: "socket", .. })), "{found:?}");
    }
}
