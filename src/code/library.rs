//! A program or shared library of the host: what it is called, what it needs, and which symbol versions keep it apart.
//!
//! Reads the dynamic section by the program headers, as the loader does: section headers may have been stripped. All input
//! is hostile: every offset is checked, and lists end after so many entries.

use std::collections::BTreeMap;

use object::elf::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED,
    DT_VERNEEDNUM, Dyn64, FileHeader64, ProgramHeader64, VER_FLG_BASE, Verdaux, Verdef, Vernaux, Verneed,
};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, ReadRef, StringTable};
use thiserror::Error;

/// A library of a full desktop's needs some sixty others; glibc defines forty versions.
const MOST_ENTRIES: u64 = 1024;
const LONGEST_NAME: usize = 4096;

/// What the loader reads of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Library {
    pub soname: Option<String>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<String>,
    /// `DT_RUNPATH`, or else `DT_RPATH`: folders, `$ORIGIN` not replaced.
    pub search: Vec<String>,
    /// Versions of the symbols it defines, e.g. `LLVM_21.1`, without the one that is its own name.
    pub defines: Vec<String>,
    /// Library → versions of its symbols that are asked for.
    pub wants: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LibraryError {
    #[error("not a 64-bit ELF file")]
    NotElf,
    #[error("an ELF file whose {0} is damaged")]
    Damaged(&'static str),
    #[error("an ELF file with more {0} than are read")]
    TooMany(&'static str),
}

/// Reads a program or library. One that needs nothing, because everything was linked into it, has no entries.
pub fn library<'d, R: ReadRef<'d>>(data: R) -> Result<Library, LibraryError> {
    let file = File::parse(data)?;
    let Some(table) = file.dynamic()? else { return Ok(Library::default()) };
    let strings = file.strings(&table)?;
    let name = |offset: u64, what| text(&strings, offset).ok_or(LibraryError::Damaged(what));
    let mut library = Library::default();
    let (mut runpath, mut rpath) = (None, None);
    for entry in &table {
        match entry.tag {
            tag if tag == DT_SONAME.0 => library.soname = Some(name(entry.value, "name")?),
            tag if tag == DT_NEEDED.0 => {
                library.needed.push(name(entry.value, "list of needed libraries")?);
            }
            tag if tag == DT_RUNPATH.0 => runpath = Some(name(entry.value, "search path")?),
            tag if tag == DT_RPATH.0 => rpath = Some(name(entry.value, "search path")?),
            _ => {}
        }
    }
    let search = runpath.or(rpath).unwrap_or_default();
    library.search = search.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned).collect();
    library.defines = file.defined_versions(&table, &strings)?;
    library.wants = file.wanted_versions(&table, &strings)?;
    Ok(library)
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    tag: i64,
    value: u64,
}

pub(super) struct File<'d, R> {
    pub(super) data: R,
    pub(super) endian: Endianness,
    pub(super) segments: &'d [ProgramHeader64<Endianness>],
}

impl<'d, R: ReadRef<'d>> File<'d, R> {
    pub(super) fn parse(data: R) -> Result<Self, LibraryError> {
        let header = FileHeader64::<Endianness>::parse(data).map_err(|_| LibraryError::NotElf)?;
        let endian = header.endian().map_err(|_| LibraryError::NotElf)?;
        let segments =
            header.program_headers(endian, data).map_err(|_| LibraryError::Damaged("segment table"))?;
        Ok(Self { data, endian, segments })
    }

    /// The entries up to the one that ends them.
    pub(super) fn dynamic(&self) -> Result<Option<Vec<Entry>>, LibraryError> {
        let damaged = LibraryError::Damaged("dynamic section");
        for segment in self.segments {
            let Some(entries): Option<&[Dyn64<Endianness>]> =
                segment.dynamic(self.endian, self.data).map_err(|_| damaged)?
            else {
                continue;
            };
            if entries.len() as u64 > 4 * MOST_ENTRIES {
                return Err(damaged);
            }
            let entry = |entry: &Dyn64<Endianness>| Entry {
                tag: entry.d_tag(self.endian).0,
                value: entry.d_val(self.endian),
            };
            return Ok(Some(entries.iter().map(entry).take_while(|entry| entry.tag != 0).collect()));
        }
        Ok(None)
    }

    pub(super) fn strings(&self, table: &[Entry]) -> Result<StringTable<'d, R>, LibraryError> {
        let damaged = LibraryError::Damaged("string table");
        let (Some(address), Some(size)) = (value(table, DT_STRTAB.0), value(table, DT_STRSZ.0)) else {
            return Err(damaged);
        };
        let start = self.offset(address).ok_or(damaged)?;
        let end = start.checked_add(size).ok_or(damaged)?;
        Ok(StringTable::new(self.data, start, end))
    }

    /// Where in the file an address is loaded from.
    pub(super) fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let within = address.checked_sub(segment.p_vaddr(self.endian))?;
            let is_loaded = segment.p_type(self.endian) == object::elf::PT_LOAD;
            match is_loaded && within < segment.p_filesz(self.endian) {
                true => segment.p_offset(self.endian).checked_add(within),
                false => None,
            }
        })
    }

    /// The versions that are defined, without the one that names the library itself.
    fn defined_versions(
        &self,
        table: &[Entry],
        strings: &StringTable<'d, R>,
    ) -> Result<Vec<String>, LibraryError> {
        let damaged = LibraryError::Damaged("list of symbol versions");
        let mut versions = Vec::new();
        let Some(address) = value(table, DT_VERDEF.0) else { return Ok(versions) };
        let mut at = self.offset(address).ok_or(damaged)?;
        for _ in 0..count(table, DT_VERDEFNUM.0) {
            let one: &Verdef<Endianness> = self.data.read_at(at).map_err(|()| damaged)?;
            if !one.vd_flags.get(self.endian).contains(VER_FLG_BASE) {
                let first = at.checked_add(one.vd_aux.get(self.endian).into()).ok_or(damaged)?;
                let aux: &Verdaux<Endianness> = self.data.read_at(first).map_err(|()| damaged)?;
                versions.push(text(strings, aux.vda_name.get(self.endian).into()).ok_or(damaged)?);
            }
            match u64::from(one.vd_next.get(self.endian)) {
                0 => break,
                next => at = at.checked_add(next).ok_or(damaged)?,
            }
        }
        Ok(versions)
    }

    /// Which versions of which libraries are asked for.
    fn wanted_versions(
        &self,
        table: &[Entry],
        strings: &StringTable<'d, R>,
    ) -> Result<BTreeMap<String, Vec<String>>, LibraryError> {
        let damaged = LibraryError::Damaged("list of wanted symbol versions");
        let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let Some(address) = value(table, DT_VERNEED.0) else { return Ok(wanted) };
        let mut at = self.offset(address).ok_or(damaged)?;
        for _ in 0..count(table, DT_VERNEEDNUM.0) {
            let one: &Verneed<Endianness> = self.data.read_at(at).map_err(|()| damaged)?;
            let file = text(strings, one.vn_file.get(self.endian).into()).ok_or(damaged)?;
            let versions = wanted.entry(file).or_default();
            let mut place = at.checked_add(one.vn_aux.get(self.endian).into()).ok_or(damaged)?;
            for _ in 0..u64::from(one.vn_cnt.get(self.endian)).min(MOST_ENTRIES) {
                let aux: &Vernaux<Endianness> = self.data.read_at(place).map_err(|()| damaged)?;
                versions.push(text(strings, aux.vna_name.get(self.endian).into()).ok_or(damaged)?);
                match u64::from(aux.vna_next.get(self.endian)) {
                    0 => break,
                    next => place = place.checked_add(next).ok_or(damaged)?,
                }
            }
            match u64::from(one.vn_next.get(self.endian)) {
                0 => break,
                next => at = at.checked_add(next).ok_or(damaged)?,
            }
        }
        Ok(wanted)
    }
}

pub(super) fn value(table: &[Entry], tag: i64) -> Option<u64> {
    table.iter().find(|entry| entry.tag == tag).map(|entry| entry.value)
}

fn count(table: &[Entry], tag: i64) -> u64 {
    value(table, tag).unwrap_or(0).min(MOST_ENTRIES)
}

/// A name that can be shown; whatever else stands there is damage.
fn text<'d, R: ReadRef<'d>>(strings: &StringTable<'d, R>, offset: u64) -> Option<String> {
    let bytes = strings.get(u32::try_from(offset).ok()?).ok()?;
    let text = std::str::from_utf8(bytes).ok()?;
    (text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)).then(|| text.to_owned())
}
