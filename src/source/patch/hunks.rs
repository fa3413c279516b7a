//! Reads one hunk, taking exactly the lines its header announces.

use super::error::PatchError;
use super::parse::{Hunk, HunkLine, LineEnd, LineKind, PatchLine};

/// Reads the hunk whose header is `lines[at]`; returns it with the index of the line behind it.
pub(super) fn read<'a>(
    patch: &str,
    lines: &[PatchLine<'a>],
    at: usize,
) -> Result<(Hunk<'a>, usize), PatchError> {
    let malformed =
        |index: usize, reason| PatchError::Malformed { patch: patch.to_owned(), line: index + 1, reason };
    let header = lines[at].text;
    let Some(ranges) = ranges(header) else {
        return Err(malformed(at, "a hunk's header is `@@ -line,count +line,count @@`"));
    };
    let (mut old, mut new) = (ranges.old_count, ranges.new_count);
    let mut body: Vec<HunkLine<'a>> = Vec::new();
    let mut next = at + 1;
    while old > 0 || new > 0 {
        let Some(PatchLine { text: line, end, .. }) = lines.get(next).copied() else {
            return Err(PatchError::Truncated { patch: patch.to_owned(), line: at + 1 });
        };
        let (kind, text) = match line {
            [b' ', text @ ..] => (LineKind::Context, text),
            [b'-', text @ ..] => (LineKind::Delete, text),
            [b'+', text @ ..] => (LineKind::Insert, text),
            // Mailers and editors strip the space of an empty line of context.
            [] => (LineKind::Context, line),
            [b'\\', ..] => {
                mark_unended(&mut body, lines, end).ok_or_else(|| malformed(next, "no line before it"))?;
                next += 1;
                continue;
            }
            _ => return Err(malformed(next, "the hunk has fewer lines than its header says")),
        };
        let takes_old = kind != LineKind::Insert;
        let takes_new = kind != LineKind::Delete;
        if (takes_old && old == 0) || (takes_new && new == 0) {
            return Err(malformed(next, "the hunk has other lines than its header says"));
        }
        old -= usize::from(takes_old);
        new -= usize::from(takes_new);
        // A patch whose own last line is unended does not mean the file's line.
        let end = if end == LineEnd::None { LineEnd::Lf } else { end };
        body.push(HunkLine { kind, text, end, line: next + 1 });
        next += 1;
    }
    if let Some(marker) = lines.get(next).filter(|line| line.text.starts_with(b"\\")) {
        mark_unended(&mut body, lines, marker.end).ok_or_else(|| malformed(next, "no line before it"))?;
        next += 1;
    }
    if body.iter().all(|line| line.kind == LineKind::Context) {
        return Err(malformed(at, "the hunk changes nothing"));
    }
    let hunk =
        Hunk { header, line: at + 1, old_start: ranges.old_start, new_start: ranges.new_start, lines: body };
    Ok((hunk, next))
}

/// `\ No newline at end of file`, in whatever language.
fn mark_unended<'a>(body: &mut [HunkLine<'a>], lines: &[PatchLine<'a>], marker: LineEnd) -> Option<()> {
    let last = body.last_mut()?;
    if last.end == LineEnd::CrLf && marker != LineEnd::CrLf {
        // The patch's own lines end in LF alone, so this return is the file's, and its last byte.
        let raw = lines[last.line - 1].raw;
        last.text = raw.get(1..raw.len() - 1)?;
    }
    last.end = LineEnd::None;
    Some(())
}

struct Ranges {
    old_start: usize,
    old_count: usize,
    new_start: usize,
    new_count: usize,
}

fn ranges(header: &[u8]) -> Option<Ranges> {
    let rest = header.strip_prefix(b"@@ -")?;
    let end = rest.windows(3).position(|window| window == b" @@")?;
    let (old, new) = std::str::from_utf8(&rest[..end]).ok()?.split_once(" +")?;
    let (old_start, old_count) = range(old)?;
    let (new_start, new_count) = range(new)?;
    (old_count + new_count > 0).then_some(Ranges { old_start, old_count, new_start, new_count })
}

/// `12,7` or `12`. Numbers beyond 32 bits are no line numbers, and sums of these cannot overflow.
fn range(text: &str) -> Option<(usize, usize)> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten().map(|number| number as usize)
    };
    match text.split_once(',') {
        Some((start, count)) => Some((number(start)?, number(count)?)),
        None => Some((number(text)?, 1)),
    }
}
