//! The parts of a large library that its loader's tables lie in: a library with kernels has more than a gigabyte, and its
//! symbols take a few of its megabytes.

use std::fs::File as DiskFile;
use std::io;
use std::os::unix::fs::FileExt as _;

use object::elf::{DT_GNU_HASH, DT_HASH, DT_STRTAB, DT_SYMTAB, PT_DYNAMIC, PT_LOAD};
use object::read::ReadCache;
use object::read::elf::ProgramHeader as _;
use thiserror::Error;

use super::library::{File, LibraryError, value};

/// More than any library has.
const LARGEST: u64 = 16 << 30;

#[derive(Debug, Error)]
pub enum TablesError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a library as far as [`super::exports`] and [`super::imports`] look. Every byte has its place; what was not read is
/// zero, and takes no memory.
pub fn tables(file: &DiskFile) -> Result<Vec<u8>, TablesError> {
    let length = file.metadata()?.len();
    if length > LARGEST {
        return Err(LibraryError::TooMany("bytes").into());
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| LibraryError::TooMany("bytes"))?];
    for (start, size) in ranges(file, length)? {
        let (start, size) = (start.min(length), size.min(length - start.min(length)));
        file.read_exact_at(&mut bytes[start as usize..(start + size) as usize], start)?;
    }
    Ok(bytes)
}

/// Where the headers and the segments with tables lie.
fn ranges(file: &DiskFile, length: u64) -> Result<Vec<(u64, u64)>, LibraryError> {
    let cache = ReadCache::new(file);
    let library = File::parse(&cache)?;
    let mut ranges = vec![(0, length.min(4096))];
    let Some(table) = library.dynamic()? else { return Ok(ranges) };
    let endian = library.endian;
    let tables = [DT_SYMTAB, DT_STRTAB, DT_HASH, DT_GNU_HASH].map(|tag| value(&table, tag.0));
    for segment in library.segments {
        let kind = segment.p_type(endian);
        let (start, size) = (segment.p_offset(endian), segment.p_filesz(endian));
        let holds =
            |address: u64| address.checked_sub(segment.p_vaddr(endian)).is_some_and(|within| within < size);
        if kind == PT_DYNAMIC || (kind == PT_LOAD && tables.into_iter().flatten().any(holds)) {
            ranges.push((start, size));
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::code::{exports, imports, library};

    #[test]
    fn the_tables_alone_say_the_same_as_the_whole_library() {
        for whole in [
            &include_bytes!("../../tests/fixtures/code/libcalls-gnu.so")[..],
            include_bytes!("../../tests/fixtures/code/libcalls-lld.so"),
            include_bytes!("../../tests/fixtures/code/libfat.so"),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(whole).unwrap();
            let part = tables(&file).unwrap();
            assert_eq!(part.len(), whole.len());
            assert_eq!((exports(&part), imports(&part)), (exports(whole), imports(whole)));
            assert_eq!(library(&part[..]), library(whole));
        }
    }

    #[test]
    fn what_is_cut_or_no_library_is_refused() {
        let whole = include_bytes!("../../tests/fixtures/code/libcalls-gnu.so");
        for bytes in [&b"text"[..], &whole[..100], &whole[..300]] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            assert!(tables(&file).is_err(), "{}", bytes.len());
        }
    }
}
