//! What a library of the host offers to others and wants from them: the names of its dynamic symbols.
//!
//! The table has no length of its own. It is that of the hash tables in front of it, as the loader reads them, or else of
//! the section. All input is hostile: every offset is checked, and what has millions of names is refused.

use std::collections::BTreeSet;

use object::elf::{
    DT_GNU_HASH, DT_HASH, DT_STRTAB, DT_SYMTAB, FileHeader64, SHN_ABS, SHN_UNDEF, SHT_DYNSYM, STB_GLOBAL,
    STB_GNU_UNIQUE, STB_WEAK, STT_COMMON, STT_FUNC, STT_GNU_IFUNC, STT_OBJECT, STT_TLS, STV_DEFAULT,
    STV_PROTECTED, Sym64,
};
use object::read::elf::{FileHeader as _, GnuHashTable, HashTable, SectionHeader as _};
use object::{Endianness, ReadRef, StringTable};

use super::library::{Entry, File, LibraryError, value};

/// The largest libraries of ROCm have some hundred thousand.
const MOST_SYMBOLS: u64 = 1 << 20;
/// Names made of templates have many thousand characters.
const LONGEST_NAME: usize = 1 << 16;
/// Names may lie within each other: together they can be longer than the file.
const MOST_TEXT: usize = 256 << 20;

const DAMAGED: LibraryError = LibraryError::Damaged("symbol table");
const TOO_MANY: LibraryError = LibraryError::TooMany("symbols");

/// Reads the names of the functions and objects that a library defines for others.
pub fn exports(bytes: &[u8]) -> Result<BTreeSet<String>, LibraryError> {
    names(bytes, |symbol, endian| {
        let section = symbol.st_shndx.get(endian);
        let is_code_or_data =
            [STT_FUNC, STT_OBJECT, STT_COMMON, STT_TLS, STT_GNU_IFUNC].contains(&symbol.st_type());
        // Without a section: the names of symbol versions.
        section != SHN_UNDEF
            && section != SHN_ABS
            && is_code_or_data
            && is_bound_outside(symbol)
            && [STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_visibility())
    })
}

/// Reads the names that a library leaves for others to define.
pub fn imports(bytes: &[u8]) -> Result<BTreeSet<String>, LibraryError> {
    names(bytes, is_imported)
}

fn names(
    bytes: &[u8],
    is_asked_for: impl Fn(&Sym64<Endianness>, Endianness) -> bool,
) -> Result<BTreeSet<String>, LibraryError> {
    let file = File::parse(bytes)?;
    let Some(table) = file.dynamic()? else { return Ok(BTreeSet::new()) };
    let symbols = Symbols::read(&file, &table)?;
    let mut names = BTreeSet::new();
    let mut length = 0;
    for symbol in symbols.all.iter().filter(|symbol| is_asked_for(symbol, file.endian)) {
        let name = symbols.name(symbol).ok_or(DAMAGED)?;
        if name.is_empty() {
            continue;
        }
        length += name.len();
        if length > MOST_TEXT {
            return Err(TOO_MANY);
        }
        names.insert(name.to_owned());
    }
    Ok(names)
}

pub(super) fn is_imported(symbol: &Sym64<Endianness>, endian: Endianness) -> bool {
    symbol.st_shndx.get(endian) == SHN_UNDEF && is_bound_outside(symbol)
}

fn is_bound_outside(symbol: &Sym64<Endianness>) -> bool {
    [STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].contains(&symbol.st_bind())
}

/// The dynamic symbols of a library.
pub(super) struct Symbols<'d> {
    pub(super) all: &'d [Sym64<Endianness>],
    strings: StringTable<'d, &'d [u8]>,
    endian: Endianness,
}

impl<'d> Symbols<'d> {
    pub(super) fn read(file: &File<'d, &'d [u8]>, table: &[Entry]) -> Result<Self, LibraryError> {
        let strings = file.strings(table)?;
        let Some(address) = value(table, DT_SYMTAB.0) else {
            return Ok(Self { all: &[], strings, endian: file.endian });
        };
        let start = file.offset(address).ok_or(DAMAGED)?;
        let count = count(file, table, address)?;
        if count > MOST_SYMBOLS {
            return Err(TOO_MANY);
        }
        let all = file.data.read_slice_at(start, count as usize).map_err(|()| DAMAGED)?;
        Ok(Self { all, strings, endian: file.endian })
    }

    /// A name that can be shown.
    pub(super) fn name(&self, symbol: &Sym64<Endianness>) -> Option<&'d str> {
        let bytes = self.strings.get(symbol.st_name.get(self.endian)).ok()?;
        let text = std::str::from_utf8(bytes).ok()?;
        (text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)).then_some(text)
    }
}

/// How many symbols the table at `address` has.
fn count(file: &File<'_, &[u8]>, table: &[Entry], address: u64) -> Result<u64, LibraryError> {
    let damaged = LibraryError::Damaged("symbol hash table");
    let behind = |address: u64| {
        let start = file.offset(address).and_then(|start| usize::try_from(start).ok());
        start.and_then(|start| file.data.get(start..)).ok_or(damaged)
    };
    if let Some(hash) = value(table, DT_HASH.0) {
        let hash = HashTable::<FileHeader64<Endianness>>::parse(file.endian, behind(hash)?);
        return Ok(hash.map_err(|_| damaged)?.symbol_table_length().into());
    }
    if let Some(hash) = value(table, DT_GNU_HASH.0) {
        let hash = GnuHashTable::<FileHeader64<Endianness>>::parse(file.endian, behind(hash)?);
        if let Some(count) = hash.map_err(|_| damaged)?.symbol_table_length(file.endian) {
            return Ok(count.into());
        }
    }
    // A library that defines nothing has an empty table of hashes, which says nothing of what it wants.
    if let Some(count) = section_length(file.data) {
        return Ok(count);
    }
    // Linkers put the names behind the symbols.
    let strings = value(table, DT_STRTAB.0).and_then(|strings| strings.checked_sub(address));
    strings.map(|size| size / size_of::<Sym64<Endianness>>() as u64).ok_or(damaged)
}

fn section_length(bytes: &[u8]) -> Option<u64> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    let section = sections.iter().find(|section| section.sh_type(endian) == SHT_DYNSYM)?;
    Some(section.sh_size(endian) / size_of::<Sym64<Endianness>>() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `tests/fixtures/code/README.md` says what is in them.
    const GNU: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-gnu.so");
    const LLD: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-lld.so");
    /// Defines nothing and wants nothing.
    const FAT: &[u8] = include_bytes!("../../tests/fixtures/code/libfat.so");
    /// Has the older table of hashes, too.
    const OBJECT: &[u8] = include_bytes!("../../tests/fixtures/code/gfx1010.co");

    fn stripped(library: &[u8]) -> Vec<u8> {
        let mut bytes = library.to_vec();
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        bytes
    }

    fn words(names: Result<BTreeSet<String>, LibraryError>) -> String {
        names.expect("it can be read").into_iter().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_defined_and_what_is_wanted_are_told_apart() {
        for library in [GNU.to_vec(), LLD.to_vec(), stripped(GNU), stripped(LLD)] {
            let defined = "behind_a_call constant counter tail_call third_argument unknown weak_one zero";
            assert_eq!(words(exports(&library)), defined);
            assert_eq!(words(imports(&library)), "allocateWithFlags eventCreateWithFlags synchronize");
        }
        let kernels = "with_lds with_lds.kd with_scratch with_scratch.kd";
        assert_eq!((words(exports(OBJECT)).as_str(), words(imports(OBJECT)).as_str()), (kernels, ""));
    }

    #[test]
    fn a_library_without_symbols_has_no_names() {
        for library in [FAT.to_vec(), stripped(FAT)] {
            assert_eq!((exports(&library), imports(&library)), (Ok(BTreeSet::new()), Ok(BTreeSet::new())));
        }
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert_eq!(exports(b"\x7fELF"), Err(LibraryError::NotElf));
        assert!(exports(&GNU[..0x300]).is_err());
    }

    #[test]
    fn millions_of_symbols_are_refused() {
        let mut object = OBJECT.to_vec();
        // The number of chains in the older table of hashes; the file is made long enough for them.
        let sections = FileHeader64::<Endianness>::parse(OBJECT).expect("ELF");
        let endian = sections.endian().expect("little");
        let sections = sections.sections(endian, OBJECT).expect("sections");
        let (_, hash) = sections.section_by_name(endian, b".hash").expect("it is there");
        let at = hash.sh_offset(endian) as usize + 4;
        object[at..at + 4].copy_from_slice(&(MOST_SYMBOLS as u32 + 1).to_le_bytes());
        object.resize(object.len() + 8 * MOST_SYMBOLS as usize, 0);
        assert_eq!(exports(&object), Err(LibraryError::TooMany("symbols")));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            random in proptest::collection::vec(any::<u8>(), 0..256),
            place in 0usize..8192,
            byte in any::<u8>(),
        ) {
            let _ = exports(&random);
            for library in [GNU, LLD, OBJECT] {
                let mut damaged = library.to_vec();
                let place = place % damaged.len();
                damaged[place] = byte;
                let _ = exports(&damaged);
                let _ = imports(&damaged);
            }
        }
    }
}
