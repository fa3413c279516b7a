//! Writes the tree of a commit to disk: the bytes as they are in git, whatever the machine's git settings say.
//!
//! libgit2's own checkout would convert line ends and run by the user's configuration; a source must be the same
//! everywhere.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use git2::{ObjectType, Odb, Oid, Repository, Tree};
use tokio_util::sync::CancellationToken;

use super::super::address::redacted;
use super::super::confine::{self, Escape};
use super::error::GitError;
use super::fetch::{GitRequest, damaged};

/// What was written, and what a complete source might miss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkout {
    pub files: u64,
    pub bytes: u64,
    /// Folders that are repositories of their own; they are left out.
    pub submodules: Vec<String>,
    /// Files that only point to a large file kept elsewhere (git-lfs).
    pub large_file_pointers: Vec<String>,
}

/// The largest source: ROCm's monorepos are below 4 GiB.
const LARGEST: u64 = 16 << 30;
const DEEPEST: usize = 128;

pub(super) fn write(
    repository: &Repository,
    request: &GitRequest<'_>,
    commit: Oid,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<Checkout, GitError> {
    let tree = tree_of(repository, request, commit)?;
    fs::create_dir_all(into).map_err(|error| GitError::io(into, error))?;
    if fs::read_dir(into).map_err(|error| GitError::io(into, error))?.next().is_some() {
        return Err(GitError::NotEmpty { folder: into.to_owned() });
    }
    let mut writer = Writer {
        repository,
        store: repository.odb().map_err(|error| damaged(request, &error))?,
        request,
        into,
        cancel,
        checkout: Checkout::default(),
        symlinks: Vec::new(),
    };
    let written = writer.folder(&tree, "", 0).and_then(|()| writer.make_symlinks());
    match written {
        Ok(()) => Ok(writer.checkout),
        Err(error) => {
            // The error says why; what could not be removed as well does not change it.
            let _ = fs::remove_dir_all(into);
            Err(error)
        }
    }
}

pub(super) fn tree_of<'r>(
    repository: &'r Repository,
    request: &GitRequest<'_>,
    commit: Oid,
) -> Result<Tree<'r>, GitError> {
    let tree = repository
        .find_commit(commit)
        .and_then(|commit| commit.tree())
        .map_err(|error| damaged(request, &error))?;
    let Some(subdir) = request.subdir else { return Ok(tree) };
    let missing = || GitError::NoSuchFolder { commit: request.commit.clone(), subdir: subdir.to_owned() };
    confine::check_relative(subdir).map_err(|_| missing())?;
    let entry = tree.get_path(Path::new(subdir)).map_err(|_| missing())?;
    if entry.kind() != Some(ObjectType::Tree) {
        return Err(missing());
    }
    repository.find_tree(entry.id()).map_err(|error| damaged(request, &error))
}

struct Writer<'a> {
    repository: &'a Repository,
    store: Odb<'a>,
    request: &'a GitRequest<'a>,
    into: &'a Path,
    cancel: &'a CancellationToken,
    checkout: Checkout,
    /// Made last, so that nothing is ever written through one.
    symlinks: Vec<(String, String)>,
}

impl Writer<'_> {
    fn folder(&mut self, tree: &Tree<'_>, prefix: &str, depth: usize) -> Result<(), GitError> {
        for entry in tree.iter() {
            if self.cancel.is_cancelled() {
                return Err(GitError::Cancelled { url: redacted(self.request.url) });
            }
            let path = self.path(prefix, entry.name_bytes())?;
            if depth > DEEPEST {
                return Err(self.hostile(&path, Escape::Long));
            }
            match entry.filemode_raw() & 0o170000 {
                0o040000 => {
                    let inner =
                        self.repository.find_tree(entry.id()).map_err(|error| self.damaged(&error))?;
                    self.made(&path, fs::create_dir(self.into.join(&path)))?;
                    self.folder(&inner, &path, depth + 1)?;
                }
                0o120000 => {
                    let target = self.blob(entry.id(), &path)?;
                    let target =
                        String::from_utf8(target).map_err(|_| self.hostile(&path, Escape::NotUtf8))?;
                    self.symlinks.push((path, target));
                }
                0o160000 => {
                    self.checkout.submodules.push(path);
                }
                _ => {
                    let executable = entry.filemode_raw() & 0o100 != 0;
                    let bytes = self.blob(entry.id(), &path)?;
                    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") && bytes.len() < 1024 {
                        self.checkout.large_file_pointers.push(path.clone());
                    }
                    self.file(&path, &bytes, executable)?;
                }
            }
        }
        Ok(())
    }

    fn path(&self, prefix: &str, name: &[u8]) -> Result<String, GitError> {
        let shown = |name: &[u8]| super::super::tree::join(prefix, &String::from_utf8_lossy(name));
        let Ok(text) = std::str::from_utf8(name) else {
            return Err(GitError::HostilePath {
                commit: self.request.commit.clone(),
                path: shown(name),
                why: Escape::NotUtf8,
            });
        };
        if text.contains('/') {
            return Err(self.hostile(&shown(name), Escape::Outside));
        }
        let path = super::super::tree::join(prefix, text);
        match confine::check_outside_git(text).and_then(|()| confine::check_relative(&path)) {
            Ok(()) => Ok(path),
            Err(why) => Err(self.hostile(&path, why)),
        }
    }

    fn blob(&mut self, id: Oid, path: &str) -> Result<Vec<u8>, GitError> {
        let too_large = || GitError::TooLarge {
            commit: self.request.commit.clone(),
            path: path.to_owned(),
            limit: LARGEST,
        };
        let (size, _) = self.store.read_header(id).map_err(|error| self.damaged(&error))?;
        let total = self.checkout.bytes.saturating_add(size as u64);
        if total > LARGEST {
            return Err(too_large());
        }
        self.checkout.bytes = total;
        let blob = self.repository.find_blob(id).map_err(|error| self.damaged(&error))?;
        Ok(blob.content().to_vec())
    }

    fn file(&mut self, path: &str, bytes: &[u8], executable: bool) -> Result<(), GitError> {
        let mode = if executable { 0o755 } else { 0o644 };
        let full = self.into.join(path);
        let created = File::options().write(true).create_new(true).mode(mode).open(full);
        self.made(path, created.and_then(|mut file| file.write_all(bytes)))?;
        self.checkout.files += 1;
        Ok(())
    }

    fn make_symlinks(&mut self) -> Result<(), GitError> {
        for (path, target) in std::mem::take(&mut self.symlinks) {
            if let Err(why) = confine::check_link(&path, &target) {
                let commit = self.request.commit.clone();
                return Err(GitError::HostileSymlink { commit, path, target, why });
            }
            self.made(&path, symlink(&target, self.into.join(&path)))?;
            self.checkout.files += 1;
        }
        Ok(())
    }

    fn made(&self, path: &str, outcome: std::io::Result<()>) -> Result<(), GitError> {
        outcome.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                GitError::Twice { commit: self.request.commit.clone(), path: path.to_owned() }
            }
            _ => GitError::io(&self.into.join(path), error),
        })
    }

    fn hostile(&self, path: &str, why: Escape) -> GitError {
        GitError::HostilePath { commit: self.request.commit.clone(), path: path.to_owned(), why }
    }

    fn damaged(&self, error: &git2::Error) -> GitError {
        damaged(self.request, error)
    }
}
