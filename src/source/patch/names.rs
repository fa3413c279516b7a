//! File names as diffs write them: with `a/` and `b/`, quoted when they are unusual, `/dev/null` for no file.

use std::str;

/// One side of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// `/dev/null`.
    Nothing,
    Path(Vec<u8>),
}

/// The name behind `--- ` or `+++ `: up to a tab, which a time stamp follows.
pub(super) fn name(text: &[u8]) -> Option<Name> {
    let bytes = match text {
        [b'"', ..] => unquote(text)?.0,
        _ => {
            let end = text.iter().position(|byte| *byte == b'\t').unwrap_or(text.len());
            text[..end].trim_ascii_end().to_vec()
        }
    };
    match bytes.as_slice() {
        b"/dev/null" => Some(Name::Nothing),
        _ => Some(Name::Path(bytes)),
    }
}

/// The name behind `rename from ` and its like, which has no prefix.
pub(super) fn bare(text: &[u8]) -> Option<Vec<u8>> {
    match text {
        [b'"', ..] => Some(unquote(text)?.0),
        _ => Some(text.to_vec()),
    }
}

/// Both names behind `diff --git `. Needed only where both are the same: everything else names its files again.
pub(super) fn pair(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if text.first() == Some(&b'"') {
        let (old, rest) = unquote(text)?;
        return Some((old, bare(rest.strip_prefix(b" ")?)?));
    }
    // `a/x y b/x y`: names with spaces are not quoted, so the middle is where both halves are the same.
    let middle = text.len() / 2;
    let (old, new) = (&text[..middle], text.get(middle + 1..)?);
    let same = text[middle] == b' ' && strip(old, b"a/") == strip(new, b"b/");
    same.then(|| (old.to_vec(), new.to_vec()))
}

/// Takes `a/` and `b/` away where both sides have them (`/dev/null` has none).
pub(super) fn without_prefixes(old: Name, new: Name) -> (Name, Name) {
    let fits = |name: &Name, prefix: &[u8]| match name {
        Name::Nothing => true,
        Name::Path(path) => path.starts_with(prefix),
    };
    if !(fits(&old, b"a/") && fits(&new, b"b/")) {
        return (old, new);
    }
    let stripped = |name: Name, prefix: &[u8]| match name {
        Name::Nothing => Name::Nothing,
        Name::Path(path) => Name::Path(strip(&path, prefix).to_vec()),
    };
    (stripped(old, b"a/"), stripped(new, b"b/"))
}

fn strip<'a>(text: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    text.strip_prefix(prefix).unwrap_or(text)
}

/// A name in double quotes, with C's escapes, and what follows it.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (first, tail) = rest.split_first()?;
        rest = tail;
        match first {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (escaped, tail) = rest.split_first()?;
                rest = tail;
                name.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'v' => 11,
                    b'"' | b'\\' => *escaped,
                    b'0'..=b'3' => {
                        let digits = str::from_utf8(rest.get(..2)?).ok()?;
                        rest = &rest[2..];
                        u8::from_str_radix(digits, 8).ok()? + (escaped - b'0') * 64
                    }
                    _ => return None,
                });
            }
            byte => name.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_git_and_diff_write_them() {
        let path = |text: &str| Some(Name::Path(text.as_bytes().to_vec()));
        assert_eq!(name(b"a/with space.c"), path("a/with space.c"));
        assert_eq!(name(b"old.c\t2026-11-23 10:00:00"), path("old.c"));
        assert_eq!(name(b"\"a/caf\\303\\251.c\""), path("a/café.c"));
        assert_eq!(name(b"\"a/unterminated"), None);
        assert_eq!(name(b"/dev/null"), Some(Name::Nothing));
        let pair_of = |old: &str, new: &str| Some((old.as_bytes().to_vec(), new.as_bytes().to_vec()));
        assert_eq!(pair(b"a/x y b/x y"), pair_of("a/x y", "b/x y"));
        assert_eq!(pair(b"x x"), pair_of("x", "x"));
        assert_eq!(pair(b"a/x b/y"), None);
    }
}
