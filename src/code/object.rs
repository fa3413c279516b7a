//! The ELF file around AMDGPU code: which processor it is for, and the bytes of its instructions.
//!
//! Values are those of LLVM's AMDGPUUsage, "ELF Header" and "ELF Header e_flags".

use std::fmt;

use object::elf::{EM_AMDGPU, FileHeader64};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, ReadRef};

use crate::model::GfxTarget;

const MACHINE: u32 = 0x0ff;
const XNACK: u32 = 0x300;

/// What the header of a code object says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CodeObject {
    /// `EF_AMDGPU_MACH`.
    pub machine: u32,
    pub xnack: Xnack,
    /// Code object version: 2 to 6, from `EI_ABIVERSION`; nothing for a number LLVM has not given out yet.
    pub version: Option<u8>,
}

/// What the code assumes about XNACK, the replay of memory accesses after a page fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Xnack {
    /// The processor has no such thing.
    Unsupported,
    Any,
    Off,
    On,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeObjectError {
    #[error("not a 64-bit ELF file")]
    NotElf,
    #[error("an ELF file for machine {machine}, which is not AMDGPU")]
    OtherMachine { machine: u16 },
    #[error("its section table is damaged")]
    Sections,
}

impl CodeObject {
    /// The processor, if it is one known here.
    pub fn target(&self) -> Option<GfxTarget> {
        GfxTarget::from_elf_machine_flag(self.machine)
    }
}

impl fmt::Display for CodeObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target() {
            Some(target) => write!(f, "{target}")?,
            None => write!(f, "AMD machine {:#x}", self.machine)?,
        }
        match self.xnack {
            Xnack::Unsupported | Xnack::Any => Ok(()),
            Xnack::Off => f.write_str(":xnack-"),
            Xnack::On => f.write_str(":xnack+"),
        }
    }
}

/// Reads the header.
pub fn inspect(bytes: &[u8]) -> Result<CodeObject, CodeObjectError> {
    let (header, endian) = header(bytes)?;
    let flags = header.e_flags(endian).0;
    Ok(CodeObject {
        machine: flags & MACHINE,
        xnack: match flags & XNACK {
            0x000 => Xnack::Unsupported,
            0x100 => Xnack::Any,
            0x200 => Xnack::Off,
            _ => Xnack::On,
        },
        version: match header.e_ident().abi_version {
            number @ 0..=4 => Some(number + 2),
            _ => None,
        },
    })
}

/// The bytes of the section `.text`; nothing where there is none.
pub fn text_section(bytes: &[u8]) -> Result<Option<&[u8]>, CodeObjectError> {
    let (header, endian) = header(bytes)?;
    let sections = header.sections(endian, bytes).map_err(|_| CodeObjectError::Sections)?;
    let Some((_, section)) = sections.section_by_name(endian, b".text") else { return Ok(None) };
    section.data(endian, bytes).map(Some).map_err(|_| CodeObjectError::Sections)
}

pub(super) fn header(bytes: &[u8]) -> Result<(&FileHeader64<Endianness>, Endianness), CodeObjectError> {
    // The reader looks at the header in place, which it cannot where the bytes begin at an odd address.
    bytes.read_at::<FileHeader64<Endianness>>(0).map_err(|()| CodeObjectError::NotElf)?;
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| CodeObjectError::NotElf)?;
    let endian = header.endian().map_err(|_| CodeObjectError::NotElf)?;
    let machine = header.e_machine(endian);
    if machine != EM_AMDGPU {
        return Err(CodeObjectError::OtherMachine { machine: machine.0 });
    }
    Ok((header, endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and nothing else.
    fn elf(machine: u16, flags: u32, abi_version: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..9].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 64, abi_version]);
        bytes[16..18].copy_from_slice(&1u16.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[20..24].copy_from_slice(&1u32.to_le_bytes());
        bytes[48..52].copy_from_slice(&flags.to_le_bytes());
        bytes[52..54].copy_from_slice(&64u16.to_le_bytes());
        bytes
    }

    #[test]
    fn the_header_says_what_the_code_is_for() {
        let shown = |flags, version| inspect(&elf(224, flags, version)).map(|object| object.to_string());
        assert_eq!(shown(0x233, 3), Ok("gfx1010:xnack-".to_owned()));
        assert_eq!(shown(0x036, 4), Ok("gfx1030".to_owned()));
        assert_eq!(shown(0x1ff, 9), Ok("AMD machine 0xff".to_owned()));
        assert_eq!(inspect(&elf(224, 0x33, 4)).map(|object| object.version), Ok(Some(6)));
        assert_eq!(inspect(&elf(224, 0x33, 9)).map(|object| object.version), Ok(None));
        assert_eq!(inspect(&elf(62, 0, 0)), Err(CodeObjectError::OtherMachine { machine: 62 }));
    }

    #[test]
    fn what_is_cut_or_no_elf_file_is_refused() {
        let whole = elf(224, 0x33, 4);
        for length in 0..64 {
            assert_eq!(inspect(&whole[..length]), Err(CodeObjectError::NotElf), "{length}");
        }
        assert_eq!(text_section(&whole), Ok(None));
        let mut damaged = whole.clone();
        damaged[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
        damaged[58..60].copy_from_slice(&64u16.to_le_bytes());
        damaged[60..62].copy_from_slice(&3u16.to_le_bytes());
        assert_eq!(text_section(&damaged), Err(CodeObjectError::Sections));
    }

    #[test]
    fn bytes_at_an_odd_address_are_read_as_well() {
        let mut shifted = vec![0; 1];
        shifted.extend(elf(224, 0x33, 4));
        assert!(inspect(&shifted[1..]).is_ok());
    }
}
