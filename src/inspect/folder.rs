//! A folder as a root: the host's `/`, or an unpacked root file system.

use std::collections::{BTreeMap, BTreeSet};
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

/// Names of folders that are passed over when only likely places are looked at: none of what is in them matters then.
const UNLIKELY: [&str; 10] =
    ["share", "src", "doc", "docs", "cmake", "pkgconfig", "samples", "test", "tests", "tools"];

/// Looks into the folder `root` with the environment its programs would have.
pub fn folder(root: &Path, environment: &BTreeMap<String, String>) -> Result<Inventory, InspectError> {
    let mut walk = Walk::new(root, Breadth::Whole)?;
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

/// Looks only where packages and AMD's installers put ROCm and LLVM, and where the environment and the loader's settings
/// point to: much faster than all of [`folder`], but what lies elsewhere stays unknown.
pub fn likely_places(root: &Path, environment: &BTreeMap<String, String>) -> Result<Inventory, InspectError> {
    let mut walk = Walk::new(root, Breadth::Likely)?;
    for path in LINKS {
        walk.look_at(path);
    }
    for place in PLACES {
        walk.place(place);
    }
    for name in walk.root.names("opt").iter().filter(|name| name.starts_with("rocm")) {
        walk.real_place(&format!("/opt/{name}"));
    }
    for name in walk.root.names("usr/lib").iter().filter(|name| name.starts_with("llvm-")) {
        walk.real_place(&format!("/usr/lib/{name}"));
    }
    walk.real_place("/usr/lib/clang");
    walk.look_at("/usr/include/hip/hip_version.h");
    let (shallow, whole) = found::named_apart(environment);
    for folder in found::searched(&walk.gathered).into_iter().chain(shallow) {
        walk.shallow(&folder);
        walk.real_place(&format!("{folder}/rocblas"));
    }
    for folder in whole.iter().filter(|folder| !WIDE.contains(&folder.as_str())) {
        walk.real_place(folder);
    }
    walk.gathered.packages = walk.packages();
    Ok(found::inventory(walk.gathered, environment))
}

/// Folders that are too wide to be walked through for the sake of one variable.
const WIDE: [&str; 6] = ["/usr", "/usr/local", "/usr/lib", "/opt", "/home", "/root"];

/// How much of a folder is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breadth {
    Whole,
    Likely,
}

struct Walk {
    root: Root,
    breadth: Breadth,
    gathered: Gathered,
    /// Real folders that were looked through, of the likely ones.
    walked: BTreeSet<String>,
    entries: usize,
}

impl Walk {
    fn new(root: &Path, breadth: Breadth) -> Result<Self, InspectError> {
        let handle = Root::open(root).map_err(|error| InspectError::Root { path: root.to_owned(), error })?;
        Ok(Self { root: handle, breadth, gathered: Gathered::default(), walked: BTreeSet::new(), entries: 0 })
    }

    /// The real folder behind a path that may be a link, once.
    fn real_place(&mut self, path: &str) {
        self.look_at(path);
        if let Some(real) = self.gathered.real(path)
            && !WIDE.contains(&real.as_str())
            && self.walked.insert(real.clone())
        {
            self.place(&real);
        }
    }

    /// The files of a folder, without what lies in folders below.
    fn shallow(&mut self, path: &str) {
        let Some(path) = self.gathered.real(path) else { return };
        if !self.walked.insert(path.clone()) {
            return;
        }
        for name in self.root.names(&path) {
            let here = format!("{}/{name}", path.trim_end_matches('/'));
            if interest(&here).is_some() {
                self.look_at(&here);
            }
        }
    }

    /// Whether a folder is passed over. What matters of headers is looked at by name.
    fn passes_over(&mut self, path: &str, name: &str) -> bool {
        match self.breadth {
            Breadth::Whole => PASSED_OVER.contains(&path),
            Breadth::Likely if name == "include" => {
                self.look_at(&format!("{path}/stddef.h"));
                self.look_at(&format!("{path}/hip/hip_version.h"));
                true
            }
            Breadth::Likely => UNLIKELY.contains(&name) || name.starts_with("python"),
        }
    }

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
                    if depth == DEEPEST || self.passes_over(&here, name) {
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
