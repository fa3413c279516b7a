//! Why a patch does not fit: because the tree has it already, because it may give up too little, or because of one hunk.

use miette::NamedSource;

use super::conflict::{Conflict, LooseHunk, Looser, Nearest};
use super::error::PatchError;
use super::layered::Layered;
use super::parse::{FilePatch, Hunk, LineKind, lines};
use super::place::{Direction, Misfit, place};
use super::series::PatchInput;
use super::show::{excerpt, shown};
use super::sides::{self, Row};
use super::step::{Applied, Failed, Step, try_with};
use crate::model::Fit;

/// The most telling account of a patch that failed.
pub(super) fn explained(
    input: &PatchInput<'_>,
    before: &Layered<'_>,
    files: &[FilePatch<'_>],
    failed: Failed,
) -> PatchError {
    let step = Step::new(input, before, input.fit);
    if files.iter().all(|file| step.is_applied(file)) {
        return PatchError::AlreadyApplied { patch: input.name.to_owned() };
    }
    let partly = |failed: Failed| match step.is_applied(&files[failed.file]) {
        true => PatchError::PartlyApplied {
            patch: input.name.to_owned(),
            file: files[failed.file].change.path().to_owned(),
        },
        false => failed.error,
    };
    let may_give_up_more = matches!(failed.error, PatchError::Conflict(_)) && input.fit < Fit::Fuzz2;
    if !may_give_up_more || step.is_applied(&files[failed.file]) {
        return partly(failed);
    }
    match try_with(input, before, files, Fit::Fuzz2) {
        Ok(applied) => PatchError::Looser(Box::new(looser(input, files, applied))),
        // A hunk that fits nowhere says more than one that only moved.
        Err(worse) => partly(worse),
    }
}

/// A patch that fits with more than it may give up.
fn looser(input: &PatchInput<'_>, files: &[FilePatch<'_>], applied: Applied) -> Looser {
    let needs = applied.hunks.iter().map(|hunk| hunk.needs()).max().unwrap_or_default();
    let of_patch = files.iter().flat_map(|file| &file.hunks);
    let hunks: Vec<LooseHunk> = of_patch
        .zip(applied.hunks)
        .filter(|(_, place)| place.needs() > input.fit)
        .map(|(hunk, place)| LooseHunk { header: shown(hunk.header), header_line: hunk.line, place })
        .collect();
    let first = hunks.first().map_or(1, |hunk| hunk.header_line);
    let (text, span) = excerpt(input.bytes, first);
    Looser {
        patch: input.name.to_owned(),
        allowed: input.fit,
        needs,
        hunks,
        text: NamedSource::new(input.name, text),
        span: span.into(),
    }
}

/// The account of a hunk that found no place in a file.
pub(super) fn conflict(
    input: &PatchInput<'_>,
    file: &FilePatch<'_>,
    bytes: &[u8],
    misfit: &Misfit,
) -> PatchError {
    let hunk = &file.hunks[misfit.hunk];
    let content: Vec<_> = lines(bytes).collect();
    let rows = sides::rows(hunk, &content, misfit);
    let difference = first_difference(hunk, &rows, misfit);
    let line = &hunk.lines[difference.line];
    let found = content.get(difference.against).map(|(text, _)| shown(text));
    let (text, span) = excerpt(input.bytes, line.line);
    PatchError::Conflict(Box::new(Conflict {
        patch: input.name.to_owned(),
        file: file.change.path().to_owned(),
        number: misfit.hunk + 1,
        header: shown(hunk.header),
        header_line: hunk.line,
        nearest: nearest(&rows, misfit),
        expected: shown(line.text),
        found,
        found_line: difference.against + 1,
        present: present(hunk, bytes),
        rows,
        text: NamedSource::new(input.name, text),
        span: span.into(),
    }))
}

struct Difference {
    /// Among the hunk's lines.
    line: usize,
    /// The file's line, from 0.
    against: usize,
}

/// The first difference a person sees in the rows: of a line the file has in between, it is the line behind it.
fn first_difference(hunk: &Hunk<'_>, rows: &[Row], misfit: &Misfit) -> Difference {
    let plain = Difference { line: misfit.line, against: misfit.against };
    let Some(differs) = rows.iter().position(|row| row.differs) else { return plain };
    let expected = rows[differs..].iter().find_map(|row| row.expected.as_ref());
    let found = rows[differs..].iter().find_map(|row| row.found.as_ref());
    let (Some(expected), Some(found)) = (expected, found) else { return plain };
    let wanted = hunk.lines.iter().enumerate().filter(|(_, line)| line.kind != LineKind::Insert);
    match wanted.map(|(index, _)| index).nth(expected.line - hunk.old_start) {
        Some(line) => Difference { line, against: found.line - 1 },
        None => plain,
    }
}

/// Where the hunk comes nearest. Seen whole, with lines in between, more of it may fit than in one piece.
fn nearest(rows: &[Row], misfit: &Misfit) -> Option<Nearest> {
    let (at, fitting) = misfit.nearest?;
    let whole = rows.iter().filter(|row| row.expected.is_some()).count() == misfit.wanted;
    let first = rows.iter().find(|row| !row.differs).and_then(|row| row.found.as_ref());
    Some(match first.filter(|_| whole) {
        Some(first) => Nearest {
            line: first.line,
            fitting: rows.iter().filter(|row| !row.differs).count(),
            of: misfit.wanted,
        },
        None => Nearest { line: at + 1, fitting, of: misfit.wanted },
    })
}

/// The line of the file, from 1, that already holds what the hunk makes.
fn present(hunk: &Hunk<'_>, bytes: &[u8]) -> Option<usize> {
    // A few lines of context next to each other are no evidence that what stood between them was taken away.
    const TELLING: usize = 4;
    let inserts = hunk.lines.iter().any(|line| line.kind == LineKind::Insert);
    if !inserts && hunk.lines.iter().filter(|line| line.kind == LineKind::Context).count() < TELLING {
        return None;
    }
    let placed = place(bytes, std::slice::from_ref(hunk), Direction::Reverse, Fit::Offset).ok()?;
    placed.hunks.first().map(|place| place.at + 1)
}
