//! The files of a commit, read one by one where the repository lies, without a checkout.

use std::fmt;
use std::io;

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::super::patch::{Base, Found};
use super::checkout::tree_of;
use super::error::GitError;
use super::fetch::GitRequest;
use super::{Place, place, prepare_library, redacted};
use crate::model::CommitId;

/// A commit of a repository on this machine, or a folder of that commit, as something patches are tried on.
///
/// Holds what a checkout of the commit would hold: submodules are left out.
pub struct CommitBase {
    repository: Repository,
    tree: Oid,
}

impl CommitBase {
    /// Opens the repository at `url`, a folder or a `file://` address.
    pub fn open(url: &str, commit: &CommitId, subdir: Option<&str>) -> Result<Self, GitError> {
        prepare_library();
        let Place::Local(path) = place(url)? else {
            return Err(GitError::NotLocal { url: redacted(url) });
        };
        let repository = Repository::open(&path).map_err(|error| GitError::unreachable(url, &error))?;
        let oid = Oid::from_str(commit.as_str()).expect("a commit id is 40 hexadecimal digits");
        if repository.find_commit(oid).is_err() {
            return Err(GitError::NoSuchCommit { url: redacted(url), commit: commit.clone() });
        }
        let tree = tree_of(&repository, &GitRequest { url, commit, reference: None, subdir }, oid)?.id();
        Ok(Self { repository, tree })
    }

    fn find(&self, path: &str) -> Result<Found, git2::Error> {
        let mut tree = self.repository.find_tree(self.tree)?;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let Some(entry) = tree.get_name(part) else { return Ok(Found::Absent) };
            let (id, mode) = (entry.id(), entry.filemode_raw());
            let is_last = parts.peek().is_none();
            match mode & 0o170000 {
                0o120000 => return Ok(Found::Symlink),
                0o040000 if is_last => return Ok(Found::Folder),
                0o040000 => {
                    drop(entry);
                    tree = self.repository.find_tree(id)?;
                }
                0o160000 => return Ok(Found::Absent),
                _ if is_last => return self.blob(id, mode & 0o100 != 0),
                _ => return Ok(Found::Absent),
            }
        }
        Ok(Found::Absent)
    }

    fn blob(&self, id: Oid, executable: bool) -> Result<Found, git2::Error> {
        let (size, kind) = self.repository.odb()?.read_header(id)?;
        if size as u64 > Found::LARGEST || kind != ObjectType::Blob {
            return Err(git2::Error::from_str("it is larger than a file that is patched may be"));
        }
        Ok(Found::File { bytes: self.repository.find_blob(id)?.content().to_vec(), executable })
    }
}

impl Base for CommitBase {
    fn read(&self, path: &str) -> io::Result<Found> {
        self.find(path).map_err(|error| match error.code() {
            ErrorCode::NotFound => io::Error::new(io::ErrorKind::NotFound, super::reason(&error)),
            _ => io::Error::other(super::reason(&error)),
        })
    }
}

impl fmt::Debug for CommitBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommitBase").field(&self.tree).finish()
    }
}
