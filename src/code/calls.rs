//! Which constants a library of the host passes to a function that it imports: for x86-64, from its machine code.
//!
//! A call goes through a slot of the global offset table that a relocation fills (System V ABI, AMD64 supplement, "Procedure
//! Linkage Table"): straight from the code, or by a stub. In front of each call the last write of the argument's register is
//! looked for, within a few instructions. Not seen are calls through a pointer that was loaded before, and other ways that
//! lead to a call by a jump over the write that was found. All input is hostile: nothing is executed, and what is looked at
//! for one call, and how many calls, has a limit.

use std::collections::BTreeSet;
use std::ops::Range;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register,
};
use memchr::memmem::Finder;
use object::elf::{
    DT_JMPREL, DT_PLTREL, DT_PLTRELSZ, DT_RELA, DT_RELASZ, EM_X86_64, FileHeader64, PF_X, PT_LOAD,
    R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, Rela64, SHN_UNDEF, STT_FUNC,
};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{Endianness, ReadRef};
use thiserror::Error;

use super::exports::{Symbols, is_imported};
use super::library::{Entry, File, LibraryError, value};

/// A linker makes one or two.
const MOST_SEGMENTS: usize = 64;
const MOST_CALLS: usize = 1 << 16;
/// How far in front of a call its arguments are looked for, in bytes.
const REACH: usize = 128;
/// In front of that, decoding begins at every byte: from any start it soon falls into step with the real instructions.
const RUN_UP: usize = 64;
const LONGEST_INSTRUCTION: usize = 15;

/// `endbr64`, where indirect jumps may arrive.
const ENDBR: &[u8] = b"\xf3\x0f\x1e\xfa";
/// The prefix of a jump in stubs for the bounds checking that was once.
const BND: u8 = 0xf2;

/// The place of an integer argument, from the first on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    First,
    Second,
    Third,
    Fourth,
    Fifth,
    Sixth,
}

/// A call of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Call {
    /// Of the instruction, as the library is laid out.
    pub address: u64,
    /// Nothing where it is no constant, or none that can be seen.
    pub value: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallsError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error("an ELF file for machine {machine}, which is not x86-64")]
    OtherMachine { machine: u16 },
}

impl Argument {
    /// System V ABI, AMD64 supplement, "Parameter Passing".
    fn register(self) -> Register {
        match self {
            Self::First => Register::RDI,
            Self::Second => Register::RSI,
            Self::Third => Register::RDX,
            Self::Fourth => Register::RCX,
            Self::Fifth => Register::R8,
            Self::Sixth => Register::R9,
        }
    }
}

/// Finds the calls of an imported function, in the order of their addresses; none where the library does not import it.
pub fn constants_passed(bytes: &[u8], function: &str, argument: Argument) -> Result<Vec<Call>, CallsError> {
    let file = File::parse(bytes)?;
    let header = FileHeader64::<Endianness>::parse(bytes).map_err(|_| LibraryError::NotElf)?;
    let machine = header.e_machine(file.endian);
    if machine != EM_X86_64 || file.endian != Endianness::Little {
        return Err(CallsError::OtherMachine { machine: machine.0 });
    }
    let Some(table) = file.dynamic()? else { return Ok(Vec::new()) };
    let symbols = Symbols::read(&file, &table)?;
    let slots = Slots::of(&file, &table, &symbols, function)?;
    let code = code(&file)?;
    let stubs_of_linker = stub_sections(bytes);
    let mut calls = Calls { found: BTreeSet::new(), stubs: BTreeSet::new() };
    for part in &code {
        calls.through_slots(part, &slots, &stubs_of_linker)?;
    }
    for part in &code {
        calls.through_stubs(part)?;
    }
    let functions = functions(&symbols, file.endian);
    let mut values = InstructionInfoFactory::new();
    let mut passed = Vec::with_capacity(calls.found.len());
    for address in calls.found {
        let before = code.iter().find_map(|part| part.before(address, &functions));
        let value = before.and_then(|before| last_constant(before, argument.register(), &mut values));
        passed.push(Call { address, value });
    }
    Ok(passed)
}

/// The places that the loader fills with the address of the function.
struct Slots {
    /// For stubs: `JUMP_SLOT`.
    lazy: BTreeSet<u64>,
    /// For whatever else: `GLOB_DAT`.
    eager: BTreeSet<u64>,
}

impl Slots {
    fn of<'d>(
        file: &File<'d, &'d [u8]>,
        table: &[Entry],
        symbols: &Symbols<'d>,
        function: &str,
    ) -> Result<Self, LibraryError> {
        let is_it = |symbol: &object::elf::Sym64<Endianness>| {
            is_imported(symbol, file.endian) && symbols.name(symbol) == Some(function)
        };
        let numbers: BTreeSet<u32> =
            (0..).zip(symbols.all).filter(|(_, symbol)| is_it(symbol)).map(|(number, _)| number).collect();
        let mut slots = Self { lazy: BTreeSet::new(), eager: BTreeSet::new() };
        if numbers.is_empty() {
            return Ok(slots);
        }
        let are_rela = value(table, DT_PLTREL.0).is_none_or(|kind| kind == DT_RELA.0 as u64);
        let of_stubs = are_rela.then_some((DT_JMPREL, DT_PLTRELSZ));
        for (start, size) in of_stubs.into_iter().chain([(DT_RELA, DT_RELASZ)]) {
            for relocation in relocations(file, value(table, start.0), value(table, size.0))? {
                let number = relocation.r_sym(file.endian, false);
                if !numbers.contains(&number) {
                    continue;
                }
                let kind = relocation.r_type(file.endian, false);
                let slot = relocation.r_offset.get(file.endian);
                if kind == R_X86_64_JUMP_SLOT {
                    slots.lazy.insert(slot);
                } else if kind == R_X86_64_GLOB_DAT {
                    slots.eager.insert(slot);
                }
                if slots.lazy.len() + slots.eager.len() > MOST_CALLS {
                    return Err(LibraryError::TooMany("slots of one function"));
                }
            }
        }
        Ok(slots)
    }
}

fn relocations<'d>(
    file: &File<'d, &'d [u8]>,
    address: Option<u64>,
    size: Option<u64>,
) -> Result<&'d [Rela64<Endianness>], LibraryError> {
    let damaged = LibraryError::Damaged("list of relocations");
    let (Some(address), Some(size @ 1..)) = (address, size) else { return Ok(&[]) };
    let start = file.offset(address).ok_or(damaged)?;
    let count = usize::try_from(size / size_of::<Rela64<Endianness>>() as u64).map_err(|_| damaged)?;
    file.data.read_slice_at(start, count).map_err(|()| damaged)
}

/// Bytes that are executed.
struct Code<'d> {
    address: u64,
    bytes: &'d [u8],
}

impl<'d> Code<'d> {
    fn address_of(&self, place: usize) -> u64 {
        self.address.wrapping_add(place as u64)
    }

    /// Where the four bytes at a place lead, told from their end on.
    fn target(&self, place: usize) -> Option<u64> {
        let distance = i32::from_le_bytes(*self.bytes.get(place..)?.first_chunk()?);
        Some(self.address_of(place + 4).wrapping_add_signed(distance.into()))
    }

    /// What stands in front of an address, as far as it counts: within its function, if that is one of those known.
    fn before(&self, address: u64, functions: &[u64]) -> Option<Before<'d>> {
        let place = |address: u64| usize::try_from(address.checked_sub(self.address)?).ok();
        let end = place(address).filter(|end| *end <= self.bytes.len())?;
        let known = functions[..functions.partition_point(|start| *start <= address)].last();
        let function = known.and_then(|start| place(*start)).unwrap_or(0);
        let far = end.saturating_sub(REACH + RUN_UP);
        let code = &self.bytes[function.max(far)..end];
        Some(Before { code, starts: if function >= far { 1 } else { RUN_UP } })
    }
}

/// Code in front of a call.
#[derive(Clone, Copy)]
struct Before<'d> {
    code: &'d [u8],
    /// How many of its first bytes an instruction may begin with; where it is known to be the first, one.
    starts: usize,
}

/// Where functions with a name begin, in order.
fn functions(symbols: &Symbols<'_>, endian: Endianness) -> Vec<u64> {
    let defined = symbols
        .all
        .iter()
        .filter(|symbol| symbol.st_type() == STT_FUNC && symbol.st_shndx.get(endian) != SHN_UNDEF);
    let mut starts: Vec<u64> = defined.map(|symbol| symbol.st_value.get(endian)).collect();
    starts.sort_unstable();
    starts
}

fn code<'d>(file: &File<'d, &'d [u8]>) -> Result<Vec<Code<'d>>, LibraryError> {
    let mut parts = Vec::new();
    for segment in file.segments {
        if segment.p_type(file.endian) != PT_LOAD || !segment.p_flags(file.endian).contains(PF_X) {
            continue;
        }
        if parts.len() == MOST_SEGMENTS {
            return Err(LibraryError::TooMany("segments of code"));
        }
        let bytes =
            segment.data(file.endian, file.data).map_err(|()| LibraryError::Damaged("segment of code"))?;
        parts.push(Code { address: segment.p_vaddr(file.endian), bytes });
    }
    Ok(parts)
}

/// Where the section headers, if there are any, say that the linker's stubs are.
fn stub_sections(bytes: &[u8]) -> Vec<Range<u64>> {
    let Ok(header) = FileHeader64::<Endianness>::parse(bytes) else { return Vec::new() };
    let Ok(endian) = header.endian() else { return Vec::new() };
    let Ok(sections) = header.sections(endian, bytes) else { return Vec::new() };
    let is_stubs = |section: &&object::elf::SectionHeader64<Endianness>| {
        sections.section_name(endian, section).is_ok_and(|name| name.starts_with(b".plt"))
    };
    let range = |section: &object::elf::SectionHeader64<Endianness>| {
        let start = section.sh_addr(endian);
        start..start.saturating_add(section.sh_size(endian))
    };
    sections.iter().filter(is_stubs).map(range).take(MOST_SEGMENTS).collect()
}

struct Calls {
    found: BTreeSet<u64>,
    /// Where a call may arrive at a stub.
    stubs: BTreeSet<u64>,
}

impl Calls {
    /// `ff 15` calls and `ff 25` jumps, each to where a slot says.
    fn through_slots(
        &mut self,
        code: &Code<'_>,
        slots: &Slots,
        stub_sections: &[Range<u64>],
    ) -> Result<(), LibraryError> {
        if slots.lazy.is_empty() && slots.eager.is_empty() {
            return Ok(());
        }
        for place in Finder::new(b"\xff\x15").find_iter(code.bytes) {
            let is_it = |slot| slots.eager.contains(&slot) || slots.lazy.contains(&slot);
            if code.target(place + 2).is_some_and(is_it) {
                self.add(code.address_of(place))?;
            }
        }
        for place in Finder::new(b"\xff\x25").find_iter(code.bytes) {
            let Some(slot) = code.target(place + 2) else { continue };
            let address = code.address_of(place);
            let is_lazy = slots.lazy.contains(&slot);
            if !is_lazy && !slots.eager.contains(&slot) {
                continue;
            }
            let start = start_of_stub(code.bytes, place);
            let is_stub = is_lazy
                || match stub_sections {
                    [] => is_padded_stub(code, start, place),
                    sections => sections.iter().any(|section| section.contains(&address)),
                };
            if is_stub {
                self.stubs.extend((start..=place).map(|place| code.address_of(place)));
            } else {
                self.add(address)?;
            }
        }
        Ok(())
    }

    /// `e8` calls, and jumps that are calls at the end of a function: `e9`, and after a comparison `0f 80` to `0f 8f`.
    fn through_stubs(&mut self, code: &Code<'_>) -> Result<(), LibraryError> {
        if self.stubs.is_empty() {
            return Ok(());
        }
        for place in memchr::memchr3_iter(0xe8, 0xe9, 0x0f, code.bytes) {
            let operand = match (code.bytes[place], code.bytes.get(place + 1)) {
                (0x0f, Some(0x80..=0x8f)) => place + 2,
                (0x0f, _) => continue,
                _ => place + 1,
            };
            if code.target(operand).is_some_and(|target| self.stubs.contains(&target)) {
                self.add(code.address_of(place))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, address: u64) -> Result<(), LibraryError> {
        if self.found.len() == MOST_CALLS {
            return Err(LibraryError::TooMany("calls of one function"));
        }
        self.found.insert(address);
        Ok(())
    }
}

/// The first byte of a stub whose jump is at a place.
fn start_of_stub(bytes: &[u8], jump: usize) -> usize {
    let mut start = jump;
    if bytes[..start].ends_with(&[BND]) {
        start -= 1;
    }
    if bytes[..start].ends_with(ENDBR) {
        start -= ENDBR.len();
    }
    start
}

/// Stubs in `.plt.got` have eight or sixteen bytes with what fills them, and begin at a multiple of that.
fn is_padded_stub(code: &Code<'_>, start: usize, jump: usize) -> bool {
    let behind = code.bytes.get(jump + 6..).unwrap_or_default();
    let (size, filling): (u64, &[u8]) = match jump - start {
        0 => (8, b"\x66\x90"),
        1 => (8, b"\x90"),
        4 => (16, b"\x66\x0f\x1f\x44"),
        _ => (16, b"\x0f\x1f\x44"),
    };
    behind.starts_with(filling) && code.address_of(start).is_multiple_of(size)
}

/// The constant that the last instructions leave in a register.
fn last_constant(before: Before<'_>, register: Register, info: &mut InstructionInfoFactory) -> Option<u32> {
    let Before { code, starts } = before;
    let end = code.len();
    let farthest = end.saturating_sub(REACH);
    let decoded: Vec<Instruction> = (0..end)
        .map(|place| Decoder::with_ip(64, &code[place..], 0, DecoderOptions::NONE).decode())
        .collect();
    // How many of the starts pass through each place: most, and in the end nearly all, pass through the real instructions.
    let mut passing = vec![0u32; end + 1];
    passing[..starts.min(end)].fill(1);
    for (place, instruction) in decoded.iter().enumerate() {
        // What is no instruction is data, behind which code may begin at any byte.
        let length = if instruction.is_invalid() { 1 } else { instruction.len() };
        passing[place + length] += passing[place];
    }
    let mut at = end;
    while at > farthest {
        let leads_here = |place: &usize| {
            !decoded[*place].is_invalid() && place + decoded[*place].len() == at && passing[*place] > 0
        };
        let candidates = (at.saturating_sub(LONGEST_INSTRUCTION)..at).filter(leads_here);
        // Among equals the longest: a prefix belongs to its instruction.
        let previous = candidates.rev().max_by_key(|place| passing[*place])?;
        let instruction = &decoded[previous];
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::ConditionalBranch => {}
            // A call leaves anything in the register; what is behind a jump is reached from elsewhere.
            FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Call
            | FlowControl::IndirectCall
            | FlowControl::Interrupt
            | FlowControl::XbeginXabortXend
            | FlowControl::Exception => return None,
        }
        if writes(instruction, register, info) {
            return constant(instruction, register);
        }
        at = previous;
    }
    None
}

fn writes(instruction: &Instruction, register: Register, info: &mut InstructionInfoFactory) -> bool {
    use iced_x86::OpAccess::{CondWrite, ReadCondWrite, ReadWrite, Write};
    info.info(instruction).used_registers().iter().any(|used| {
        used.register().full_register() == register
            && matches!(used.access(), Write | CondWrite | ReadWrite | ReadCondWrite)
    })
}

/// What an instruction leaves in a register that it writes, if it says so itself.
fn constant(instruction: &Instruction, register: Register) -> Option<u32> {
    let written = instruction.op0_register();
    if instruction.op0_kind() != OpKind::Register || written.full_register() != register || written.size() < 4
    {
        return None;
    }
    let is_same = instruction.op1_kind() == OpKind::Register && instruction.op1_register() == written;
    match instruction.mnemonic() {
        Mnemonic::Xor | Mnemonic::Sub if is_same => Some(0),
        Mnemonic::Mov => {
            // As 64 bits, of which 32 count; an address is no such constant.
            let value = instruction.try_immediate(1).ok()?;
            let is_small = u32::try_from(value).is_ok() || i32::try_from(value as i64).is_ok();
            is_small.then_some(value as u32)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `tests/fixtures/code/README.md` says what is in them.
    const GNU: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-gnu.so");
    const GNU_IBT: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-gnu-ibt.so");
    const GNU_NO_PLT: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-gnu-noplt.so");
    const LLD: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-lld.so");
    const LLD_IBT: &[u8] = include_bytes!("../../tests/fixtures/code/libcalls-lld-ibt.so");
    const ALL: [&[u8]; 5] = [GNU, GNU_IBT, GNU_NO_PLT, LLD, LLD_IBT];

    fn stripped(library: &[u8]) -> Vec<u8> {
        let mut bytes = library.to_vec();
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        bytes
    }

    fn values(library: &[u8], function: &str, argument: Argument) -> Vec<Option<u32>> {
        let calls = constants_passed(library, function, argument).expect("it can be read");
        calls.iter().map(|call| call.value).collect()
    }

    fn of_code(code: &[u8], argument: Argument) -> Option<u32> {
        last_constant(Before { code, starts: 1 }, argument.register(), &mut InstructionInfoFactory::new())
    }

    #[test]
    fn constants_are_found_however_calls_are_written() {
        for library in ALL.iter().flat_map(|library| [library.to_vec(), stripped(library)]) {
            // In the order of calls.c.
            let flags = [Some(0x8000_0002), Some(0), None, Some(7), Some(3)];
            assert_eq!(values(&library, "eventCreateWithFlags", Argument::Second), flags);
            assert_eq!(values(&library, "allocateWithFlags", Argument::Third), [Some(0x40)]);
            assert_eq!(values(&library, "allocateWithFlags", Argument::Second), [None], "more than 32 bits");
            assert_eq!(values(&library, "synchronize", Argument::First), [None, None]);
            assert_eq!(values(&library, "weak_one", Argument::First), [], "it is no import");
        }
    }

    #[test]
    fn a_call_says_where_it_is() {
        let calls = constants_passed(GNU, "eventCreateWithFlags", Argument::Second).expect("a library");
        // As llvm-objdump shows them.
        let addresses: Vec<u64> = calls.iter().map(|call| call.address).collect();
        assert_eq!(addresses, [0x449, 0x466, 0x485, 0x496, 0x4b5]);
    }

    #[test]
    fn only_the_last_write_counts_and_only_if_it_is_known() {
        // mov esi, 1; mov esi, 2
        assert_eq!(of_code(b"\xbe\x01\0\0\0\xbe\x02\0\0\0", Argument::Second), Some(2));
        // mov esi, 1; mov esi, [rsp+8]
        assert_eq!(of_code(b"\xbe\x01\0\0\0\x8b\x74\x24\x08", Argument::Second), None);
        // mov esi, 1; pop rsi
        assert_eq!(of_code(b"\xbe\x01\0\0\0\x5e", Argument::Second), None);
        // mov esi, 1; mov sil, 2
        assert_eq!(of_code(b"\xbe\x01\0\0\0\x40\xb6\x02", Argument::Second), None);
        // mov esi, 1; je +0; nop
        assert_eq!(of_code(b"\xbe\x01\0\0\0\x74\x00\x90", Argument::Second), Some(1));
        // mov esi, 1; jmp +0
        assert_eq!(of_code(b"\xbe\x01\0\0\0\xeb\x00", Argument::Second), None);
        // mov esi, 1; call rax
        assert_eq!(of_code(b"\xbe\x01\0\0\0\xff\xd0", Argument::Second), None);
        // mov rdi, -1; mov r8d, 5; xor r9d, r9d; sub ecx, ecx
        let several = b"\x48\xc7\xc7\xff\xff\xff\xff\x41\xb8\x05\0\0\0\x45\x31\xc9\x29\xc9";
        assert_eq!(of_code(several, Argument::First), Some(u32::MAX));
        assert_eq!(of_code(several, Argument::Fifth), Some(5));
        assert_eq!(of_code(several, Argument::Sixth), Some(0));
        assert_eq!(of_code(several, Argument::Fourth), Some(0));
        assert_eq!(of_code(several, Argument::Second), None);
        assert_eq!(of_code(b"", Argument::First), None);
    }

    #[test]
    fn code_falls_into_step_whatever_stands_in_front_of_it() {
        // sub rsp, 8; mov rax, [rdi+rcx*8+0x1000]; lea r10, [rip+0x200]; test rax, rax; each ten times
        let body =
            b"\x48\x83\xec\x08\x48\x8b\x84\xcf\x00\x10\0\0\x4c\x8d\x15\0\x02\0\0\x48\x85\xc0".repeat(10);
        for cut in 0..22 {
            // sub rsp, 8; mov esi, 0x80000002: seen from the second byte on something else, of the same end.
            let code = [&body[cut..], b"\x48\x83\xec\x08\xbe\x02\0\0\x80"].concat();
            let before = Before { code: &code[code.len() - REACH - RUN_UP..], starts: RUN_UP };
            let value = last_constant(before, Register::RSI, &mut InstructionInfoFactory::new());
            assert_eq!(value, Some(0x8000_0002), "{cut}");
        }
    }

    #[test]
    fn what_is_no_library_of_the_host_is_refused() {
        let object = include_bytes!("../../tests/fixtures/code/gfx1010.co");
        let found = constants_passed(object, "f", Argument::First);
        assert_eq!(found, Err(CallsError::OtherMachine { machine: 224 }));
        let found = constants_passed(b"#!/bin/sh", "f", Argument::First);
        assert_eq!(found, Err(CallsError::Library(LibraryError::NotElf)));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            random in proptest::collection::vec(any::<u8>(), 0..256),
            place in 0usize..4096,
            bytes in any::<[u8; 8]>(),
        ) {
            let _ = of_code(&random, Argument::First);
            let before = Before { code: &random, starts: RUN_UP };
            let _ = last_constant(before, Register::RDI, &mut InstructionInfoFactory::new());
            let _ = constants_passed(&random, "synchronize", Argument::First);
            for library in ALL {
                let mut damaged = library.to_vec();
                let place = place % (damaged.len() - 8);
                damaged[place..place + 8].copy_from_slice(&bytes);
                let _ = constants_passed(&damaged, "eventCreateWithFlags", Argument::Second);
            }
        }
    }
}
