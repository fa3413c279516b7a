//! Finds where hunks go in a file, and rewrites the file.
//!
//! Lines become numbers first, equal lines equal numbers, so that the search is linear in the size of file and hunk
//! however alike or long their lines are.

use std::collections::HashMap;

use super::exact;
use super::parse::{Hunk, HunkLine, LineEnd, LineKind, lines};
use crate::model::Fit;

/// A file with all its hunks in place.
pub(super) struct Placed {
    pub bytes: Vec<u8>,
    pub hunks: Vec<Place>,
}

/// Where one hunk went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The file's line, from 0.
    pub at: usize,
    pub offset: i64,
    pub fuzz: u8,
    /// How many other places would have done as well; not looked for where all hunks of a file stand exactly.
    pub elsewhere: usize,
    pub ends_adapted: bool,
    skip_front: usize,
    skip_back: usize,
}

/// The first hunk that fits nowhere, and where it comes nearest.
#[derive(Debug)]
pub(super) struct Misfit {
    pub hunk: usize,
    /// The file's line, from 0, and how many lines of the hunk fit there; nothing if none is in the file.
    pub nearest: Option<(usize, usize)>,
    /// Lines the hunk wants to find.
    pub wanted: usize,
    /// The file's line, from 0, that the hunk is held against: the nearest, or else the expected one.
    pub at: usize,
    /// The first line that differs there: its index among the wanted lines and among the hunk's lines, and the file's line,
    /// from 0, it stands against.
    pub differs: usize,
    pub line: usize,
    pub against: usize,
}

/// Which side of a hunk is looked for: the old one to apply it, the new one to see whether it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Reverse,
}

impl Direction {
    pub fn is_wanted(self, kind: LineKind) -> bool {
        match (self, kind) {
            (_, LineKind::Context) => true,
            (Direction::Forward, LineKind::Delete) | (Direction::Reverse, LineKind::Insert) => true,
            (Direction::Forward, LineKind::Insert) | (Direction::Reverse, LineKind::Delete) => false,
        }
    }

    pub fn start(self, hunk: &Hunk<'_>) -> usize {
        match self {
            Direction::Forward => hunk.old_start,
            Direction::Reverse => hunk.new_start,
        }
    }
}

impl Place {
    /// The place of a hunk that stands where its patch says.
    pub fn exactly(at: usize, ends_adapted: bool) -> Self {
        Self { at, offset: 0, fuzz: 0, elsewhere: 0, ends_adapted, skip_front: 0, skip_back: 0 }
    }
}

type Id = u32;

/// Numbers for lines. Whether a line is ended counts, by what does not.
#[derive(Default)]
struct Ids<'a>(HashMap<(&'a [u8], bool), Id>);

impl<'a> Ids<'a> {
    fn of(&mut self, text: &'a [u8], end: LineEnd) -> Id {
        let next = self.0.len() as Id;
        *self.0.entry((text, end != LineEnd::None)).or_insert(next)
    }
}

pub(super) fn place(
    bytes: &[u8],
    hunks: &[Hunk<'_>],
    direction: Direction,
    fit: Fit,
) -> Result<Placed, Misfit> {
    match exact::find(bytes, hunks, direction) {
        Some(exact) => Ok(exact.rewrite(bytes.to_vec())),
        None => search_all(bytes, hunks, direction, fit),
    }
}

/// The same for any hunks, with a search.
pub(super) fn search_all(
    bytes: &[u8],
    hunks: &[Hunk<'_>],
    direction: Direction,
    fit: Fit,
) -> Result<Placed, Misfit> {
    let file: Vec<_> = lines(bytes).collect();
    let mut ids = Ids::default();
    let file_ids: Vec<Id> = file.iter().map(|(text, end)| ids.of(text, *end)).collect();
    let mut places = Vec::with_capacity(hunks.len());
    let (mut earliest, mut drift) = (0, 0);
    for (index, hunk) in hunks.iter().enumerate() {
        let wanted = Wanted::new(hunk, direction, &mut ids);
        let Some(mut found) = wanted.find(&file_ids, earliest, drift, fit) else {
            return Err(wanted.misfit(index, &file_ids, earliest, drift));
        };
        found.ends_adapted = wanted.ends_differ(&file, &found);
        drift = found.offset;
        earliest = found.at + wanted.ids.len() - found.skip_front - found.skip_back;
        places.push(found);
    }
    Ok(Placed { bytes: rewrite(bytes.len(), &file, hunks, direction, &places), hunks: places })
}

/// What a hunk wants to find.
struct Wanted<'h> {
    /// Of the wanted lines, with their index among the hunk's lines.
    lines: Vec<(usize, &'h HunkLine<'h>)>,
    ids: Vec<Id>,
    /// Lines of context at both ends.
    front: usize,
    back: usize,
    start: usize,
    /// The hunk knows where the file ends: it has a line that is not ended.
    knows_end: bool,
}

impl<'h> Wanted<'h> {
    fn new<'a: 'h>(hunk: &'h Hunk<'a>, direction: Direction, ids: &mut Ids<'h>) -> Self {
        let is_context = |line: &&HunkLine<'_>| line.kind == LineKind::Context;
        let lines: Vec<_> =
            hunk.lines.iter().enumerate().filter(|(_, line)| direction.is_wanted(line.kind)).collect();
        Self {
            ids: lines.iter().map(|(_, line)| ids.of(line.text, line.end)).collect(),
            lines,
            front: hunk.lines.iter().take_while(is_context).count(),
            back: hunk.lines.iter().rev().take_while(is_context).count(),
            start: direction.start(hunk),
            knows_end: hunk.lines.iter().any(|line| line.end == LineEnd::None),
        }
    }

    /// The line, from 0, where the hunk should be: an empty range stands behind the line it names.
    fn expected(&self) -> usize {
        if self.ids.is_empty() { self.start } else { self.start.saturating_sub(1) }
    }

    fn find(&self, file: &[Id], earliest: usize, drift: i64, fit: Fit) -> Option<Place> {
        if self.ids.is_empty() {
            // Nothing to recognise the place by: it is where the patch says, or nowhere.
            let at = self.expected();
            let fits = at >= earliest && at <= file.len() && (!self.knows_end || at == file.len());
            return fits.then(|| self.found(at, 0, 0, 0, 0));
        }
        let found = (0..=fit.fuzz()).find_map(|fuzz| self.find_with(file, earliest, drift, fuzz))?;
        // The nearest place is taken, so it is the exact one if that is among them.
        (fit > Fit::Exact || found.offset == 0).then_some(found)
    }

    /// GNU patch's rules: a hunk with less context before than behind stood at the file's start, and the other way round
    /// at its end, and must still do so; fuzz gives up lines of context from the longer side on.
    fn find_with(&self, file: &[Id], earliest: usize, drift: i64, fuzz: u8) -> Option<Place> {
        let context = self.front.max(self.back);
        let fuzz_lines = usize::from(fuzz);
        if fuzz_lines > context {
            return None;
        }
        let (front, back) = (self.front + fuzz_lines, self.back + fuzz_lines);
        let at_start = front < context && self.start <= 1;
        let at_end = back < context || (self.knows_end && fuzz == 0);
        let skip_front = front.saturating_sub(context).min(self.front);
        let skip_back = back.saturating_sub(context).min(self.back);
        let needle = self.ids.get(skip_front..self.ids.len().checked_sub(skip_back)?)?;
        if needle.is_empty() {
            return None;
        }
        let mut candidates = search(file, needle);
        candidates.retain(|at| {
            *at >= earliest && (!at_start || *at == 0) && (!at_end || at + needle.len() == file.len())
        });
        let guess = (self.expected() + skip_front) as i64;
        let distance = |at: &usize| {
            let exact = (*at as i64 - guess).abs();
            (exact.min((*at as i64 - guess - drift).abs()), exact)
        };
        let at = *candidates.iter().min_by_key(|at| distance(at))?;
        Some(self.found(at, skip_front, skip_back, fuzz, candidates.len() - 1))
    }

    fn found(&self, at: usize, skip_front: usize, skip_back: usize, fuzz: u8, elsewhere: usize) -> Place {
        let offset = at as i64 - (self.expected() + skip_front) as i64;
        Place { at, offset, fuzz, elsewhere, ends_adapted: false, skip_front, skip_back }
    }

    fn ends_differ(&self, file: &[(&[u8], LineEnd)], place: &Place) -> bool {
        self.lines[place.skip_front..self.lines.len() - place.skip_back]
            .iter()
            .zip(&file[place.at..])
            .any(|((_, line), (_, end))| line.end != *end)
    }

    fn misfit(&self, hunk: usize, file: &[Id], earliest: usize, drift: i64) -> Misfit {
        let expected = (self.expected() as i64 + drift).clamp(0, file.len() as i64) as usize;
        let nearest = self.nearest(file, earliest, expected);
        let at = nearest.map_or(expected, |(at, _)| at);
        let differs = (0..self.ids.len()).find(|index| file.get(at + index) != Some(&self.ids[*index]));
        // All lines fit, but not at the end of the file where they have to be.
        let differs = differs.unwrap_or(self.ids.len().saturating_sub(1));
        Misfit {
            hunk,
            nearest,
            wanted: self.ids.len(),
            at,
            differs,
            line: self.lines.get(differs).map_or(0, |(index, _)| *index),
            against: at + differs,
        }
    }

    /// Lets every line vote for the place that would put it right.
    fn nearest(&self, file: &[Id], earliest: usize, expected: usize) -> Option<(usize, usize)> {
        /// Lines such as `}` are everywhere and tell nothing.
        const COMMON: usize = 64;
        let mut occurrences: HashMap<Id, Vec<usize>> = HashMap::new();
        for id in &self.ids {
            occurrences.insert(*id, Vec::new());
        }
        for (at, id) in file.iter().enumerate().skip(earliest) {
            if let Some(list) = occurrences.get_mut(id).filter(|list| list.len() <= COMMON) {
                list.push(at);
            }
        }
        let mut votes: HashMap<usize, usize> = HashMap::new();
        for (index, id) in self.ids.iter().enumerate() {
            for at in occurrences[id].iter().take(COMMON).filter_map(|at| at.checked_sub(index)) {
                *votes.entry(at).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(at, count)| (*count, std::cmp::Reverse((at.abs_diff(expected), *at))))
    }
}

/// All places of `needle`, by Knuth, Morris and Pratt. `needle` is not empty.
fn search(file: &[Id], needle: &[Id]) -> Vec<usize> {
    let mut borders = vec![0; needle.len()];
    let mut length = 0;
    for index in 1..needle.len() {
        while length > 0 && needle[index] != needle[length] {
            length = borders[length - 1];
        }
        length += usize::from(needle[index] == needle[length]);
        borders[index] = length;
    }
    let mut found = Vec::new();
    let mut length = 0;
    for (index, id) in file.iter().enumerate() {
        while length > 0 && *id != needle[length] {
            length = borders[length - 1];
        }
        length += usize::from(*id == needle[length]);
        if length == needle.len() {
            found.push(index + 1 - length);
            length = borders[length - 1];
        }
    }
    found
}

fn rewrite(
    size: usize,
    file: &[(&[u8], LineEnd)],
    hunks: &[Hunk<'_>],
    direction: Direction,
    places: &[Place],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(size);
    let mut next = 0;
    let copy = |out: &mut Vec<u8>, lines: &[(&[u8], LineEnd)]| {
        for (text, end) in lines {
            out.extend_from_slice(text);
            out.extend_from_slice(end.bytes());
        }
    };
    for (hunk, place) in hunks.iter().zip(places) {
        copy(&mut out, &file[next..place.at]);
        next = place.at;
        let kept = &hunk.lines[place.skip_front..hunk.lines.len() - place.skip_back];
        for line in kept {
            match (direction.is_wanted(line.kind), line.kind) {
                // As the file has it: only its end may differ.
                (true, LineKind::Context) => {
                    copy(&mut out, &file[next..=next]);
                    next += 1;
                }
                (true, LineKind::Delete | LineKind::Insert) => next += 1,
                (false, _) => {
                    let end = match line.end {
                        LineEnd::None => LineEnd::None,
                        end if place.ends_adapted => end_near(file, place.at).unwrap_or(end),
                        end => end,
                    };
                    out.extend_from_slice(line.text);
                    out.extend_from_slice(end.bytes());
                }
            }
        }
    }
    copy(&mut out, &file[next..]);
    out
}

fn end_near(file: &[(&[u8], LineEnd)], at: usize) -> Option<LineEnd> {
    file.get(at).map(|(_, end)| *end).filter(|end| *end != LineEnd::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_even_where_places_overlap() {
        assert_eq!(search(&[1, 1, 1, 2, 1, 1], &[1, 1]), [0, 1, 4]);
        assert_eq!(search(&[1, 2, 1, 2, 1], &[1, 2, 1]), [0, 2]);
        assert_eq!(search(&[1], &[1, 1]), Vec::<usize>::new());
    }
}
