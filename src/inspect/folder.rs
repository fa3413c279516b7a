//! A folder as a root: the host's `/`, or an unpacked root file system.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Dir, FileType, OFlags};

use super::error::InspectError;
use super::found;
use super::gathered::{Gathered, plain, read_file};
use super::interest::{LINKS, PACKAGES, PLACES, ROOTS, interest};
use crate::facts::Root;
use crate::model::Inventory;

/// ROCm's and LLVM's trees are less deep.
const DEEPEST: usize = 16;
/// A full desktop has some 500,000.
const MOST_ENTRIES: usize = 4_000_000;
const LARGEST_STATUS: u64 = 64 << 20;

/// Folders with many files, none of which matters.
const PASSED_OVER: [&str; 8] = [
    "/usr/share/doc",
    "/usr/share/man",
    "/usr/share/locale",
    "/usr/share/icons",
    "/usr/src",
    "/usr/share/info",
    "/usr/share/fonts",
    "/usr/share/help",
];

/// Looks into the folder `root` with the environment its programs would have.
pub fn folder(root: &Path, environment: &BTreeMap<String, String>) -> Result<Inventory, InspectError> {
    let handle = Root::open(root).map_err(|error| InspectError::Root { path: root.to_owned(), error })?;
    let mut walk = Walk { root: handle, gathered: Gathered::default(), entries: 0 };
    for path in LINKS {
        walk.look_at(path);
    }
    for place in ROOTS.into_iter().chain(PLACES) {
        walk.place(place);
    }
    for folder in found::named_folders(environment) {
        // What the environment points to may lie anywhere, e.g. in a home folder.
        if !ROOTS.iter().any(|root| folder.starts_with(root)) {
            walk.place(&folder);
        }
    }
    walk.gathered.packages = walk.packages();
    Ok(found::inventory(walk.gathered, environment))
}

struct Walk {
    root: Root,
    gathered: Gathered,
    entries: usize,
}

impl Walk {
    fn place(&mut self, path: &str) {
        match self.root.at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(folder) => self.folder(path, folder, 0),
            Err(_) => self.look_at(path),
        }
    }

    fn folder(&mut self, path: &str, folder: OwnedFd, depth: usize) {
        let Ok(entries) = Dir::new(folder) else { return };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") || self.entries >= MOST_ENTRIES {
                continue;
            }
            self.entries += 1;
            let here = format!("{}/{name}", path.trim_end_matches('/'));
            match entry.file_type() {
                FileType::Directory => {
                    if depth == DEEPEST || PASSED_OVER.contains(&here.as_str()) {
                        continue;
                    }
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
                    if let Ok(inner) = self.root.at(&here, flags) {
                        self.folder(&here, inner, depth + 1);
                    }
                }
                FileType::RegularFile if interest(&here).is_none() => {}
                // Links to folders matter whatever they are called.
                FileType::RegularFile | FileType::Symlink | FileType::Unknown => self.look_at(&here),
                _ => {}
            }
        }
    }

    fn look_at(&mut self, path: &str) {
        let Some(path) = plain(path) else { return };
        let Ok(handle) = self.root.at(&path, OFlags::PATH | OFlags::NOFOLLOW) else { return };
        let Ok(stat) = rustix::fs::fstat(&handle) else { return };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                if let Ok(target) = rustix::fs::readlinkat(&handle, c"", Vec::new())
                    && let Ok(target) = target.to_str()
                {
                    self.gathered.link(&path, target);
                }
            }
            FileType::RegularFile if interest(&path).is_some() => {
                let read = self
                    .root
                    .at(&path, OFlags::RDONLY | OFlags::NOFOLLOW)
                    .and_then(|file| read_file(&path, File::from(file)));
                self.gathered.facts(&path, read);
            }
            _ => {}
        }
    }

    fn packages(&self) -> Option<String> {
        let file = self.root.at(PACKAGES, OFlags::RDONLY).ok()?;
        let mut bytes = Vec::new();
        File::from(file).take(LARGEST_STATUS).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}
