//! Hunks that stand exactly where their patch says, which most do: nothing is numbered and nothing searched, and what lies
//! between them is copied as it is.

use std::ops::Range;

use memchr::memchr;

use super::parse::{Hunk, HunkLine, LineEnd, LineKind, split_end};
use super::place::{Direction, Place, Placed};

/// Hunks that stand exactly where they should.
pub(super) struct Exact {
    /// In the order of the file; none overlaps another.
    edits: Vec<Edit>,
    places: Vec<Place>,
}

/// What a hunk puts in the place of a range of bytes.
struct Edit {
    range: Range<usize>,
    with: Vec<u8>,
}

/// Finds every hunk exactly where it should stand, or nothing.
pub(super) fn find(bytes: &[u8], hunks: &[Hunk<'_>], direction: Direction) -> Option<Exact> {
    let mut file = Cursor { bytes, line: 0, at: 0 };
    let mut edits = Vec::with_capacity(hunks.len());
    let mut places = Vec::with_capacity(hunks.len());
    for hunk in hunks {
        let wanted = || hunk.lines.iter().filter(|line| direction.is_wanted(line.kind));
        let is_empty = wanted().next().is_none();
        let start = direction.start(hunk);
        // An empty range stands behind the line it names.
        file.go_to(if is_empty { start } else { start.saturating_sub(1) })?;
        let (first, line) = (file.at, file.line);
        let near = file.peek().map(|(_, end)| end).filter(|end| *end != LineEnd::None);
        let mut ends_adapted = false;
        for line in wanted() {
            let (text, end) = file.next()?;
            if text != line.text || (end == LineEnd::None) != (line.end == LineEnd::None) {
                return None;
            }
            ends_adapted |= end != line.end;
        }
        let last = file.at;
        if stands_at_end(hunk) && last != bytes.len() {
            return None;
        }
        let mut with = Vec::new();
        let mut own = Cursor { bytes, line, at: first };
        for line in &hunk.lines {
            let from = own.at;
            if direction.is_wanted(line.kind) {
                own.next()?;
                if line.kind == LineKind::Context {
                    with.extend_from_slice(&bytes[from..own.at]);
                }
                continue;
            }
            let end = match line.end {
                LineEnd::None => LineEnd::None,
                end if ends_adapted => near.unwrap_or(end),
                end => end,
            };
            with.extend_from_slice(line.text);
            with.extend_from_slice(end.bytes());
        }
        edits.push(Edit { range: first..last, with });
        places.push(Place::exactly(line, ends_adapted));
    }
    Some(Exact { edits, places })
}

impl Exact {
    /// Rewrites the file, where it lies if that moves little.
    pub fn rewrite(self, bytes: Vec<u8>) -> Placed {
        /// Each moves all that is behind it.
        const MOVES: usize = 4;
        let bytes = match self.edits.len() <= MOVES {
            true => self.rewrite_in_place(bytes),
            false => self.rewrite_anew(&bytes),
        };
        Placed { bytes, hunks: self.places }
    }

    fn rewrite_in_place(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for edit in self.edits.iter().rev() {
            bytes.splice(edit.range.clone(), edit.with.iter().copied());
        }
        bytes
    }

    fn rewrite_anew(&self, bytes: &[u8]) -> Vec<u8> {
        let grown = self.edits.iter().map(|edit| edit.with.len()).sum::<usize>();
        let mut out = Vec::with_capacity(bytes.len() + grown);
        let mut copied = 0;
        for edit in &self.edits {
            out.extend_from_slice(&bytes[copied..edit.range.start]);
            out.extend_from_slice(&edit.with);
            copied = edit.range.end;
        }
        out.extend_from_slice(&bytes[copied..]);
        out
    }
}

/// A hunk with less context behind than in front, or that knows a line without an end, stood at the end of the file. That one
/// with less in front stands at the beginning follows from its number.
fn stands_at_end(hunk: &Hunk<'_>) -> bool {
    let is_context = |line: &&HunkLine<'_>| line.kind == LineKind::Context;
    let front = hunk.lines.iter().take_while(is_context).count();
    let back = hunk.lines.iter().rev().take_while(is_context).count();
    back < front || hunk.lines.iter().any(|line| line.end == LineEnd::None)
}

/// A place at the beginning of a line.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    bytes: &'a [u8],
    /// From 0.
    line: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Goes to a line further down, or to the end; not back.
    fn go_to(&mut self, line: usize) -> Option<()> {
        if line < self.line {
            return None;
        }
        while self.line < line {
            self.next()?;
        }
        Some(())
    }

    fn peek(&self) -> Option<(&'a [u8], LineEnd)> {
        Cursor { ..*self }.next()
    }

    fn next(&mut self) -> Option<(&'a [u8], LineEnd)> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let length = memchr(b'\n', rest).map_or(rest.len(), |newline| newline + 1);
        self.at += length;
        self.line += 1;
        Some(split_end(&rest[..length]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::place::search_all;
    use super::*;
    use crate::model::Fit;

    const TEXTS: [&str; 3] = ["a", "b", ""];

    /// Three numbers for each line of a hunk: context, deleted or inserted; which text; and how it ends.
    fn hunk(start: usize, lines: &[(u8, u8, bool)]) -> Hunk<'static> {
        let line = |(kind, text, ended): &(u8, u8, bool)| HunkLine {
            kind: [LineKind::Context, LineKind::Delete, LineKind::Insert][usize::from(*kind)],
            text: TEXTS[usize::from(*text)].as_bytes(),
            end: if *ended { LineEnd::Lf } else { LineEnd::None },
            line: 0,
        };
        let lines = lines.iter().map(line).collect();
        Hunk { header: b"", line: 0, old_start: start, new_start: start, lines }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]
        /// On files and hunks of few different lines, which often fit somewhere.
        #[test]
        fn what_is_exact_is_what_a_search_finds(
            file in proptest::collection::vec(0usize..3, 0..9),
            is_ended in any::<bool>(),
            one in (0usize..6, proptest::collection::vec((0u8..3, 0u8..3, proptest::bool::weighted(0.95)), 1..6)),
            two in (0usize..10, proptest::collection::vec((0u8..3, 0u8..3, proptest::bool::weighted(0.95)), 1..6)),
        ) {
            let mut bytes = file.iter().map(|text| format!("{}\n", TEXTS[*text])).collect::<String>().into_bytes();
            if !is_ended {
                bytes.pop();
            }
            let hunks = [hunk(one.0, &one.1), hunk(two.0, &two.1)];
            for hunks in [&hunks[..1], &hunks[..]] {
                for direction in [Direction::Forward, Direction::Reverse] {
                    let exact = find(&bytes, hunks, direction);
                    let searched = search_all(&bytes, hunks, direction, Fit::Exact).ok();
                    prop_assert_eq!(exact.is_some(), searched.is_some());
                    if let (Some(exact), Some(searched)) = (exact, searched) {
                        prop_assert_eq!(&exact.rewrite_in_place(bytes.clone()), &searched.bytes);
                        prop_assert_eq!(&exact.rewrite_anew(&bytes), &searched.bytes);
                        let mut searched = searched.hunks;
                        searched.iter_mut().for_each(|place| place.elsewhere = 0);
                        prop_assert_eq!(exact.places, searched);
                    }
                }
            }
        }
    }
}
