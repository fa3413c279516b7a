//! The metadata note of a code object: which kernels it holds and what they take of the GPU.
//!
//! Format and keys are those of LLVM's AMDGPUUsage, "Note Records" and "Code Object Metadata" (code object V3 and later;
//! the YAML of V2 is not read). The note is MessagePack. All input is hostile: it is read from front to back without
//! recursion, no length in it is trusted, and what is unknown is passed over.

use object::Endianness;
use object::elf::{FileHeader64, NoteType, SHT_NOTE};
use object::read::elf::{FileHeader as _, NoteIterator, ProgramHeader as _, SectionHeader as _};
use rmp::Marker;
use rmp::decode::{read_array_len, read_bool, read_int, read_map_len, read_marker, read_str_from_slice};
use thiserror::Error;

use super::object::{CodeObjectError, header};

/// `NT_AMDGPU_METADATA`, of the owner [`OWNER`].
const METADATA: NoteType = NoteType(32);
const OWNER: &[u8] = b"AMDGPU";

/// A code object has one segment of notes. Several may lie over each other, and each is read.
const MOST_SEGMENTS: usize = 16;
/// Libraries of matrix kernels hold some ten thousand in one code object.
const MOST_KERNELS: usize = 1 << 17;
/// LLVM knows about thirty hidden arguments.
const MOST_HIDDEN: usize = 256;
/// Kernels made of templates have names of many thousand characters.
const LONGEST_NAME: usize = 1 << 16;
const LONGEST_KIND: usize = 128;

/// What the compiler says of a code object.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Metadata {
    /// `amdhsa.target`, e.g. `amdgcn-amd-amdhsa--gfx1010:xnack-`; code object V3 does not say it.
    pub target: Option<String>,
    /// `amdhsa.version` of the metadata, which is not the code object's.
    pub version: Option<(u64, u64)>,
    pub kernels: Vec<Kernel>,
}

/// A kernel; a number that the compiler did not say is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kernel {
    pub name: String,
    /// Lanes.
    pub wavefront_size: Option<u32>,
    pub vgprs: Option<u32>,
    pub sgprs: Option<u32>,
    pub vgpr_spills: Option<u32>,
    pub sgpr_spills: Option<u32>,
    /// Bytes of a workgroup's own memory (`.group_segment_fixed_size`), without what a launch adds.
    pub lds: Option<u32>,
    /// Bytes of scratch memory a lane (`.private_segment_fixed_size`).
    pub scratch: Option<u32>,
    /// Needs more scratch memory than the compiler could tell.
    pub dynamic_stack: bool,
    /// Value kinds of the arguments that the runtime adds, e.g. `hidden_hostcall_buffer`.
    pub hidden_args: Vec<String>,
    /// Most lanes of a workgroup.
    pub max_workgroup: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteError {
    #[error(transparent)]
    Object(#[from] CodeObjectError),
    #[error("its notes are damaged")]
    Notes,
    #[error("its metadata is damaged")]
    Metadata,
    #[error(
        "its metadata names more than {MOST_KERNELS} kernels, or more than {MOST_HIDDEN} hidden arguments of one"
    )]
    TooMany,
}

/// Reads the metadata of a code object; nothing where it has none.
pub fn metadata(bytes: &[u8]) -> Result<Option<Metadata>, NoteError> {
    match metadata_note(bytes)? {
        Some(note) => read(note).map(Some),
        None => Ok(None),
    }
}

type Notes<'d> = NoteIterator<'d, FileHeader64<Endianness>>;

/// By the program headers as the loader does, or in what was not linked by the sections.
fn metadata_note(bytes: &[u8]) -> Result<Option<&[u8]>, NoteError> {
    let (header, endian) = header(bytes)?;
    let segments = header.program_headers(endian, bytes).map_err(|_| NoteError::Notes)?;
    let mut seen = 0;
    for segment in segments {
        let Some(notes) = segment.notes(endian, bytes).map_err(|_| NoteError::Notes)? else { continue };
        seen += 1;
        if seen > MOST_SEGMENTS {
            return Err(NoteError::Notes);
        }
        if let Some(found) = among(notes, endian)? {
            return Ok(Some(found));
        }
    }
    if seen > 0 {
        return Ok(None);
    }
    let sections = header.sections(endian, bytes).map_err(|_| CodeObjectError::Sections)?;
    for section in sections.iter().filter(|section| section.sh_type(endian) == SHT_NOTE) {
        let Some(notes) = section.notes(endian, bytes).map_err(|_| NoteError::Notes)? else { continue };
        seen += 1;
        if seen > MOST_SEGMENTS {
            return Err(NoteError::Notes);
        }
        if let Some(found) = among(notes, endian)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn among<'d>(mut notes: Notes<'d>, endian: Endianness) -> Result<Option<&'d [u8]>, NoteError> {
    while let Some(note) = notes.next().map_err(|_| NoteError::Notes)? {
        if note.n_type(endian) == METADATA && note.name() == OWNER {
            return Ok(Some(note.desc()));
        }
    }
    Ok(None)
}

fn read(note: &[u8]) -> Result<Metadata, NoteError> {
    let mut reader = Reader { rest: note };
    let mut metadata = Metadata::default();
    for _ in 0..reader.map()? {
        match reader.text()? {
            "amdhsa.target" => metadata.target = Some(shown(reader.text()?, LONGEST_KIND)?),
            "amdhsa.version" => {
                if reader.array()? != 2 {
                    return Err(NoteError::Metadata);
                }
                metadata.version = Some((reader.number()?, reader.number()?));
            }
            "amdhsa.kernels" => {
                for _ in 0..reader.array()? {
                    if metadata.kernels.len() == MOST_KERNELS {
                        return Err(NoteError::TooMany);
                    }
                    metadata.kernels.push(reader.kernel()?);
                }
            }
            _ => reader.skip()?,
        }
    }
    Ok(metadata)
}

/// What goes to terminals and into reports.
fn shown(text: &str, longest: usize) -> Result<String, NoteError> {
    match text.len() <= longest && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(NoteError::Metadata),
    }
}

/// MessagePack that was not read yet. The crate's own `MessageLen` cannot pass over values here: it panics at extensions.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn kernel(&mut self) -> Result<Kernel, NoteError> {
        let mut kernel = Kernel::default();
        for _ in 0..self.map()? {
            match self.text()? {
                ".name" => kernel.name = shown(self.text()?, LONGEST_NAME)?,
                ".wavefront_size" => kernel.wavefront_size = Some(self.number()?),
                ".vgpr_count" => kernel.vgprs = Some(self.number()?),
                ".sgpr_count" => kernel.sgprs = Some(self.number()?),
                ".vgpr_spill_count" => kernel.vgpr_spills = Some(self.number()?),
                ".sgpr_spill_count" => kernel.sgpr_spills = Some(self.number()?),
                ".group_segment_fixed_size" => kernel.lds = Some(self.number()?),
                ".private_segment_fixed_size" => kernel.scratch = Some(self.number()?),
                ".max_flat_workgroup_size" => kernel.max_workgroup = Some(self.number()?),
                ".uses_dynamic_stack" => {
                    kernel.dynamic_stack = read_bool(&mut self.rest).map_err(|_| NoteError::Metadata)?;
                }
                ".args" => {
                    for _ in 0..self.array()? {
                        self.argument(&mut kernel.hidden_args)?;
                    }
                }
                _ => self.skip()?,
            }
        }
        Ok(kernel)
    }

    fn argument(&mut self, hidden: &mut Vec<String>) -> Result<(), NoteError> {
        for _ in 0..self.map()? {
            if self.text()? != ".value_kind" {
                self.skip()?;
                continue;
            }
            let kind = self.text()?;
            if !kind.starts_with("hidden_") {
                continue;
            }
            if hidden.len() == MOST_HIDDEN {
                return Err(NoteError::TooMany);
            }
            hidden.push(shown(kind, LONGEST_KIND)?);
        }
        Ok(())
    }

    fn map(&mut self) -> Result<u32, NoteError> {
        read_map_len(&mut self.rest).map_err(|_| NoteError::Metadata)
    }

    fn array(&mut self) -> Result<u32, NoteError> {
        read_array_len(&mut self.rest).map_err(|_| NoteError::Metadata)
    }

    fn text(&mut self) -> Result<&'a str, NoteError> {
        let (text, rest) = read_str_from_slice(self.rest).map_err(|_| NoteError::Metadata)?;
        self.rest = rest;
        Ok(text)
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Result<T, NoteError> {
        let number: u64 = read_int(&mut self.rest).map_err(|_| NoteError::Metadata)?;
        T::try_from(number).map_err(|_| NoteError::Metadata)
    }

    /// Passes over one value with all that is in it. Each round takes a byte at least, whatever lengths are claimed.
    fn skip(&mut self) -> Result<(), NoteError> {
        let mut values = 1u64;
        while values > 0 {
            values -= 1;
            let marker = read_marker(&mut self.rest).map_err(|_| NoteError::Metadata)?;
            let (bytes, inner) = match marker {
                Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::False | Marker::True => (0, 0),
                Marker::U8 | Marker::I8 => (1, 0),
                Marker::U16 | Marker::I16 => (2, 0),
                Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
                Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
                Marker::FixStr(length) => (u64::from(length), 0),
                Marker::Str8 | Marker::Bin8 => (self.length(1)?, 0),
                Marker::Str16 | Marker::Bin16 => (self.length(2)?, 0),
                Marker::Str32 | Marker::Bin32 => (self.length(4)?, 0),
                Marker::FixArray(length) => (0, u64::from(length)),
                Marker::Array16 => (0, self.length(2)?),
                Marker::Array32 => (0, self.length(4)?),
                Marker::FixMap(length) => (0, 2 * u64::from(length)),
                Marker::Map16 => (0, 2 * self.length(2)?),
                Marker::Map32 => (0, 2 * self.length(4)?),
                // An extension has a byte for its kind.
                Marker::FixExt1 => (2, 0),
                Marker::FixExt2 => (3, 0),
                Marker::FixExt4 => (5, 0),
                Marker::FixExt8 => (9, 0),
                Marker::FixExt16 => (17, 0),
                Marker::Ext8 => (self.length(1)? + 1, 0),
                Marker::Ext16 => (self.length(2)? + 1, 0),
                Marker::Ext32 => (self.length(4)? + 1, 0),
                Marker::Reserved => return Err(NoteError::Metadata),
            };
            self.take(bytes)?;
            values = values.saturating_add(inner);
        }
        Ok(())
    }

    /// A length of so many bytes, the highest first.
    fn length(&mut self, width: u64) -> Result<u64, NoteError> {
        Ok(self.take(width)?.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)))
    }

    fn take(&mut self, bytes: u64) -> Result<&'a [u8], NoteError> {
        let bytes = usize::try_from(bytes).map_err(|_| NoteError::Metadata)?;
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(NoteError::Metadata)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rmp::encode::{
        write_array_len, write_bin, write_bool, write_ext_meta, write_f64, write_map_len, write_nil,
        write_sint, write_str, write_uint,
    };

    use super::*;

    /// `tests/fixtures/code/README.md` says what is in it.
    const REAL: &[u8] = include_bytes!("../../tests/fixtures/code/gfx1010.co");

    type Writer = Vec<u8>;

    fn map(note: &mut Writer, length: u32) {
        write_map_len(note, length).expect("memory");
    }

    fn key(note: &mut Writer, key: &str) {
        write_str(note, key).expect("memory");
    }

    fn array(note: &mut Writer, length: u32) {
        write_array_len(note, length).expect("memory");
    }

    /// With one kernel, and values of all kinds under unknown keys.
    fn made() -> Writer {
        let mut note = Vec::new();
        map(&mut note, 3);
        key(&mut note, "amdhsa.printf");
        array(&mut note, 6);
        write_nil(&mut note).expect("memory");
        write_f64(&mut note, 1.5).expect("memory");
        write_sint(&mut note, -70_000).expect("memory");
        write_bin(&mut note, &[0; 300]).expect("memory");
        write_ext_meta(&mut note, 5, 1).expect("memory");
        note.extend([0; 5]);
        map(&mut note, 1);
        key(&mut note, "deep");
        array(&mut note, 0);
        key(&mut note, "amdhsa.version");
        array(&mut note, 2);
        write_uint(&mut note, 1).expect("memory");
        write_uint(&mut note, 2).expect("memory");
        key(&mut note, "amdhsa.kernels");
        array(&mut note, 1);
        map(&mut note, 3);
        key(&mut note, ".name");
        key(&mut note, "k");
        key(&mut note, ".uses_dynamic_stack");
        write_bool(&mut note, true).expect("memory");
        key(&mut note, ".args");
        array(&mut note, 1);
        map(&mut note, 2);
        key(&mut note, ".size");
        write_uint(&mut note, 8).expect("memory");
        key(&mut note, ".value_kind");
        key(&mut note, "hidden_hostcall_buffer");
        note
    }

    #[test]
    fn the_notes_of_a_compiled_object_are_read() {
        let found = metadata(REAL).expect("a code object").expect("with notes");
        assert_eq!(found.target.as_deref(), Some("amdgcn-amd-amdhsa--gfx1010:xnack-"));
        assert_eq!(found.version, Some((1, 2)));
        let [scratch, lds] = found.kernels.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (scratch.name.as_str(), scratch.scratch, scratch.lds),
            ("with_scratch", Some(80), Some(0))
        );
        assert_eq!((scratch.sgprs, scratch.vgprs, scratch.vgpr_spills), (Some(16), Some(3), Some(0)));
        assert_eq!((scratch.max_workgroup, scratch.hidden_args.len()), (Some(256), 19));
        assert!(scratch.hidden_args.iter().any(|kind| kind == "hidden_hostcall_buffer"));
        let expected = Kernel {
            name: "with_lds".to_owned(),
            wavefront_size: Some(32),
            vgprs: Some(3),
            sgprs: Some(6),
            vgpr_spills: Some(0),
            sgpr_spills: Some(0),
            lds: Some(256),
            scratch: Some(0),
            dynamic_stack: false,
            hidden_args: Vec::new(),
            max_workgroup: Some(64),
        };
        assert_eq!(*lds, expected);
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        let found = read(&made()).expect("complete");
        let kernel = Kernel {
            name: "k".to_owned(),
            dynamic_stack: true,
            hidden_args: vec!["hidden_hostcall_buffer".to_owned()],
            ..Kernel::default()
        };
        assert_eq!(found, Metadata { target: None, version: Some((1, 2)), kernels: vec![kernel] });
    }

    #[test]
    fn what_is_cut_is_refused() {
        let whole = made();
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), Err(NoteError::Metadata), "{length}");
        }
        assert_eq!(metadata(&REAL[..64]), Err(NoteError::Notes));
    }

    #[test]
    fn lengths_and_depths_that_are_claimed_cost_nothing() {
        let claims: [&[u8]; 5] = [
            &[0xdd, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xdb, 0xff, 0xff, 0xff, 0xff],
            &[0xc9, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x91; 1 << 20],
        ];
        for claim in claims {
            let mut note = vec![0x81, 0xa1, b'x'];
            note.extend(claim);
            assert_eq!(read(&note), Err(NoteError::Metadata));
            let mut kernels = Vec::new();
            map(&mut kernels, 1);
            key(&mut kernels, "amdhsa.kernels");
            kernels.extend(claim);
            assert_eq!(read(&kernels), Err(NoteError::Metadata));
        }
        // One byte each.
        let mut many = Vec::new();
        map(&mut many, 1);
        key(&mut many, "amdhsa.kernels");
        array(&mut many, u32::MAX);
        many.resize(many.len() + MOST_KERNELS + 1, 0x80);
        assert_eq!(read(&many), Err(NoteError::TooMany));
    }

    #[test]
    fn names_that_do_something_to_a_terminal_are_damage() {
        let mut note = Vec::new();
        map(&mut note, 1);
        key(&mut note, "amdhsa.target");
        key(&mut note, "\u{1b}[2J");
        assert_eq!(read(&note), Err(NoteError::Metadata));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            random in proptest::collection::vec(any::<u8>(), 0..512),
            place in 0usize..REAL.len(),
            byte in any::<u8>(),
        ) {
            let _ = read(&random);
            let _ = metadata(&random);
            let mut damaged = REAL.to_vec();
            damaged[place] = byte;
            let _ = metadata(&damaged);
            // The note begins in front of what is loaded first.
            let place = place % 0x800;
            damaged[place] = byte;
            let _ = metadata(&damaged);
        }
    }
}
