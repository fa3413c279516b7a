//! What an archive will hold, path by path, whatever its format.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::PackageError;
use super::tree;
use crate::model::PackagedFile;

/// Everything an archive will hold, sorted by path, with the folders above each file.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub members: BTreeMap<String, Member<'a>>,
    /// Where the files of the tree lie.
    pub tree_root: &'a Path,
    /// Seconds since 1970: the time of every member.
    pub epoch: u64,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Member<'a> {
    Directory,
    Symlink {
        target: &'a str,
    },
    /// A file of the tree, which must be this.
    File {
        expected: &'a PackagedFile,
        size: u64,
        executable: bool,
    },
    /// Made for the package.
    Text(Vec<u8>),
}

impl<'a> Contents<'a> {
    /// Checks every path and link. `texts` are files by their paths that are not in the tree.
    pub fn new(
        files: &'a [PackagedFile],
        texts: Vec<(String, Vec<u8>)>,
        tree_root: &'a Path,
        epoch: u64,
    ) -> Result<Self, PackageError> {
        let bad = |path: &str, why| Err(PackageError::BadPath { path: path.to_owned(), why });
        let mut members: BTreeMap<String, Member<'a>> =
            texts.into_iter().map(|(path, text)| (path, Member::Text(text))).collect();
        for file in files {
            let member = match file {
                PackagedFile::File { size, executable, .. } => {
                    Member::File { expected: file, size: *size, executable: *executable }
                }
                PackagedFile::Symlink { path, target } => match tree::symlink_objection(path, target) {
                    Some(why) => {
                        let (path, target) = (path.clone(), target.clone());
                        return Err(PackageError::Symlink { path, target, why });
                    }
                    None => Member::Symlink { target },
                },
            };
            if !tree::is_plain_path(file.path()) {
                return bad(file.path(), "is not a plain relative path");
            }
            if members.insert(file.path().to_owned(), member).is_some() {
                return bad(file.path(), "is there twice, or is the place of the package's own manifest");
            }
        }
        let above = |path: &String| -> Vec<String> {
            path.match_indices('/').map(|(end, _)| path[..end].to_owned()).collect()
        };
        let folders: BTreeSet<String> = members.keys().flat_map(above).collect();
        for folder in folders {
            if members.contains_key(&folder) {
                return bad(&folder, "has files below it but is no folder");
            }
            members.insert(folder, Member::Directory);
        }
        Ok(Self { members, tree_root, epoch })
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.members.values().map(Member::bytes).sum()
    }
}

impl Member<'_> {
    pub fn bytes(&self) -> u64 {
        match self {
            Member::Directory | Member::Symlink { .. } => 0,
            Member::File { size, .. } => *size,
            Member::Text(text) => text.len() as u64,
        }
    }
}
