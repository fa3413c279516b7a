//! The version an LLVM carries in its code: `LLVM21.1.8`, the name it signs bitcode with and the one it gives as a reader.
//!
//! It is one literal in whatever holds LLVM's bitcode writer: a libLLVM, a clang that everything is linked into, a COMGR that
//! brings its own. A search through the bytes finds it without running or loading anything.

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
    fn it_is_found_across_the_edges_of_what_is_read_at_once() {
        for before in CHUNK - 2 * LONGEST..CHUNK + 4 {
            let mut bytes = vec![b'.'; before];
            bytes.extend(b"LLVM17.0.6\0");
            bytes.resize(bytes.len() + LONGEST, b'.');
            assert_eq!(found(&bytes).as_deref(), Some("17.0.6"), "{before}");
        }
    }
}
