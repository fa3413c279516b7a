//! LLVM bitcode: which LLVM made a file, as it says itself in its identification block.
//!
//! The format is that of LLVM's "LLVM Bitcode File Format"; the name of the producer is packed into fewer than eight bits a
//! character, so that no search for text finds it. All input is hostile: nothing is read beyond its end, and no length in
//! it is trusted.

use thiserror::Error;

/// How much of a file is enough: the block stands at its beginning.
pub const HEAD: usize = 4096;

/// `BC` and the magic number behind it.
const MAGIC: [u8; 4] = *b"BC\xc0\xde";
/// The wrapper that Apple's tools put around it: magic, version, offset, size, processor, each of 32 bits.
const WRAPPER: u32 = 0x0b17_c0de;
const WRAPPER_OFFSET: usize = 8;

const END_BLOCK: u64 = 0;
const ENTER_SUBBLOCK: u64 = 1;
const DEFINE_ABBREV: u64 = 2;
const UNABBREV_RECORD: u64 = 3;

const IDENTIFICATION_BLOCK: u64 = 13;
const RECORD_STRING: u64 = 1;
const RECORD_EPOCH: u64 = 2;

/// A name is a word and a version.
const LONGEST_PRODUCER: usize = 256;
const MOST_ABBREVIATIONS: usize = 64;
const MOST_OPERANDS: usize = 64;
/// The width of an abbreviation's number; LLVM writes 2 to 5 bits.
const WIDEST: u64 = 32;

/// What a bitcode file says of its maker.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Identification {
    /// e.g. `LLVM21.1.8`, `LLVM20.0.0git`.
    pub producer: String,
    /// Bitcode of another epoch is read by no LLVM; it has been 0 ever since.
    pub epoch: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BitcodeError {
    #[error("not LLVM bitcode")]
    NotBitcode,
    #[error("LLVM bitcode that ends too early")]
    Truncated,
    #[error("LLVM bitcode with a damaged identification block")]
    Damaged,
    #[error("LLVM bitcode that does not say who made it")]
    NoIdentification,
}

/// Reads the identification block out of the beginning of a file.
pub fn identification(bytes: &[u8]) -> Result<Identification, BitcodeError> {
    let bytes = unwrapped(bytes)?;
    let Some(stream) = bytes.strip_prefix(&MAGIC) else { return Err(BitcodeError::NotBitcode) };
    let mut reader = Bits { bytes: stream, at: 0 };
    while !reader.is_at_end() {
        // Outside of all blocks the numbers of abbreviations have two bits, and only blocks stand there.
        if reader.fixed(2)? != ENTER_SUBBLOCK {
            return Err(BitcodeError::Damaged);
        }
        let block = reader.enter()?;
        if block.id == IDENTIFICATION_BLOCK {
            return identification_block(&mut reader, block.width);
        }
        reader.skip_words(block.words)?;
    }
    Err(BitcodeError::NoIdentification)
}

fn unwrapped(bytes: &[u8]) -> Result<&[u8], BitcodeError> {
    let word = |at: usize| {
        bytes.get(at..at + 4).map(|word| u32::from_le_bytes(word.try_into().expect("they are four")))
    };
    match word(0) {
        None => Err(BitcodeError::NotBitcode),
        Some(WRAPPER) => {
            let offset = word(WRAPPER_OFFSET).ok_or(BitcodeError::Truncated)? as usize;
            bytes.get(offset..).ok_or(BitcodeError::Truncated)
        }
        Some(_) => Ok(bytes),
    }
}

fn identification_block(reader: &mut Bits<'_>, width: u32) -> Result<Identification, BitcodeError> {
    let mut abbreviations: Vec<Vec<Operand>> = Vec::new();
    let mut producer = None;
    let mut epoch = None;
    loop {
        let record = match reader.fixed(width)? {
            END_BLOCK => break,
            ENTER_SUBBLOCK => {
                let inner = reader.enter()?;
                reader.skip_words(inner.words)?;
                continue;
            }
            DEFINE_ABBREV => {
                if abbreviations.len() == MOST_ABBREVIATIONS {
                    return Err(BitcodeError::Damaged);
                }
                abbreviations.push(reader.abbreviation()?);
                continue;
            }
            UNABBREV_RECORD => reader.unabbreviated()?,
            number => {
                let index = usize::try_from(number - 4).map_err(|_| BitcodeError::Damaged)?;
                let abbreviation = abbreviations.get(index).ok_or(BitcodeError::Damaged)?;
                reader.abbreviated(abbreviation)?
            }
        };
        match record.split_first() {
            Some((&RECORD_STRING, characters)) => producer = Some(text(characters)?),
            Some((&RECORD_EPOCH, [number, ..])) => epoch = Some(*number),
            _ => {}
        }
    }
    match producer {
        Some(producer) => Ok(Identification { producer, epoch }),
        None => Err(BitcodeError::NoIdentification),
    }
}

/// Only what can be shown: the text goes to terminals and into reports.
fn text(characters: &[u64]) -> Result<String, BitcodeError> {
    let character = |number: &u64| match u8::try_from(*number) {
        Ok(byte) if byte.is_ascii_graphic() || byte == b' ' => Ok(char::from(byte)),
        _ => Err(BitcodeError::Damaged),
    };
    characters.iter().map(character).collect()
}

/// How an operand of an abbreviated record is written.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Literal(u64),
    Fixed(u32),
    Vbr(u32),
    /// The last but one: as many of the last as a length in front of them says.
    Array,
    Char6,
    /// Bytes, aligned to words.
    Blob,
}

struct Block {
    id: u64,
    width: u32,
    words: u64,
}

/// Bits from the lowest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl Bits<'_> {
    /// What follows is too short for another block.
    fn is_at_end(&self) -> bool {
        self.at + 32 > self.bytes.len().saturating_mul(8)
    }

    /// At most 64 bits.
    fn fixed(&mut self, width: u32) -> Result<u64, BitcodeError> {
        let mut value = 0u64;
        let mut done = 0;
        while done < width {
            let byte = *self.bytes.get(self.at / 8).ok_or(BitcodeError::Truncated)?;
            let offset = (self.at % 8) as u32;
            let taken = (8 - offset).min(width - done);
            let bits = (u64::from(byte) >> offset) & ((1 << taken) - 1);
            value |= bits << done;
            done += taken;
            self.at += taken as usize;
        }
        Ok(value)
    }

    /// A number in groups of `width` bits, the highest of which says that another follows.
    fn vbr(&mut self, width: u32) -> Result<u64, BitcodeError> {
        let more = 1u64 << (width - 1);
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let group = self.fixed(width)?;
            let bits = group & (more - 1);
            if shift >= 64 || (shift > 0 && bits > u64::MAX >> shift) {
                return Err(BitcodeError::Damaged);
            }
            value |= bits << shift;
            if group & more == 0 {
                return Ok(value);
            }
            shift += width - 1;
        }
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(32);
    }

    fn enter(&mut self) -> Result<Block, BitcodeError> {
        let id = self.vbr(8)?;
        let width = self.vbr(4)?;
        self.align();
        let words = self.fixed(32)?;
        // Too narrow to say "end of block" and anything else.
        if !(2..=WIDEST).contains(&width) {
            return Err(BitcodeError::Damaged);
        }
        Ok(Block { id, width: width as u32, words })
    }

    fn skip_words(&mut self, words: u64) -> Result<(), BitcodeError> {
        let bits = usize::try_from(words).ok().and_then(|words| words.checked_mul(32));
        let at = bits.and_then(|bits| self.at.checked_add(bits)).ok_or(BitcodeError::Truncated)?;
        if at > self.bytes.len().saturating_mul(8) {
            return Err(BitcodeError::Truncated);
        }
        self.at = at;
        Ok(())
    }

    fn abbreviation(&mut self) -> Result<Vec<Operand>, BitcodeError> {
        let count = self.vbr(5)?;
        if count == 0 || count > MOST_OPERANDS as u64 {
            return Err(BitcodeError::Damaged);
        }
        (0..count).map(|_| self.operand()).collect()
    }

    fn operand(&mut self) -> Result<Operand, BitcodeError> {
        if self.fixed(1)? == 1 {
            return Ok(Operand::Literal(self.vbr(8)?));
        }
        match self.fixed(3)? {
            1 => Ok(Operand::Fixed(self.width_up_to(64)?)),
            2 => match self.width_up_to(32)? {
                // A group needs a bit for the number beside the one for "more".
                0 | 1 => Err(BitcodeError::Damaged),
                width => Ok(Operand::Vbr(width)),
            },
            3 => Ok(Operand::Array),
            4 => Ok(Operand::Char6),
            5 => Ok(Operand::Blob),
            _ => Err(BitcodeError::Damaged),
        }
    }

    fn width_up_to(&mut self, most: u64) -> Result<u32, BitcodeError> {
        match self.vbr(5)? {
            width if width <= most => Ok(width as u32),
            _ => Err(BitcodeError::Damaged),
        }
    }

    fn unabbreviated(&mut self) -> Result<Vec<u64>, BitcodeError> {
        let code = self.vbr(6)?;
        let count = self.length()?;
        let mut record = vec![code];
        for _ in 0..count {
            record.push(self.vbr(6)?);
        }
        Ok(record)
    }

    fn abbreviated(&mut self, operands: &[Operand]) -> Result<Vec<u64>, BitcodeError> {
        let mut record = Vec::new();
        let mut operands = operands.iter();
        while let Some(operand) = operands.next() {
            match operand {
                Operand::Array => {
                    let element = operands.next().ok_or(BitcodeError::Damaged)?;
                    for _ in 0..self.length()? {
                        let value = self.scalar(*element)?;
                        record.push(value);
                    }
                }
                Operand::Blob => {
                    let length = self.length()?;
                    self.align();
                    for _ in 0..length {
                        record.push(self.fixed(8)?);
                    }
                    self.align();
                }
                scalar => record.push(self.scalar(*scalar)?),
            }
        }
        Ok(record)
    }

    fn length(&mut self) -> Result<usize, BitcodeError> {
        let length = usize::try_from(self.vbr(6)?).map_err(|_| BitcodeError::Damaged)?;
        if length > LONGEST_PRODUCER {
            return Err(BitcodeError::Damaged);
        }
        Ok(length)
    }

    fn scalar(&mut self, operand: Operand) -> Result<u64, BitcodeError> {
        const CHARACTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
        match operand {
            Operand::Literal(value) => Ok(value),
            Operand::Fixed(width) => self.fixed(width),
            Operand::Vbr(width) => self.vbr(width),
            Operand::Char6 => Ok(u64::from(CHARACTERS[self.fixed(6)? as usize])),
            Operand::Array | Operand::Blob => Err(BitcodeError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `llvm-as` of Debian's LLVM 14 writes: `llvm-bcanalyzer -dump` shows the same name.
    const LLVM_14: &str =
        "4243c0de3514000005000000620c30244a59be668dfbb4af0b51804c01000000210c0000fc0000000b02210002";

    fn head() -> Vec<u8> {
        hex::decode(LLVM_14).expect("hexadecimal")
    }

    fn wrapped(offset: u32, bytes: &[u8]) -> Vec<u8> {
        let words = [WRAPPER, 0, offset, bytes.len() as u32, 0];
        words.iter().flat_map(|word| word.to_le_bytes()).chain(bytes.iter().copied()).collect()
    }

    #[test]
    fn the_producer_is_read() {
        let expected = Identification { producer: "LLVM14.0.6".to_owned(), epoch: Some(0) };
        assert_eq!(identification(&head()), Ok(expected.clone()));
        assert_eq!(identification(&wrapped(20, &head())), Ok(expected));
    }

    #[test]
    fn what_is_cut_or_no_bitcode_is_refused() {
        let whole = head();
        // The block has eight bytes in front of it and 20 of its own, the last of which only fill a word.
        for length in 0..26 {
            assert!(identification(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(identification(b"#include <hip/hip_runtime.h>"), Err(BitcodeError::NotBitcode));
        assert_eq!(identification(&wrapped(u32::MAX, &whole)), Err(BitcodeError::Truncated));
        let mut other = whole;
        other[4] = 0;
        assert_eq!(identification(&other), Err(BitcodeError::Damaged));
    }

    proptest! {
        #[test]
        fn random_and_damaged_bytes_never_panic(
            random in proptest::collection::vec(any::<u8>(), 0..512),
            place in 0usize..45,
            byte in any::<u8>(),
        ) {
            let _ = identification(&random);
            let mut damaged = head();
            damaged[place] = byte;
            let _ = identification(&damaged);
            damaged.truncate(8);
            damaged.extend(random);
            if let Ok(found) = identification(&damaged) {
                prop_assert!(found.producer.len() <= LONGEST_PRODUCER);
            }
        }
    }
}
