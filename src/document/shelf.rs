//! Named folders from the binary and from the disk; of the same name the later one counts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use include_dir::Dir;

use super::folder::{FolderError, read_folder, unreadable};
use crate::model::{FileSet, HostPath, NameError};

/// Where a recipe or toolchain comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    Embedded,
    /// This folder, which a person named.
    Folder(HostPath),
}

/// The folders that hold the file `marker`, by name. Nothing is read before it is asked for.
#[derive(Clone, Debug)]
pub struct Shelf<Name> {
    marker: &'static str,
    embedded: &'static Dir<'static>,
    origins: BTreeMap<Name, Origin>,
}

impl<Name: FromStr<Err = NameError> + Ord> Shelf<Name> {
    /// Lists the folders of `embedded` and of every folder in `extra`; the later one of a name counts.
    pub fn load(
        embedded: &'static Dir<'static>,
        marker: &'static str,
        extra: &[HostPath],
    ) -> Result<Self, FolderError> {
        let mut origins = BTreeMap::new();
        for folder in embedded.dirs().filter(|folder| folder.contains(folder.path().join(marker))) {
            if let Ok(name) = folder.path().to_string_lossy().parse() {
                origins.insert(name, Origin::Embedded);
            }
        }
        for path in extra {
            for (name, folder) in list(path, marker)? {
                origins.insert(name, Origin::Folder(folder));
            }
        }
        Ok(Self { marker, embedded, origins })
    }

    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.origins.keys()
    }

    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.origins.get(&name.parse().ok()?)
    }

    /// The files of a folder, or `None` if there is none of that name.
    pub fn files(&self, name: &str) -> Option<Result<FileSet, FolderError>> {
        Some(match self.origin(name)? {
            Origin::Embedded => Ok(embedded_files(self.embedded.get_dir(name)?)),
            Origin::Folder(path) => read_folder(path),
        })
    }

    /// How the file that makes the folder one of this shelf is called in reports.
    pub fn shown(&self, name: &str) -> String {
        match self.origin(name) {
            Some(Origin::Folder(path)) => path.join(self.marker).to_string(),
            Some(Origin::Embedded) | None => format!("{name}/{}", self.marker),
        }
    }
}

fn list<Name: FromStr<Err = NameError>>(
    path: &HostPath,
    marker: &'static str,
) -> Result<Vec<(Name, HostPath)>, FolderError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path.as_path()).map_err(|reason| unreadable(path, reason))? {
        let entry = entry.map_err(|reason| unreadable(path, reason))?;
        let folder = HostPath::new(entry.path());
        if entry.file_name() == marker {
            return Err(FolderError::Level { path: path.clone(), file: marker });
        }
        if folder.join(marker).as_path().symlink_metadata().is_err() {
            continue;
        }
        if entry.file_type().map_err(|reason| unreadable(&folder, reason))?.is_symlink() {
            return Err(FolderError::Link { path: folder });
        }
        match entry.file_name().to_string_lossy().parse() {
            Ok(name) => found.push((name, folder)),
            Err(reason) => return Err(FolderError::Name { path: folder, reason }),
        }
    }
    Ok(found)
}

fn embedded_files(folder: &'static Dir<'static>) -> FileSet {
    let mut files = FileSet::default();
    let mut folders = vec![folder];
    while let Some(current) = folders.pop() {
        folders.extend(current.dirs());
        for file in current.files() {
            let relative = file.path().strip_prefix(folder.path()).expect("a file lies below its folder");
            files.insert(relative.to_string_lossy(), file.contents());
        }
    }
    files
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Embedded => f.write_str("built in"),
            Origin::Folder(path) => path.fmt(f),
        }
    }
}
