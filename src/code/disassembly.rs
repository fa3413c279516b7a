//! What a disassembler (`llvm-objdump -d`) says about code, reduced to what rules ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

/// Longest line that counts; an instruction has far less.
const LONGEST_LINE: u64 = 4096;
/// A hostile text may hold any number of different words and numbers; no code holds more than these.
const MOST_DIFFERENT: usize = 4096;

/// What the instructions of a code object come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    pub instructions: u64,
    /// How often each mnemonic occurs, encoding suffixes (`_e32`) included.
    pub mnemonics: BTreeMap<String, u64>,
    /// 32-bit constants moved into scalar registers: value → how often.
    pub constants: BTreeMap<u32, u64>,
    /// Constants that are word 3 of a buffer resource descriptor that an instruction uses: value → how many uses.
    pub word3: BTreeMap<u32, u64>,
    /// Flat accesses with an immediate offset, which gfx10.1 ignores (LLVM: FlatSegmentOffsetBug).
    pub flat_with_offset: u64,
    /// Data moved between lanes in ways that only chips before RDNA have (DPP `row_bcast`, `wave_shr` and the like).
    #[serde(default)]
    pub old_dpp: u64,
    /// Words that the disassembler could not read for its target.
    pub undecoded: u64,
    /// Scalar writes to a register that a memory access in front of them may not have read yet, which gfx10.1 does not wait
    /// for (LLVM: VMEMtoScalarWriteHazard, GCNHazardRecognizer.cpp). Only what follows without a jump is seen.
    #[serde(default)]
    pub scalar_write_hazards: u64,
}

impl Facts {
    /// How many instructions have a mnemonic that begins so.
    pub fn count(&self, prefix: &str) -> u64 {
        let such = self.mnemonics.iter().filter(|(mnemonic, _)| mnemonic.starts_with(prefix));
        such.map(|(_, count)| count).sum()
    }
}

/// Reads the output of `llvm-objdump -d`.
pub fn read(text: &mut dyn BufRead) -> io::Result<Facts> {
    let mut reader = Reader::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        if io::Read::take(&mut *text, LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(reader.facts);
        }
        reader.line(&String::from_utf8_lossy(&line));
    }
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    /// Scalar register → the constant it holds, as far as reading downwards tells.
    scalars: BTreeMap<u16, u32>,
    /// Scalar registers that memory accesses read since the last instruction that waits for that.
    pending: BTreeSet<Scalar>,
}

/// A scalar register that an instruction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scalar {
    Numbered(u16),
    Vcc,
    Exec,
    M0,
}

impl Reader {
    fn line(&mut self, line: &str) {
        // Instructions are indented; names of functions, files and sections are not.
        if !line.starts_with(['\t', ' ']) {
            if line.trim_end().ends_with(">:") {
                self.scalars.clear();
                self.pending.clear();
            }
            return;
        }
        let code = line.split("//").next().unwrap_or_default().trim();
        let (mnemonic, operands) = code.split_once(char::is_whitespace).unwrap_or((code, ""));
        if mnemonic.is_empty() {
            return;
        }
        self.facts.instructions += 1;
        if mnemonic.starts_with('.') || mnemonic.starts_with('<') {
            self.facts.undecoded += 1;
            return;
        }
        count(&mut self.facts.mnemonics, mnemonic.to_owned());
        let operands: Vec<&str> = operands.split(',').map(str::trim).collect();
        if mnemonic.starts_with("flat_") && has_offset(&operands) {
            self.facts.flat_with_offset += 1;
        }
        if operands.iter().any(|operand| is_old_dpp(operand)) {
            self.facts.old_dpp += 1;
        }
        if mnemonic.starts_with("buffer_") {
            self.descriptor(&operands);
        }
        self.hazard(mnemonic, &operands);
        self.scalar_write(mnemonic, &operands);
    }

    /// LLVM's rule for code without jumps: a vector instruction, `s_waitcnt 0` and `s_waitcnt_depctr` with a vm_vsrc of 0 make
    /// sure that memory accesses have read their registers.
    fn hazard(&mut self, mnemonic: &str, operands: &[&str]) {
        let is_memory = ["buffer_", "tbuffer_", "image_", "flat_", "global_", "scratch_", "ds_"];
        if is_memory.iter().any(|prefix| mnemonic.starts_with(prefix)) {
            self.pending.extend(operands.iter().flat_map(|operand| named_scalars(operand)));
            self.pending.insert(Scalar::Exec);
        } else if mnemonic.starts_with("v_") || waits(mnemonic, operands) {
            self.pending.clear();
        } else if mnemonic.starts_with("s_branch")
            || mnemonic.starts_with("s_setpc")
            || mnemonic == "s_endpgm"
        {
            // What stands behind is reached from elsewhere.
            self.pending.clear();
        } else if mnemonic.starts_with("s_") && writes_first_operand(mnemonic) {
            let written = operands.first().map(|operand| named_scalars(operand)).unwrap_or_default();
            if written.iter().any(|register| self.pending.contains(register)) {
                self.facts.scalar_write_hazards += 1;
            }
        }
    }

    /// A buffer instruction names its descriptor as four scalar registers.
    fn descriptor(&mut self, operands: &[&str]) {
        let word3 = operands
            .iter()
            .filter_map(|operand| scalars(operand))
            .find(|(first, last)| last - first == 3)
            .and_then(|(_, last)| self.scalars.get(&last).copied());
        if let Some(word3) = word3 {
            count(&mut self.facts.word3, word3);
        }
    }

    fn scalar_write(&mut self, mnemonic: &str, operands: &[&str]) {
        let Some((first, last)) = operands.first().and_then(|operand| scalars(operand)) else { return };
        if !writes_first_operand(mnemonic) {
            return;
        }
        let value = match (mnemonic, operands.get(1)) {
            ("s_mov_b32", Some(source)) => match scalars(source) {
                Some((from, _)) => self.scalars.get(&from).copied(),
                None => constant(source),
            },
            _ => None,
        };
        for register in first..=last {
            self.scalars.remove(&register);
        }
        if let Some(value) = value {
            self.scalars.insert(first, value);
            count(&mut self.facts.constants, value);
        }
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if counts.len() < MOST_DIFFERENT || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}

fn has_offset(operands: &[&str]) -> bool {
    let words = operands.iter().flat_map(|operand| operand.split_whitespace());
    words.filter_map(|word| word.strip_prefix("offset:")).any(|offset| offset != "0")
}

fn is_old_dpp(operand: &str) -> bool {
    const OLD: [&str; 5] = ["row_bcast:", "wave_shr:", "wave_shl:", "wave_ror:", "wave_rol:"];
    operand.split_whitespace().any(|word| OLD.iter().any(|old| word.starts_with(old)))
}

/// `s7` and `s[4:7]`: the first and the last register.
fn scalars(operand: &str) -> Option<(u16, u16)> {
    // Of the last operand only the first word counts: modifiers follow it.
    let rest = operand.split_whitespace().next()?.strip_prefix('s')?;
    match rest.strip_prefix('[').and_then(|range| range.strip_suffix(']')) {
        Some(range) => {
            let (first, last) = range.split_once(':')?;
            let (first, last) = (first.parse().ok()?, last.parse::<u16>().ok()?);
            (first <= last && last < 128).then_some((first, last))
        }
        None => {
            let register = rest.parse().ok()?;
            Some((register, register))
        }
    }
}

/// Every scalar register that an operand names: `s[4:7]`, `vcc_lo`, `exec`.
fn named_scalars(operand: &str) -> Vec<Scalar> {
    match operand.split_whitespace().next().unwrap_or_default() {
        "vcc" | "vcc_lo" | "vcc_hi" => vec![Scalar::Vcc],
        "exec" | "exec_lo" | "exec_hi" => vec![Scalar::Exec],
        "m0" => vec![Scalar::M0],
        _ => {
            let range = scalars(operand).into_iter().flat_map(|(first, last)| first..=last);
            range.map(Scalar::Numbered).collect()
        }
    }
}

/// Whether an instruction waits until memory accesses have read their scalar registers.
fn waits(mnemonic: &str, operands: &[&str]) -> bool {
    let number = operands.first().and_then(|operand| constant(operand));
    match mnemonic {
        // The disassembler writes `s_waitcnt 0` by its counters, all of them.
        "s_waitcnt" => {
            let written = operands.join(" ");
            number == Some(0)
                || ["vmcnt(0)", "expcnt(0)", "lgkmcnt(0)"].iter().all(|counter| written.contains(counter))
        }
        // Bits 4:2 are vm_vsrc.
        "s_waitcnt_depctr" => match number {
            Some(number) => number & 0b1_1100 == 0,
            None => operands.join(" ").contains("depctr_vm_vsrc(0)"),
        },
        _ => false,
    }
}

/// A 32-bit constant as the disassembler writes it.
fn constant(operand: &str) -> Option<u32> {
    match operand.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => operand.parse::<i64>().ok().and_then(|number| {
            i32::try_from(number).map(|number| number as u32).or_else(|_| u32::try_from(number)).ok()
        }),
    }
}

/// Comparisons, stores and the like have a scalar register first and only read it.
fn writes_first_operand(mnemonic: &str) -> bool {
    const READERS: [&str; 9] = [
        "s_cmp",
        "s_bitcmp",
        "s_store",
        "s_buffer_store",
        "s_scratch_store",
        "s_setpc",
        "s_cbranch",
        "s_atomic",
        "s_dcache",
    ];
    !READERS.iter().any(|reader| mnemonic.starts_with(reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CODE: &str = "
x.o:\tfile format elf64-amdgpu

Disassembly of section .text:

0000000000000000 <kernel>:
\ts_mov_b32 s7, 0x31014000                                   // 000000000000: BE8703FF 31014000
\ts_mov_b32 s6, -1                                           // 000000000008: BE8603C1
\tbuffer_load_dword v0, v1, s[4:7], 0 offen                  // 00000000000C: E0301000 80010001
\tflat_load_dword v2, v[0:1]                                 // 000000000014: DC300000 027D0000
\tflat_load_dword v2, v[0:1] offset:16                       // 00000000001C: DC300010 027D0000
\tv_dot2_f32_f16 v0, v1, v2, v3                              // 000000000024: CC138000 1C0E0501
\t.long 0xffffffff                                           // 00000000002C: FFFFFFFF
\ts_load_dwordx4 s[4:7], s[0:1], 0x0                         // 000000000030: F4080100 FA000000
\tbuffer_store_dword v0, v1, s[4:7], 0 offen                 // 000000000038: E0701000 80010001
\ts_cmp_eq_u32 s7, 0                                         // 000000000040: BF068007
\ts_endpgm                                                   // 000000000044: BF810000
";

    #[test]
    fn instructions_are_counted_and_what_rules_ask_for_is_found() {
        let facts = read(&mut CODE.as_bytes()).expect("text in memory");
        assert_eq!((facts.instructions, facts.undecoded, facts.flat_with_offset), (11, 1, 1));
        assert_eq!((facts.count("buffer_"), facts.count("v_dot"), facts.count("v_dot4")), (2, 1, 0));
        // The second access uses a descriptor that was loaded: what is in it nobody can tell.
        assert_eq!(facts.word3, [(0x3101_4000, 1)].into());
        assert_eq!(facts.constants, [(0x3101_4000, 1), (u32::MAX, 1)].into());
    }

    #[test]
    fn a_copied_constant_is_followed_and_an_overwritten_one_is_not() {
        let facts = |code: &str| read(&mut code.as_bytes()).expect("text in memory").word3;
        let start = "0 <k>:\n\ts_mov_b32 s3, 0x27000\n\ts_mov_b32 s11, s3\n";
        let access = "\tbuffer_load_dword v0, off, s[8:11], 0\n";
        assert_eq!(facts(&format!("{start}{access}")), [(0x27000, 1)].into());
        assert_eq!(facts(&format!("{start}\ts_mov_b64 s[10:11], s[0:1]\n{access}")), [].into());
        assert_eq!(facts(&format!("{start}1 <other>:\n{access}")), [].into());
    }

    #[test]
    fn a_scalar_write_behind_a_memory_access_is_a_hazard_until_something_waits() {
        let hazards = |code: &[&str]| {
            let lines: String = code.iter().map(|line| format!("\t{line}\n")).collect();
            read(&mut format!("0 <k>:\n{lines}").as_bytes()).expect("text in memory").scalar_write_hazards
        };
        let load = "buffer_load_dwordx4 v[0:3], v4, s[8:11], 0 offen";
        assert_eq!(hazards(&[load, "s_add_u32 s8, s8, s7", "s_addc_u32 s9, s9, 0"]), 2);
        assert_eq!(hazards(&[load, "s_load_dwordx4 s[8:11], s[0:1], 0x0"]), 1);
        assert_eq!(hazards(&[load, "s_mov_b64 exec, s[0:1]"]), 1);
        assert_eq!(hazards(&["global_store_dword v0, v1, s[2:3]", "s_mov_b32 s3, 0"]), 1);
        assert_eq!(hazards(&[load, "s_add_u32 s12, s8, s7"]), 0);
        assert_eq!(hazards(&[load, "s_cmp_eq_u32 s8, 0"]), 0);
        assert_eq!(hazards(&[load, "v_nop", "s_add_u32 s8, s8, s7"]), 0);
        assert_eq!(hazards(&[load, "s_waitcnt_depctr 0xffe3", "s_mov_b32 s8, 0"]), 0);
        assert_eq!(hazards(&[load, "s_waitcnt_depctr 0xffff", "s_mov_b32 s8, 0"]), 1);
        assert_eq!(hazards(&[load, "s_waitcnt vmcnt(0)", "s_mov_b32 s8, 0"]), 1);
        assert_eq!(hazards(&[load, "s_waitcnt vmcnt(0) expcnt(0) lgkmcnt(0)", "s_mov_b32 s8, 0"]), 0);
        assert_eq!(hazards(&["s_mov_b32 s8, 0", load]), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "([\t ]?[ -~\t]{0,60}\n){0,40}") {
            prop_assert!(read(&mut text.as_bytes()).is_ok());
        }

        #[test]
        fn any_registers_are_read_without_a_panic(
            words in proptest::collection::vec("s\\[?[0-9]{0,6}:?[0-9]{0,6}\\]?", 0..4),
        ) {
            let text = format!("\tbuffer_load_dword {}\n\ts_mov_b32 {}\n", words.join(", "), words.join(", "));
            prop_assert!(read(&mut text.as_bytes()).is_ok());
        }
    }
}
