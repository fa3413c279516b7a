//! Whether a build installed what its recipe promises.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use object::elf::{EM_AMDGPU, EM_X86_64, ET_DYN, FileHeader64};
use object::read::elf::FileHeader as _;
use object::{Endianness, elf};

use super::error::{OutputProblem, PackageError};
use crate::model::{GfxTarget, OutputKind, OutputSpec};

/// The part of `e_flags` that names the processor.
const MACHINE_MASK: u32 = 0xff;

/// Checks the tree installed below `tree_root` against a recipe's outputs, which lie below `prefix`. Names all that
/// is missing or wrong at once.
pub fn check_outputs(
    outputs: &[OutputSpec],
    tree_root: &Path,
    prefix: &str,
    target: GfxTarget,
) -> Result<(), PackageError> {
    let installed = tree_root.join(prefix.trim_matches('/'));
    if !holds_anything(&installed).map_err(PackageError::io("reading", &installed))? {
        return Err(PackageError::NothingInstalled { prefix: prefix.to_owned() });
    }
    let root = fs::canonicalize(tree_root).map_err(PackageError::io("reading", tree_root))?;
    let mut problems = Vec::new();
    for output in outputs {
        let path = output.path.replace("{target}", target.as_str());
        let place = installed.join(&path);
        // Links are followed, but what lies outside the tree is not in the package.
        let place = match fs::canonicalize(&place) {
            Ok(place) if place.starts_with(&root) => place,
            Ok(_) => {
                let found = "a symlink out of the package".to_owned();
                problems.push(OutputProblem::WrongKind {
                    path,
                    expected: expected(output.kind, target),
                    found,
                });
                continue;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                problems.push(OutputProblem::Missing { path });
                continue;
            }
            Err(error) => return Err(PackageError::io("reading", &place)(error)),
        };
        let found = what_is(&place).map_err(PackageError::io("reading", &place))?;
        if !fits(&found, output.kind, target) {
            let (expected, found) = (expected(output.kind, target), found.to_string());
            problems.push(OutputProblem::WrongKind { path, expected, found });
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(PackageError::Outputs { prefix: prefix.to_owned(), problems }),
    }
}

/// What a path turned out to be.
enum Found {
    Directory,
    Elf { machine: elf::Machine, kind: elf::FileType, flags: u32, cut: bool },
    Bundle,
    OtherFile,
    Empty,
    Special,
}

fn fits(found: &Found, kind: OutputKind, target: GfxTarget) -> bool {
    match kind {
        OutputKind::Directory => matches!(found, Found::Directory),
        OutputKind::File => {
            matches!(found, Found::Elf { .. } | Found::Bundle | Found::OtherFile | Found::Empty)
        }
        OutputKind::SharedLibrary => {
            matches!(found, Found::Elf { machine: EM_X86_64, kind: ET_DYN, cut: false, .. })
        }
        OutputKind::CodeObject => matches!(
            found,
            Found::Elf { machine: EM_AMDGPU, flags, cut: false, .. }
                if flags & MACHINE_MASK == target.elf_machine_flag()
        ),
    }
}

fn expected(kind: OutputKind, target: GfxTarget) -> String {
    match kind {
        OutputKind::File => "a file".to_owned(),
        OutputKind::Directory => "a directory".to_owned(),
        OutputKind::SharedLibrary => "a shared library for x86-64".to_owned(),
        OutputKind::CodeObject => format!("a code object for {target}"),
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Found::Directory => f.write_str("a directory"),
            Found::Elf { cut: true, .. } => f.write_str("a truncated ELF file"),
            Found::Elf { machine: EM_AMDGPU, flags, .. } => {
                let flag = flags & MACHINE_MASK;
                match GfxTarget::from_elf_machine_flag(flag) {
                    Some(target) => write!(f, "a code object for {target}"),
                    None => write!(f, "a code object for AMD machine {flag:#x}"),
                }
            }
            Found::Elf { machine: EM_X86_64, kind: ET_DYN, .. } => f.write_str("a shared library for x86-64"),
            Found::Elf { machine, kind, .. } => {
                write!(f, "an ELF file of type {} for machine {}", kind.0, machine.0)
            }
            Found::Bundle => f.write_str("an offload bundle"),
            Found::OtherFile => f.write_str("another kind of file"),
            Found::Empty => f.write_str("an empty file"),
            Found::Special => f.write_str("no file"),
        }
    }
}

/// Looks at a path that is no symlink. Of a file, only the header is read.
fn what_is(path: &Path) -> io::Result<Found> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Ok(Found::Directory);
    }
    if !metadata.is_file() {
        return Ok(Found::Special);
    }
    let mut header = Vec::with_capacity(64);
    File::open(path)?.take(64).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(Found::Empty);
    }
    if header.starts_with(b"__CLANG_OFFLOAD_BUNDLE__") || header.starts_with(b"CCOB") {
        return Ok(Found::Bundle);
    }
    // Aligned, or the header cannot be looked at in place.
    let mut aligned = [0u64; 8];
    let bytes = object::pod::bytes_of_slice_mut(&mut aligned);
    bytes[..header.len()].copy_from_slice(&header);
    let Ok(header) = FileHeader64::<Endianness>::parse(&*bytes) else { return Ok(Found::OtherFile) };
    let Ok(endian) = header.endian() else { return Ok(Found::OtherFile) };
    let end = |offset: u64, size: u16, count: u16| offset.saturating_add(u64::from(size) * u64::from(count));
    let segments = end(header.e_phoff(endian), header.e_phentsize(endian), header.e_phnum(endian));
    // The section table is the last thing linkers write: without it the file was cut.
    let sections = end(header.e_shoff(endian), header.e_shentsize(endian), header.e_shnum(endian));
    Ok(Found::Elf {
        machine: header.e_machine(endian),
        kind: header.e_type(endian),
        flags: header.e_flags(endian).0,
        cut: segments.max(sections).max(64) > metadata.len(),
    })
}

/// Whether a folder holds a file or link at any depth.
fn holds_anything(folder: &Path) -> io::Result<bool> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let children = match fs::read_dir(&folder) {
            Ok(children) => children,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for child in children {
            let child = child?;
            match child.file_type()?.is_dir() {
                true => waiting.push(child.path()),
                false => return Ok(true),
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
