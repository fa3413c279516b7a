//! The files of a recipe or toolchain folder, read once: small, ordered, the same whether embedded or on disk.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::digest::{Digest, Digester};

/// Files by their path relative to the folder, `/` between parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSet {
    files: BTreeMap<String, Cow<'static, [u8]>>,
}

impl FileSet {
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Cow<'static, [u8]>>) {
        self.files.insert(path.into(), bytes.into());
    }

    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(|bytes| bytes.as_ref())
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref()))
    }

    /// The files below `folder`, with paths relative to it.
    pub fn below(&self, folder: &str) -> FileSet {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let files = self
            .files
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix(&prefix)?.to_owned(), bytes.clone())))
            .collect();
        FileSet { files }
    }

    /// The files below each of these folders, which are called by their last names.
    pub fn by_last_names(&self, folders: &[String]) -> FileSet {
        let mut taken = FileSet::default();
        for folder in folders {
            let name = folder.rsplit('/').next().unwrap_or_default();
            for (path, bytes) in self.below(folder).iter() {
                taken.insert(format!("{name}/{path}"), bytes.to_vec());
            }
        }
        taken
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// A digest over every path and content; a file moved, added or changed gives another.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new();
        for (path, bytes) in &self.files {
            digester.update(&(path.len() as u64).to_le_bytes());
            digester.update(path.as_bytes());
            digester.update(&(bytes.len() as u64).to_le_bytes());
            digester.update(bytes);
        }
        digester.finish()
    }
}
