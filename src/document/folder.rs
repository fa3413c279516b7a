//! Reads a small folder whole: bounded, regular files only, no links.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use miette::Diagnostic;
use rustix::fs::OFlags;
use thiserror::Error;

use crate::model::{FileSet, HostPath, NameError};

const MOST_FILES: usize = 4096;
const MOST_BYTES: u64 = 64 << 20;
const MOST_LEVELS: usize = 16;

/// A folder of recipes or toolchains cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum FolderError {
    #[error("cannot read {path}: {reason}")]
    #[diagnostic(code(document::read), help("check the path, and the right to read it"))]
    Read { path: HostPath, reason: io::Error },

    #[error("{path} is a symbolic link, which is not followed")]
    #[diagnostic(code(document::link), help("copy what it points to in its place"))]
    Link { path: HostPath },

    #[error("{path} is neither a file nor a folder")]
    #[diagnostic(code(document::special), help("remove it from the folder"))]
    Special { path: HostPath },

    #[error("{path} has more than {limit}")]
    #[diagnostic(
        code(document::size),
        help("large sources are fetched (`git` or `tarball`), not kept in the folder")
    )]
    TooLarge { path: HostPath, limit: String },

    #[error("the name of {path} is not UTF-8")]
    #[diagnostic(code(document::name), help("rename it"))]
    NotUtf8 { path: HostPath },

    #[error("{path} cannot be used: {reason}")]
    #[diagnostic(code(document::name), help("rename the folder"))]
    Name { path: HostPath, reason: NameError },

    #[error("{path} has no {file}")]
    #[diagnostic(code(document::missing), help("name the folder that holds {file}"))]
    Missing { path: HostPath, file: &'static str },

    #[error("{path} is not a folder of folders that hold a {file} each")]
    #[diagnostic(code(document::level), help("name the folder above it"))]
    Level { path: HostPath, file: &'static str },
}

/// Reads every file of the folder at `path`.
pub fn read_folder(path: &HostPath) -> Result<FileSet, FolderError> {
    let mut reading = Reading { root: path, files: FileSet::default(), count: 0, bytes: 0 };
    reading.folder(path, "", 0)?;
    Ok(reading.files)
}

struct Reading<'a> {
    root: &'a HostPath,
    files: FileSet,
    count: usize,
    bytes: u64,
}

impl Reading<'_> {
    fn folder(&mut self, path: &HostPath, relative: &str, level: usize) -> Result<(), FolderError> {
        if level > MOST_LEVELS {
            return Err(self.too_large(format!("{MOST_LEVELS} levels of folders")));
        }
        for entry in std::fs::read_dir(path.as_path()).map_err(|reason| unreadable(path, reason))? {
            let entry = entry.map_err(|reason| unreadable(path, reason))?;
            let path = HostPath::new(entry.path());
            self.count += 1;
            if self.count > MOST_FILES {
                return Err(self.too_large(format!("{MOST_FILES} files")));
            }
            let name =
                entry.file_name().into_string().map_err(|_| FolderError::NotUtf8 { path: path.clone() })?;
            let relative = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            // Of the entry itself: a link is not followed.
            let kind = entry.file_type().map_err(|reason| unreadable(&path, reason))?;
            if kind.is_symlink() {
                return Err(FolderError::Link { path });
            } else if kind.is_dir() {
                self.folder(&path, &relative, level + 1)?;
            } else if kind.is_file() {
                let bytes = self.file(&path)?;
                self.files.insert(relative, bytes);
            } else {
                return Err(FolderError::Special { path });
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &HostPath) -> Result<Vec<u8>, FolderError> {
        let file = open(path.as_path()).map_err(|reason| unreadable(path, reason))?;
        if !file.metadata().map_err(|reason| unreadable(path, reason))?.is_file() {
            return Err(FolderError::Special { path: path.clone() });
        }
        let left = MOST_BYTES - self.bytes;
        let mut bytes = Vec::new();
        file.take(left + 1).read_to_end(&mut bytes).map_err(|reason| unreadable(path, reason))?;
        if bytes.len() as u64 > left {
            return Err(self.too_large(format!("{} MiB", MOST_BYTES >> 20)));
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    fn too_large(&self, limit: String) -> FolderError {
        FolderError::TooLarge { path: self.root.clone(), limit }
    }
}

/// Opens what was just seen to be a file; if it was exchanged since, a link fails and a pipe does not block.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

pub(super) fn unreadable(path: &HostPath, reason: io::Error) -> FolderError {
    FolderError::Read { path: path.clone(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, HostPath) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = HostPath::new(folder.path());
        (folder, path)
    }

    #[test]
    fn all_files_are_read_with_their_paths() {
        let (_folder, path) = folder();
        std::fs::create_dir_all(path.join("a/b").as_path()).expect("made");
        std::fs::write(path.join("a/b/c.txt").as_path(), "c").expect("written");
        std::fs::write(path.join(".hidden").as_path(), "h").expect("written");
        let files = read_folder(&path).expect("read");
        assert_eq!(files.iter().collect::<Vec<_>>(), [(".hidden", &b"h"[..]), ("a/b/c.txt", &b"c"[..])]);
    }

    #[test]
    fn a_link_is_refused_whatever_it_points_to() {
        let (_folder, path) = folder();
        std::os::unix::fs::symlink("/etc", path.join("patches").as_path()).expect("linked");
        assert!(matches!(read_folder(&path), Err(FolderError::Link { .. })));
    }

    #[test]
    fn a_socket_is_refused() {
        let (_folder, path) = folder();
        let _socket = std::os::unix::net::UnixListener::bind(path.join("socket").as_path()).expect("bound");
        assert!(matches!(read_folder(&path), Err(FolderError::Special { .. })));
    }

    #[test]
    fn a_large_folder_is_refused_before_it_fills_the_memory() {
        let (_folder, path) = folder();
        let sparse = File::create(path.join("large").as_path()).expect("made");
        sparse.set_len(MOST_BYTES + 1).expect("sparse");
        assert!(matches!(read_folder(&path), Err(FolderError::TooLarge { .. })));
    }
}
