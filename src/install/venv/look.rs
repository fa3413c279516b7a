//! Reads what the libraries of a wheel, of ours and of the system need and offer. Nothing is loaded.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::error::VenvError;
use super::fit::{Named, Ours, Wheel};
use crate::code::{self, Library};

/// Where the loader looks by itself, on the distributions that PyTorch's wheels run on.
const SYSTEM_FOLDERS: [&str; 8] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/lib64",
];

pub(super) fn wheel(folder: &Path, names: &[String], miopen: &str) -> Result<Wheel, VenvError> {
    let mut libraries = Vec::new();
    let mut wanted = BTreeMap::new();
    for name in names {
        let path = folder.join(name);
        // What is no library of this kind is nobody's need.
        let Some(library) = library(&path) else {
            if name == miopen || name.starts_with("libtorch_hip.so") {
                return Err(unreadable(&path, "it is no 64-bit ELF library"));
            }
            continue;
        };
        libraries.push(Named { file: name.clone(), library });
        if name.starts_with("libtorch") {
            let imports = with_tables(&path, code::imports)?;
            let functions = imports.into_iter().filter(|symbol| symbol.starts_with("miopen"));
            wanted.extend(functions.map(|function| (function, name.clone())));
        }
    }
    Ok(Wheel { libraries, miopen: miopen.to_owned(), wanted })
}

pub(super) fn ours(path: &Path) -> Result<Ours, VenvError> {
    let library = library(path).ok_or_else(|| unreadable(path, "it is no 64-bit ELF library"))?;
    Ok(Ours { library, exports: with_tables(path, code::exports)? })
}

/// A library of this system, by the name that the loader looks for.
pub(super) fn of_system(name: &str) -> Option<Library> {
    if name.contains('/') {
        return None;
    }
    SYSTEM_FOLDERS.iter().find_map(|folder| library(&Path::new(folder).join(name)))
}

fn library(path: &Path) -> Option<Library> {
    let file = File::open(path).ok()?;
    code::library(&object::read::ReadCache::new(file)).ok()
}

fn with_tables<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, code::LibraryError>,
) -> Result<T, VenvError> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let bytes = code::tables(&file).map_err(|error| unreadable(path, error))?;
    read(&bytes).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, why: impl ToString) -> VenvError {
    VenvError::Unreadable { path: path.to_owned(), why: why.to_string() }
}
