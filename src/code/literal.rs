//! The version an LLVM carries in its code: `LLVM21.1.8`, the name it signs bitcode with and the one it gives as a reader.
//!
//! Beside it, the libraries that a library opens by name while it runs: they stand in no list.
//!
//! The version is one literal in whatever holds LLVM's bitcode writer: a libLLVM, a clang that everything is linked into, a COMGR that
//! brings its own. A search through the bytes finds it without running or loading anything.

use std::collections::BTreeSet;
use std::io::{self, Read};

use memchr::memmem::Finder;

const NAME: &[u8] = b"LLVM";
/// A version with its suffix, as `20.0.0git` or `21.1.8-rust-1.90.0`.
const LONGEST: usize = 64;
const CHUNK: usize = 1 << 20;

/// The first version found in what `input` yields, without the word in front: `21.1.8`, `20.0.0git`.
pub fn llvm_version(mut input: impl Read) -> io::Result<Option<String>> {
    let finder = Finder::new(NAME);
    let mut buffer = Vec::with_capacity(CHUNK + 2 * LONGEST);
    loop {
        let kept = buffer.len();
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
        let is_last = read == 0;
        // What begins too near the end is looked at again with what follows.
        let complete = if is_last { buffer.len() } else { buffer.len().saturating_sub(LONGEST) };
        for at in finder.find_iter(&buffer).take_while(|at| *at < complete) {
            if let Some(version) = version(&buffer[at + NAME.len()..]) {
                return Ok(Some(version));
            }
        }
        if is_last {
            return Ok(None);
        }
        let from = complete.max(kept.saturating_sub(LONGEST)).min(buffer.len());
        buffer.drain(..from);
    }
}

/// Libraries of ROCm that others open by name.
const OPENED: [&str; 4] = ["libamd_comgr.so", "libamdhip64.so", "libhiprtc.so", "libhsa-runtime64.so"];

/// The names among ROCm's libraries that stand in the code as texts of their own: `libamd_comgr.so.3`.
pub fn opened_libraries(mut input: impl Read) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let finder = Finder::new(b"lib");
    let mut buffer = vec![0];
    loop {
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut buffer)?;
        let is_last = read == 0;
        let complete = if is_last { buffer.len() } else { buffer.len().saturating_sub(LONGEST) };
        // A text of C begins behind the end of another.
        let starts = finder.find_iter(&buffer).take_while(|at| *at < complete);
        for at in starts.filter(|at| *at > 0 && buffer[at - 1] == 0) {
            let end = buffer[at..].iter().take(LONGEST).position(|byte| *byte == 0);
            let text = end.and_then(|end| std::str::from_utf8(&buffer[at..at + end]).ok());
            let is_one = |text: &&str| {
                OPENED.iter().any(|name| {
                    let version = text.strip_prefix(name);
                    version.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
                })
            };
            names.extend(text.filter(is_one).map(str::to_owned));
        }
        if is_last {
            return Ok(names);
        }
        buffer.drain(..complete.saturating_sub(1));
    }
}

/// A version of three numbers that ends like a text of C.
fn version(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().take(LONGEST).position(|byte| *byte == 0)?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut parts = text.splitn(3, '.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_version = is_number(parts.next())
        && is_number(parts.next())
        && parts.next()?.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte));
    is_version.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8]) -> Option<String> {
        llvm_version(bytes).expect("memory can be read")
    }

    #[test]
    fn the_version_is_told_from_other_words_that_begin_alike() {
        assert_eq!(found(b"LLVM (C) LLVM_21.1\0LLVM21\0LLVM21.1\0..LLVM21.1.8\0").as_deref(), Some("21.1.8"));
        assert_eq!(found(b"LLVM20.0.0git\0").as_deref(), Some("20.0.0git"));
        assert_eq!(found(b"LLVM21.1.8"), None, "a literal has an end");
        assert_eq!(found(b""), None);
    }

    #[test]
    fn libraries_that_are_opened_by_name_are_told_from_other_texts() {
        let names = |bytes: &[u8]| {
            opened_libraries(bytes).expect("memory can be read").into_iter().collect::<Vec<_>>()
        };
        let bytes = b"\0libamd_comgr.so.3\0cannot open libhiprtc.so.6\0libamdhip64.so\0libamd_comgr.so.3x\0libc.so.6\0";
        assert_eq!(names(bytes), ["libamd_comgr.so.3", "libamdhip64.so"]);
        for before in CHUNK - 2 * LONGEST..CHUNK + 4 {
            let mut bytes = vec![b'.'; before];
            bytes.extend(b"\0libamd_comgr.so.2\0");
            bytes.resize(bytes.len() + LONGEST, b'.');
            assert_eq!(names(&bytes), ["libamd_comgr.so.2"], "{before}");
        }
    }

    #[test]
    fn it_is_found_across_the_edges_of_what_is_read_at_once() {
        for before in CHUNK - 2 * LONGEST..CHUNK + 4 {
            let mut bytes = vec![b'.'; before];
            bytes.extend(b"LLVM17.0.6\0");
            bytes.resize(bytes.len() + LONGEST, b'.');
            assert_eq!(found(&bytes).as_deref(), Some("17.0.6"), "{before}");
        }
    }
}
