//! What was seen of a root file system, before anything is concluded from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek};

use object::ReadCache;

use super::interest::{Interest, Scan, interest};
use super::links;
use super::provided::Provided;
use crate::code::{self, Identification, Library};
use crate::model::{GuestPath, Unread};

/// Headers say their version at their beginning.
const LONGEST_TEXT: u64 = 64 << 10;
/// AMD's rocBLAS and libLLVM have some hundred MiB.
const LARGEST_ELF: u64 = 2 << 30;
/// A full desktop has some thousand that matter.
const MOST_PATHS: usize = 200_000;

/// What was read of a file.
#[derive(Clone, Debug)]
pub(super) enum Facts {
    Text(String),
    Bitcode(Identification),
    Elf {
        library: Library,
        holds: Option<String>,
        opens: BTreeSet<String>,
    },
    /// A library of so many bytes, of which only the name is known.
    Large(u64),
    /// A program that is no ELF file, such as a script.
    Script,
}

/// Paths that matter, with what was read of them. All are absolute.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub names: BTreeSet<String>,
    /// Symlink → its target as written.
    pub links: BTreeMap<String, String>,
    pub facts: BTreeMap<String, Facts>,
    pub unread: Vec<Unread>,
    /// The text of dpkg's list of packages.
    pub packages: Option<String>,
    pub provided: Provided,
}

impl Gathered {
    /// Takes in a path that matters; `false` when there are too many.
    pub fn name(&mut self, path: &str) -> bool {
        let has_room = self.names.len() < MOST_PATHS;
        if has_room {
            self.names.insert(path.to_owned());
        }
        has_room
    }

    pub fn link(&mut self, path: &str, target: &str) {
        if self.name(path) {
            self.links.insert(path.to_owned(), target.to_owned());
        }
    }

    pub fn facts(&mut self, path: &str, read: io::Result<Option<Facts>>) {
        if !self.name(path) {
            return;
        }
        match read {
            Ok(Some(facts)) => {
                self.facts.insert(path.to_owned(), facts);
            }
            Ok(None) => {}
            Err(error) => {
                self.unread.push(Unread { path: GuestPath::new(path), reason: error.to_string() });
            }
        }
    }

    /// Where a path ends when all its symlinks are followed inside the root; itself where nothing is known of it.
    pub fn real(&self, path: &str) -> Option<String> {
        links::follow(path, |path| self.links.get(path).map(String::as_str))
    }
}

/// A path that can be shown and is absolute, in its simplest form.
pub(super) fn plain(path: &str) -> Option<String> {
    let is_plain = path.starts_with('/') && path.len() < 4096 && !path.chars().any(char::is_control);
    is_plain.then(|| links::normal(path))
}

/// Reads what matters of a file from its beginning on.
pub(super) fn read_stream(path: &str, size: u64, input: &mut dyn Read) -> io::Result<Option<Facts>> {
    match interest(path) {
        None | Some(Interest::Name) => Ok(None),
        Some(Interest::Text) => text(input).map(Some),
        Some(Interest::Bitcode) => bitcode(input).map(Some),
        Some(Interest::Elf { scan }) => {
            if size > LARGEST_ELF {
                return Err(io::Error::other(format!("{size} bytes are more than is read of a library")));
            }
            let mut bytes = Vec::new();
            input.take(LARGEST_ELF).read_to_end(&mut bytes)?;
            if !bytes.starts_with(b"\x7fELF") {
                return Ok(Some(Facts::Script));
            }
            let library = code::library(bytes.as_slice()).map_err(io::Error::other)?;
            let (holds, opens) = scanned(scan, bytes.as_slice())?;
            Ok(Some(Facts::Elf { library, holds, opens }))
        }
    }
}

/// Reads what matters of a file, and no more of it than that.
pub(super) fn read_file(path: &str, mut file: File) -> io::Result<Option<Facts>> {
    let Some(Interest::Elf { scan }) = interest(path) else { return read_stream(path, 0, &mut file) };
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    if magic[..read] != *b"\x7fELF" {
        return Ok(Some(Facts::Script));
    }
    let cache = ReadCache::new(file);
    let library = code::library(&cache).map_err(io::Error::other)?;
    let mut file = cache.into_inner();
    file.rewind()?;
    let (holds, opens) = scanned(scan, file.take(LARGEST_ELF))?;
    Ok(Some(Facts::Elf { library, holds, opens }))
}

fn scanned(scan: Scan, input: impl Read) -> io::Result<(Option<String>, BTreeSet<String>)> {
    match scan {
        Scan::Nothing => Ok((None, BTreeSet::new())),
        Scan::Llvm => Ok((code::llvm_version(input)?, BTreeSet::new())),
        Scan::Opened => Ok((None, code::opened_libraries(input)?)),
    }
}

fn text(input: &mut dyn Read) -> io::Result<Facts> {
    let mut bytes = Vec::new();
    input.take(LONGEST_TEXT).read_to_end(&mut bytes)?;
    Ok(Facts::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

fn bitcode(input: &mut dyn Read) -> io::Result<Facts> {
    let mut bytes = Vec::new();
    input.take(code::BITCODE_HEAD as u64).read_to_end(&mut bytes)?;
    code::identification(&bytes).map(Facts::Bitcode).map_err(io::Error::other)
}
