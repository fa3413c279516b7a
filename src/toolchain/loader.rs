//! Where the loader looks for a library, and which of several copies it takes.
//!
//! As glibc's: `LD_LIBRARY_PATH`, then what `ldconfig` was told, then the folders of the system. What a program names for
//! itself (`RUNPATH`) stands in each library's own list of what it needs.

use crate::model::{FoundLibrary, GuestPath, Inventory};

/// Where the loader looks at last.
pub const SYSTEM_FOLDERS: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// A copy of a library in a folder that the loader searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub library: &'a FoundLibrary,
    pub by: By<'a>,
}

/// Why the loader searches a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By<'a> {
    Variable(&'a str),
    Configuration(&'a GuestPath),
    System,
}

/// The copies of a library that the loader can see, the one it takes first.
pub fn copies<'a>(inventory: &'a Inventory, soname: &str) -> Vec<Candidate<'a>> {
    let mut copies: Vec<Candidate<'a>> = Vec::new();
    for (folder, by) in folders(inventory) {
        for library in &inventory.libraries {
            let is_here = library.soname.as_deref() == Some(soname) && folder_of(library) == folder;
            if is_here && copies.iter().all(|known| known.library.path != library.path) {
                copies.push(Candidate { library, by });
            }
        }
    }
    copies
}

/// The folder in which the file really lies.
pub fn folder_of(library: &FoundLibrary) -> &str {
    library.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn folders(inventory: &Inventory) -> Vec<(String, By<'_>)> {
    let variable = super::clang::variable(inventory, "LD_LIBRARY_PATH").unwrap_or_default();
    let by_variable = variable.split(':').map(|folder| (folder, By::Variable("LD_LIBRARY_PATH")));
    let by_system =
        |folder: &str| SYSTEM_FOLDERS.iter().any(|default| inventory.real(default) == inventory.real(folder));
    let by_configuration = inventory.loader_folders.iter().map(|folder| {
        // Debian's own configuration names the folders of the system.
        match by_system(&folder.folder) {
            true => (folder.folder.as_str(), By::System),
            false => (folder.folder.as_str(), By::Configuration(&folder.proof)),
        }
    });
    let system = SYSTEM_FOLDERS.iter().map(|folder| (*folder, By::System));
    let all = by_variable.chain(by_configuration).chain(system);
    all.filter_map(|(folder, by)| Some((inventory.real(folder)?, by))).collect()
}
