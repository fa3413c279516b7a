//! Offload bundles ("fat binaries"): the code objects that a library carries for its GPUs.
//!
//! The formats are those of clang's "Offload Bundler" and of LLVM's `OffloadBundle.cpp`: a plain list of objects, or the same
//! compressed (`CCOB`, versions 1 to 3). The hash in the header of the latter, a part of an MD5, is not checked. All input is
//! hostile: what is damaged is said and passed over, no size in it is trusted, and what is unpacked has a limit, each and
//! together.

use std::io::Read;
use std::ops::Range;

use memchr::memmem::Finder;
use object::Endianness;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use thiserror::Error;

use super::note::{Metadata, NoteError, metadata};
use super::object::{CodeObject, CodeObjectError, inspect};

const PLAIN: &[u8] = b"__CLANG_OFFLOAD_BUNDLE__";
const COMPRESSED: &[u8] = b"CCOB";
/// Where HIP puts bundles, each at a page of its own.
const SECTION: &[u8] = b".hip_fatbin";
const PAGE: usize = 4096;

/// One for each target, and one for the host.
const MOST_ENTRIES: u64 = 1024;
const LONGEST_ID: u64 = 512;
/// One for each file that was compiled.
const MOST_BUNDLES: usize = 1 << 16;
const MOST_SECTIONS: usize = 1024;
/// What all code of one compiled file comes to, at most.
const MOST_UNPACKED: u64 = 512 << 20;
/// What all bundles of a file come to: a few thousand of them with some megabytes each.
const MOST_UNPACKED_TOGETHER: u64 = 16 << 30;

/// A bundle at a place of the file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bundle {
    /// In the file.
    pub offset: u64,
    /// In the file; of a damaged one no more than its magic.
    pub size: u64,
    /// Nothing where it is plain.
    pub compression: Option<Compression>,
    pub entries: Result<Vec<Entry>, BundleError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Compression {
    /// Of the format.
    pub version: u16,
    pub method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    Zlib,
    Zstd,
}

/// One object of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// e.g. `hipv4-amdgcn-amd-amdhsa--gfx1010:xnack-`, `host-x86_64-unknown-linux-gnu-`.
    pub id: String,
    /// Nothing where the id names no processor.
    pub target: Option<EntryTarget>,
    /// In the file, or in what a compressed bundle is unpacked to.
    pub offset: u64,
    pub size: u64,
    pub content: Content,
}

/// What an id says: `<kind>-<triple>--<processor>:<features>`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EntryTarget {
    /// `hip`, `hipv4`, `openmp`.
    pub kind: String,
    /// `amdgcn-amd-amdhsa`.
    pub triple: String,
    /// `gfx1010`.
    pub processor: String,
    /// e.g. `xnack-`, in order.
    pub features: Vec<String>,
}

/// What was found under an id.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The object of the host or of a processor that is none of AMD's; not looked into.
    Other,
    /// A code object for an AMD processor: what its header and its notes say.
    Object { header: CodeObject, metadata: Result<Option<Metadata>, NoteError> },
    /// Should be a code object for an AMD processor.
    Unreadable(CodeObjectError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleError {
    #[error("an offload bundle that ends too early")]
    Truncated,
    #[error("a compressed offload bundle of version {0}; 1, 2 and 3 can be read")]
    Version(u16),
    #[error("an offload bundle compressed by method {0}, which is neither zlib nor zstd")]
    Method(u16),
    #[error("a compressed offload bundle with a size that cannot be its own")]
    Size,
    #[error("a compressed offload bundle that cannot be unpacked")]
    Unpack,
    #[error("an offload bundle that is unpacked to {found} bytes and should have {claimed}")]
    UnpackedSize { claimed: u64, found: u64 },
    #[error(
        "an offload bundle of more than {MOST_UNPACKED} bytes, or one behind {MOST_UNPACKED_TOGETHER} bytes of others"
    )]
    TooLarge,
    #[error("a compressed offload bundle in which there is no bundle")]
    NoBundle,
    #[error("an offload bundle with {0} entries")]
    Entries(u64),
    #[error("an offload bundle in which the name of entry {0} is damaged")]
    Id(u64),
    #[error("an offload bundle whose entry {0} is not within it")]
    Outside(u64),
    #[error("an offload bundle whose entries lie over each other")]
    Overlap,
    #[error("more than {MOST_BUNDLES} offload bundles; this one and those behind it were not read")]
    TooMany,
}

/// Finds the bundles of a library, of an object file or of a file that is a bundle.
///
/// Bundles are looked for in the sections `.hip_fatbin`; where there is none, everywhere.
pub fn bundles(bytes: &[u8]) -> Vec<Bundle> {
    bundles_with(bytes, &mut |_, _| {})
}

/// Finds the bundles, and shows the bytes of each code object for an AMD processor while they are there.
///
/// # Invariants
///
/// `each` sees entries whose content is [`Content::Object`] or [`Content::Unreadable`]; those of a bundle that turns out
/// to be damaged are not among them.
pub fn bundles_with(bytes: &[u8], each: &mut dyn FnMut(&Entry, &[u8])) -> Vec<Bundle> {
    let mut reader = Reader { found: Vec::new(), unpacked_left: MOST_UNPACKED_TOGETHER, each };
    for region in regions(bytes) {
        reader.region(bytes, region);
    }
    reader.found
}

/// Where bundles may be, in order and apart from each other.
fn regions(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_bundle = bytes.starts_with(PLAIN) || bytes.starts_with(COMPRESSED);
    let mut sections = match is_bundle {
        true => Vec::new(),
        false => sections(bytes).unwrap_or_default(),
    };
    if sections.is_empty() {
        return std::iter::once(0..bytes.len()).collect();
    }
    sections.sort_by_key(|range| range.start);
    let mut regions: Vec<Range<usize>> = Vec::new();
    for section in sections {
        match regions.last_mut() {
            Some(last) if section.start < last.end => last.end = last.end.max(section.end),
            _ => regions.push(section),
        }
    }
    regions
}

fn sections(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    let range = |section: &object::elf::SectionHeader64<Endianness>| {
        let (offset, size) = section.file_range(endian)?;
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        (size > 0 && end <= bytes.len()).then_some(start..end)
    };
    let such = sections.iter().filter(|section| sections.section_name(endian, section) == Ok(SECTION));
    Some(such.filter_map(range).take(MOST_SECTIONS).collect())
}

struct Reader<'e> {
    found: Vec<Bundle>,
    unpacked_left: u64,
    each: &'e mut dyn FnMut(&Entry, &[u8]),
}

impl Reader<'_> {
    fn region(&mut self, bytes: &[u8], region: Range<usize>) {
        let all = &bytes[region.clone()];
        let mut plain = Places::of(PLAIN, all);
        let mut compressed = Places::of(COMPRESSED, all);
        let mut at = 0;
        loop {
            let next = match (plain.from(at), compressed.from(at)) {
                (Some(plain), Some(compressed)) => plain.min(compressed),
                (Some(only), None) | (None, Some(only)) => only,
                (None, None) => return,
            };
            let rest = &all[next..];
            // At the beginning of a page the magic is one; elsewhere it may be a text, or chance within other data.
            if !next.is_multiple_of(PAGE) && !is_plausible(rest) {
                at = next + 1;
                continue;
            }
            let offset = (region.start + next) as u64;
            if self.found.len() == MOST_BUNDLES {
                let entries = Err(BundleError::TooMany);
                self.found.push(Bundle { offset, size: 0, compression: None, entries });
            }
            if self.found.len() > MOST_BUNDLES {
                return;
            }
            let bundle = match rest.starts_with(PLAIN) {
                true => self.plain(offset, rest),
                false => self.compressed(offset, rest),
            };
            // The size of what could be read is within the region.
            at = next + usize::try_from(bundle.size).unwrap_or(usize::MAX).max(1);
            self.found.push(bundle);
        }
    }

    fn plain(&mut self, offset: u64, rest: &[u8]) -> Bundle {
        match self.entries(offset, rest) {
            Ok((entries, size)) => Bundle { offset, size, compression: None, entries: Ok(entries) },
            Err(error) => Bundle { offset, size: PLAIN.len() as u64, compression: None, entries: Err(error) },
        }
    }

    fn compressed(&mut self, offset: u64, rest: &[u8]) -> Bundle {
        let header = match Header::read(rest) {
            Ok(header) => header,
            Err(error) => {
                let size = COMPRESSED.len() as u64;
                return Bundle { offset, size, compression: None, entries: Err(error) };
            }
        };
        let compression = Some(Compression { version: header.version, method: header.method });
        let (stored, size) = match self.unpack(&header, rest) {
            Ok(unpacked) => unpacked,
            // Where its end is known, nothing of it is taken for another bundle.
            Err(error) => {
                let known = header.total.filter(|total| *total <= rest.len() as u64);
                let size = known.unwrap_or(COMPRESSED.len() as u64);
                return Bundle { offset, size, compression, entries: Err(error) };
            }
        };
        let entries = match stored.starts_with(PLAIN) {
            true => self.entries(0, &stored).map(|(entries, _)| entries),
            false => Err(BundleError::NoBundle),
        };
        Bundle { offset, size, compression, entries }
    }

    /// What was compressed, and the size of the bundle in the file.
    fn unpack(&mut self, header: &Header, rest: &[u8]) -> Result<(Vec<u8>, u64), BundleError> {
        let whole = match header.total {
            None => rest,
            Some(total) => {
                let total = usize::try_from(total).map_err(|_| BundleError::Truncated)?;
                rest.get(..total).ok_or(BundleError::Truncated)?
            }
        };
        let packed = whole.get(header.size..).ok_or(BundleError::Size)?;
        let most = MOST_UNPACKED.min(self.unpacked_left);
        if header.unpacked > most {
            return Err(BundleError::TooLarge);
        }
        let mut stored = Vec::new();
        let left = match header.method {
            Method::Zlib => {
                let mut decoder = flate2::bufread::ZlibDecoder::new(packed);
                let outcome = bounded(&mut decoder, header.unpacked, &mut stored);
                outcome.map(|()| decoder.into_inner().len())
            }
            Method::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(packed);
                let mut decoder = decoder.map_err(|_| BundleError::Unpack)?.single_frame();
                let outcome = bounded(&mut decoder, header.unpacked, &mut stored);
                outcome.map(|()| decoder.finish().len())
            }
        };
        // What fails has cost as much.
        self.unpacked_left -= (stored.len() as u64).min(self.unpacked_left);
        let left = left?;
        if stored.len() as u64 != header.unpacked {
            let found = stored.len() as u64;
            return Err(BundleError::UnpackedSize { claimed: header.unpacked, found });
        }
        // Version 1 does not say where it ends.
        let size = header.total.unwrap_or((whole.len() - left) as u64);
        Ok((stored, size))
    }

    /// The entries of what begins with the magic, and where the last of them ends. Offsets are told from `base` on.
    fn entries(&mut self, base: u64, bundle: &[u8]) -> Result<(Vec<Entry>, u64), BundleError> {
        let mut words = Words { bytes: bundle, at: PLAIN.len() };
        let count = words.next()?;
        if count > MOST_ENTRIES {
            return Err(BundleError::Entries(count));
        }
        let mut named = Vec::new();
        for number in 0..count {
            let (offset, size, length) = (words.next()?, words.next()?, words.next()?);
            let id = words.id(length).ok_or(BundleError::Id(number))?;
            let end = offset.checked_add(size).ok_or(BundleError::Outside(number))?;
            if size > 0 && end > bundle.len() as u64 {
                return Err(BundleError::Outside(number));
            }
            named.push((id, offset..end));
        }
        let mut end = words.at as u64;
        let mut ranges: Vec<&Range<u64>> = named.iter().map(|(_, range)| range).collect();
        ranges.retain(|range| !range.is_empty());
        ranges.sort_by_key(|range| range.start);
        for range in ranges {
            if range.start < end {
                return Err(BundleError::Overlap);
            }
            end = range.end;
        }
        let entry = |(id, range): (String, Range<u64>)| {
            let target = EntryTarget::parse(&id);
            let size = range.end - range.start;
            let bytes = match range.is_empty() {
                true => &[],
                false => &bundle[range.start as usize..range.end as usize],
            };
            let content = match is_amd(&id) && size > 0 {
                true => content(bytes),
                false => Content::Other,
            };
            let entry = Entry { id, target, offset: base.saturating_add(range.start), size, content };
            if entry.content != Content::Other {
                (self.each)(&entry, bytes);
            }
            entry
        };
        Ok((named.into_iter().map(entry).collect(), end))
    }
}

/// One byte more than allowed shows that there is more.
fn bounded(decoder: &mut dyn Read, most: u64, stored: &mut Vec<u8>) -> Result<(), BundleError> {
    decoder.take(most + 1).read_to_end(stored).map(drop).map_err(|_| BundleError::Unpack)
}

fn content(bytes: &[u8]) -> Content {
    match inspect(bytes) {
        Ok(header) => Content::Object { header, metadata: metadata(bytes) },
        Err(error) => Content::Unreadable(error),
    }
}

/// `<kind>-amdgcn-…`; SPIR-V for AMD's processors is no code object.
fn is_amd(id: &str) -> bool {
    id.split('-').nth(1) == Some("amdgcn")
}

impl EntryTarget {
    fn parse(id: &str) -> Option<Self> {
        let (kind, rest) = id.split_once('-')?;
        let (triple, target) = rest.split_once("--")?;
        let mut parts = target.split(':').map(str::to_owned);
        let processor = parts.next().filter(|processor| !processor.is_empty())?;
        Some(Self { kind: kind.to_owned(), triple: triple.to_owned(), processor, features: parts.collect() })
    }
}

/// What stands in front of compressed data.
struct Header {
    version: u16,
    method: Method,
    /// Of the bundle with this header; version 1 does not say it.
    total: Option<u64>,
    unpacked: u64,
    /// Of this header.
    size: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut at = COMPRESSED.len();
        let mut number = |width: usize| {
            let end = at + width;
            let bytes = bytes.get(at..end).ok_or(BundleError::Truncated)?;
            at = end;
            Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        };
        let version = number(2)? as u16;
        let method = number(2)? as u16;
        let (total, unpacked) = match version {
            1 => (None, number(4)?),
            2 => (Some(number(4)?), number(4)?),
            3 => (Some(number(8)?), number(8)?),
            _ => return Err(BundleError::Version(version)),
        };
        let _hash = number(8)?;
        let method = match method {
            0 => Method::Zlib,
            1 => Method::Zstd,
            _ => return Err(BundleError::Method(method)),
        };
        Ok(Self { version, method, total, unpacked, size: at })
    }
}

/// Whether what has the magic of a bundle looks like one.
fn is_plausible(rest: &[u8]) -> bool {
    if rest.starts_with(COMPRESSED) {
        return Header::read(rest).is_ok();
    }
    let mut words = Words { bytes: rest, at: PLAIN.len() };
    let mut first = || {
        let (count, _, _, length) =
            (words.next().ok()?, words.next().ok()?, words.next().ok()?, words.next().ok()?);
        words.id(length).map(|_| count)
    };
    first().is_some_and(|count| (1..=MOST_ENTRIES).contains(&count))
}

/// The header of a plain bundle.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Result<u64, BundleError> {
        let word = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(BundleError::Truncated)?;
        self.at += word.len();
        Ok(u64::from_le_bytes(*word))
    }

    /// Only what can be shown: it goes to terminals and into reports.
    fn id(&mut self, length: u64) -> Option<String> {
        let length = usize::try_from(length).ok().filter(|_| length <= LONGEST_ID)?;
        let bytes = self.bytes.get(self.at..)?.get(..length)?;
        self.at += length;
        let is_shown = bytes.iter().all(u8::is_ascii_graphic);
        std::str::from_utf8(bytes).ok().filter(|_| is_shown).map(str::to_owned)
    }
}

/// The places of a magic, found one after the other.
struct Places<'a> {
    finder: Finder<'static>,
    bytes: &'a [u8],
    /// The place that was found last; all in front of it are known.
    next: Option<usize>,
}

impl<'a> Places<'a> {
    fn of(magic: &'static [u8], bytes: &'a [u8]) -> Self {
        let finder = Finder::new(magic);
        let next = finder.find(bytes);
        Self { finder, bytes, next }
    }

    /// The first at `at` or behind it, which is never in front of what was asked for last.
    fn from(&mut self, at: usize) -> Option<usize> {
        if self.next? < at {
            let rest = self.bytes.get(at..).unwrap_or_default();
            self.next = self.finder.find(rest).map(|place| at + place);
        }
        self.next
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::code::Xnack;

    /// `tests/fixtures/code/README.md` says what is in them.
    const LIBRARY: &[u8] = include_bytes!("../../tests/fixtures/code/libfat.so");
    const ZSTD_2: &[u8] = include_bytes!("../../tests/fixtures/code/compressed.bundle");
    const OBJECT: &[u8] = include_bytes!("../../tests/fixtures/code/gfx1010.co");

    const ID: &str = "hipv4-amdgcn-amd-amdhsa--gfx1010:xnack-";

    /// With places as they come: no pages in between.
    fn plain(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let header: usize = entries.iter().map(|(id, _)| 24 + id.len()).sum();
        let mut bytes = PLAIN.to_vec();
        bytes.extend((entries.len() as u64).to_le_bytes());
        let mut offset = bytes.len() + header;
        for (id, object) in entries {
            for word in [offset, object.len(), id.len()] {
                bytes.extend((word as u64).to_le_bytes());
            }
            bytes.extend(id.as_bytes());
            offset += object.len();
        }
        entries.iter().for_each(|(_, object)| bytes.extend(*object));
        bytes
    }

    fn compressed(version: u16, method: Method, stored: &[u8]) -> Vec<u8> {
        let packed = match method {
            Method::Zstd => zstd::bulk::compress(stored, 1).expect("memory"),
            Method::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(stored).expect("memory");
                encoder.finish().expect("memory")
            }
        };
        let mut bytes = COMPRESSED.to_vec();
        bytes.extend(version.to_le_bytes());
        bytes.extend(u16::from(method == Method::Zstd).to_le_bytes());
        let unpacked = stored.len() as u64;
        match version {
            1 => bytes.extend((unpacked as u32).to_le_bytes()),
            2 => {
                bytes.extend((packed.len() as u32 + 24).to_le_bytes());
                bytes.extend((unpacked as u32).to_le_bytes());
            }
            _ => {
                bytes.extend((packed.len() as u64 + 32).to_le_bytes());
                bytes.extend(unpacked.to_le_bytes());
            }
        }
        bytes.extend([0; 8]);
        bytes.extend(packed);
        bytes
    }

    /// The ids and, of code objects, the processor and the names of the kernels.
    fn told(bundle: &Bundle) -> Vec<String> {
        let Ok(entries) = &bundle.entries else { panic!("{bundle:?}") };
        let told = |entry: &Entry| match &entry.content {
            Content::Object { header, metadata } => {
                let kernels = metadata.clone().expect("whole").expect("there").kernels;
                let names: Vec<String> = kernels.into_iter().map(|kernel| kernel.name).collect();
                format!("{}: {header} {}", entry.id, names.join(" "))
            }
            Content::Other => entry.id.clone(),
            Content::Unreadable(error) => format!("{}: {error}", entry.id),
        };
        entries.iter().map(told).collect()
    }

    fn of_both() -> Vec<String> {
        vec!["host-x86_64-unknown-linux--".to_owned(), format!("{ID}: gfx1010:xnack- with_scratch with_lds")]
    }

    fn stripped(library: &[u8]) -> Vec<u8> {
        let mut bytes = library.to_vec();
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        bytes
    }

    #[test]
    fn the_bundles_of_a_library_are_found_with_and_without_its_section_headers() {
        for library in [LIBRARY.to_vec(), stripped(LIBRARY)] {
            let found = bundles(&library);
            let [first, second] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((first.offset % 4096, second.offset % 4096), (0, 0));
            assert_eq!((first.compression, first.size), (None, 4096 + OBJECT.len() as u64));
            let zstd = Compression { version: 2, method: Method::Zstd };
            assert_eq!((second.compression, second.size), (Some(zstd), ZSTD_2.len() as u64));
            assert_eq!((told(first), told(second)), (of_both(), of_both()));
        }
    }

    #[test]
    fn an_entry_says_where_it_is_and_what_it_is_for() {
        let found = bundles(LIBRARY);
        let entries = found[0].entries.as_ref().expect("whole");
        assert_eq!(entries[1].offset, found[0].offset + 4096);
        assert_eq!(entries[1].size, OBJECT.len() as u64);
        let target = entries[1].target.as_ref().expect("it names a processor");
        assert_eq!((target.kind.as_str(), target.triple.as_str()), ("hipv4", "amdgcn-amd-amdhsa"));
        assert_eq!(
            (target.processor.as_str(), target.features.as_slice()),
            ("gfx1010", &["xnack-".to_owned()][..])
        );
        assert_eq!(entries[0].target, None);
        let Content::Object { header, .. } = &entries[1].content else { panic!("{entries:?}") };
        assert_eq!((header.xnack, header.version), (Xnack::Off, Some(5)));
        let target = EntryTarget::parse("hip-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-").expect("one");
        assert_eq!(target.features, ["sramecc+", "xnack-"]);
        assert_eq!(EntryTarget::parse("host-x86_64-unknown-linux--"), None);
    }

    #[test]
    fn a_caller_sees_the_objects() {
        for file in [LIBRARY, ZSTD_2] {
            let mut seen = 0;
            let found = bundles_with(file, &mut |entry, bytes| {
                assert_eq!((entry.id.as_str(), bytes), (ID, OBJECT));
                seen += 1;
            });
            assert_eq!(seen, found.len());
        }
    }

    #[test]
    fn every_version_and_method_is_unpacked() {
        let stored = plain(&[("host-x86_64-unknown-linux-gnu-", b""), (ID, OBJECT)]);
        for version in 1..=3 {
            for method in [Method::Zlib, Method::Zstd] {
                let mut bytes = compressed(version, method, &stored);
                let size = bytes.len() as u64;
                // Behind the first, as the linker fills pages.
                bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
                bytes.extend(&stored);
                let found = bundles(&bytes);
                assert_eq!(found.len(), 2, "{found:?}");
                assert_eq!(
                    (found[0].size, found[0].compression),
                    (size, Some(Compression { version, method }))
                );
                assert_eq!(told(&found[0]), told(&found[1]));
            }
        }
    }

    #[test]
    fn damage_is_told_and_what_is_behind_it_still_found() {
        let stored = plain(&[(ID, OBJECT)]);
        let after = |mut bytes: Vec<u8>| {
            bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
            bytes.extend(&stored);
            let found = bundles(&bytes);
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!(told(&found[1]), [format!("{ID}: gfx1010:xnack- with_scratch with_lds")]);
            found.into_iter().next().expect("the first").entries
        };
        let patched = |at: usize, with: &[u8]| {
            let mut bytes = compressed(3, Method::Zstd, &stored);
            bytes[at..at + with.len()].copy_from_slice(with);
            bytes
        };
        assert_eq!(after(patched(4, &[9])), Err(BundleError::Version(9)));
        assert_eq!(after(patched(6, &[7])), Err(BundleError::Method(7)));
        assert_eq!(after(patched(8, &[3, 0])), Err(BundleError::Size));
        assert_eq!(after(patched(8, &[0xff; 8])), Err(BundleError::Truncated));
        assert_eq!(after(patched(16, &[0xff; 8])), Err(BundleError::TooLarge));
        let claimed = stored.len() as u64 - 1;
        let error = BundleError::UnpackedSize { claimed, found: claimed + 1 };
        assert_eq!(after(patched(16, &claimed.to_le_bytes())), Err(error));
        assert_eq!(after(patched(32, &[0; 4])), Err(BundleError::Unpack));
        assert_eq!(after(compressed(2, Method::Zlib, b"something else")), Err(BundleError::NoBundle));

        let patched = |at: usize, word: u64| {
            let mut bytes = plain(&[("host-", b""), (ID, b"\x7fELF"), (ID, b"object")]);
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            bytes
        };
        assert_eq!(after(patched(24, u64::MAX)), Err(BundleError::Entries(u64::MAX)));
        assert_eq!(after(patched(48, u64::MAX)), Err(BundleError::Id(0)));
        assert_eq!(after(patched(32, u64::MAX)).map(|entries| entries.len()), Ok(3), "it has no bytes");
        assert_eq!(after(patched(61, u64::MAX - 2)), Err(BundleError::Outside(1)));
        assert_eq!(after(patched(69, 5)), Err(BundleError::Overlap));
        assert_eq!(after(patched(61, 8)), Err(BundleError::Overlap), "with the header");
        let entries = after(patched(32, 0)).expect("whole");
        assert_eq!(entries[1].content, Content::Unreadable(CodeObjectError::NotElf));
    }

    #[test]
    fn the_magic_as_a_text_is_no_bundle() {
        let mut bytes =
            b"cannot read CCOB or __CLANG_OFFLOAD_BUNDLE__ in this file\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        assert_eq!(bundles(&bytes), []);
        // Unlike a bundle that no linker put at a page.
        bytes.extend(plain(&[(ID, OBJECT)]));
        assert_eq!(bundles(&bytes).len(), 1);
    }

    #[test]
    fn what_unpacks_to_more_than_it_says_is_left() {
        let bytes = compressed(1, Method::Zstd, &vec![0; 64 << 20]);
        let mut claims = bytes.clone();
        claims[8..12].copy_from_slice(&100u32.to_le_bytes());
        let error = BundleError::UnpackedSize { claimed: 100, found: 101 };
        assert_eq!(bundles(&claims)[0].entries, Err(error));
        claims[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(bundles(&claims)[0].entries, Err(BundleError::TooLarge));
    }

    #[test]
    fn json_keeps_what_was_found() {
        let mut found = bundles(LIBRARY);
        found.extend(bundles(PLAIN));
        let text = serde_json::to_string(&found).expect("data");
        assert_eq!(serde_json::from_str::<Vec<Bundle>>(&text).expect("what was written"), found);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            random in proptest::collection::vec(any::<u8>(), 0..512),
            place in 0usize..8192,
            byte in any::<u8>(),
        ) {
            for magic in [PLAIN, COMPRESSED, &ZSTD_2[..24]] {
                let bytes: Vec<u8> = magic.iter().chain(&random).copied().collect();
                let _ = bundles(&bytes);
            }
            for file in [LIBRARY, ZSTD_2] {
                let mut damaged = file.to_vec();
                let place = place % damaged.len();
                damaged[place] = byte;
                for bundle in bundles(&damaged) {
                    prop_assert!(bundle.offset + bundle.size <= damaged.len() as u64);
                }
            }
        }
    }
}
