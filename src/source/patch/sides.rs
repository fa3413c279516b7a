//! What a hunk expects and what the file holds, side by side: as rows, and as a table for a terminal of 80 columns.

use std::collections::HashMap;

use serde::Serialize;

use super::parse::{Hunk, LineEnd, LineKind};
use super::place::Misfit;
use super::show::shown;

/// A line that the patch expects, a line of the file, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    pub expected: Option<Numbered>,
    pub found: Option<Numbered>,
    pub differs: bool,
}

/// A line fit to be shown, with its number in the file: as the patch counts, or as it really is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Numbered {
    pub line: usize,
    pub text: String,
    /// Nothing ends it: it is the last of a file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unended: bool,
}

/// Lines of the hunk that are compared at most.
const LINES: usize = 40;
/// Lines of the file that are looked at beyond both ends of the hunk.
const SLACK: usize = 6;

/// Pairs the hunk's lines with those of the file where it comes nearest, around the first that differs.
pub(super) fn rows(hunk: &Hunk<'_>, file: &[(&[u8], LineEnd)], misfit: &Misfit) -> Vec<Row> {
    let wanted: Vec<(&[u8], LineEnd)> = hunk
        .lines
        .iter()
        .filter(|line| line.kind != LineKind::Insert)
        .map(|line| (line.text, line.end))
        .collect();
    let from = misfit.differs.saturating_sub(LINES / 4);
    let to = wanted.len().min(from + LINES);
    let at = (misfit.at + from).min(file.len());
    let window = at.saturating_sub(SLACK)..file.len().min(misfit.at + to + SLACK);
    let number = |first: usize, index: usize, (text, end): (&[u8], LineEnd)| Numbered {
        line: first + index,
        text: shown(text),
        unended: end == LineEnd::None,
    };
    let row = |expected: Option<usize>, found: Option<usize>| {
        let differs = match (expected, found) {
            (Some(expected), Some(found)) => !equal(wanted[expected], file[found]),
            (Some(_), None) | (None, Some(_)) | (None, None) => true,
        };
        Row {
            expected: expected.map(|index| number(hunk.old_start, index, wanted[index])),
            found: found.map(|index| number(1, index, file[index])),
            differs,
        }
    };
    let pairs = match alike(&wanted[from..to], &file[window.clone()]) {
        // Nothing in common: each line against what stands in its place.
        common if common.is_empty() => (from..to)
            .map(|index| (Some(index), Some(misfit.at + index).filter(|at| *at < file.len())))
            .collect(),
        common => {
            let common: Vec<_> = common.iter().map(|(a, b)| (a + from, b + window.start)).collect();
            aligned(from..to, window, &common)
        }
    };
    pairs.into_iter().map(|(expected, found)| row(expected, found)).collect()
}

/// Line ends do not count, but whether there is one does.
fn equal(a: (&[u8], LineEnd), b: (&[u8], LineEnd)) -> bool {
    a.0 == b.0 && (a.1 == LineEnd::None) == (b.1 == LineEnd::None)
}

/// The longest common sequence of both, as pairs of indices.
fn alike(a: &[(&[u8], LineEnd)], b: &[(&[u8], LineEnd)]) -> Vec<(usize, usize)> {
    // Numbers for lines: each is read once, however long it is.
    let mut ids = HashMap::new();
    let mut id = |line: &(&[u8], LineEnd)| {
        let next = ids.len();
        let key = (line.0.to_vec(), line.1 == LineEnd::None);
        *ids.entry(key).or_insert(next)
    };
    let a: Vec<usize> = a.iter().map(&mut id).collect();
    let b: Vec<usize> = b.iter().map(&mut id).collect();
    let mut longest = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = match a[i] == b[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

type Pair = (Option<usize>, Option<usize>);

/// All expected lines, and the file's lines among them, in order; the file's lines beyond both ends are left out.
fn aligned(
    expected: std::ops::Range<usize>,
    found: std::ops::Range<usize>,
    common: &[(usize, usize)],
) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    let (mut i, mut j) = (expected.start, found.start);
    for (index, (a, b)) in common.iter().enumerate() {
        if index == 0 {
            // Above the first common line the file has as many lines as the hunk, counted from there upwards.
            let missing = (a - i).saturating_sub(b - j);
            j = j.max(b.saturating_sub(a - i));
            pairs.extend((i..i + missing).map(|i| (Some(i), None)));
            i += missing;
        }
        let both = (a - i).min(b - j);
        pairs.extend((0..both).map(|step| (Some(i + step), Some(j + step))));
        pairs.extend((i + both..*a).map(|i| (Some(i), None)));
        pairs.extend((j + both..*b).map(|j| (None, Some(j))));
        pairs.push((Some(*a), Some(*b)));
        (i, j) = (a + 1, b + 1);
    }
    pairs.extend((i..expected.end).map(|index| {
        let beside = j + (index - i);
        (Some(index), Some(beside).filter(|beside| *beside < found.end))
    }));
    pairs
}

/// Columns of the table: what remains of 80 behind `  help: `.
const WIDTH: usize = 72;
/// Rows shown at most, and before the first that differs.
const ROWS: usize = 20;
const BEFORE: usize = 5;

/// The rows as text, `left` and `right` above the columns. Differing lines have `≠` between them.
pub(super) fn table(rows: &[Row], left: &str, right: &str) -> String {
    let first = rows.iter().position(|row| row.differs).unwrap_or(0).saturating_sub(BEFORE);
    let last = rows.len().min(first + ROWS);
    let cut = &rows[first..last];
    let sides =
        |row: &Row| [row.expected.clone(), row.found.clone()].into_iter().flatten().collect::<Vec<_>>();
    let every: Vec<Numbered> = cut.iter().flat_map(sides).collect();
    let digits = every.iter().map(|line| line.line.to_string().len()).max().unwrap_or(1).max(2);
    let cell = (WIDTH - 2 * (digits + 1) - 3) / 2;
    let column = digits + 1 + cell;
    let indent = every
        .iter()
        .filter(|line| !line.text.trim().is_empty())
        .map(|line| indentation(&line.text))
        .min()
        .unwrap_or(0);

    let mut text = format!("{}   {}\n", padded(&tail(left, column), column), tail(right, column));
    if first > 0 {
        text.push_str("…\n");
    }
    for row in cut {
        let (expected, found) = texts(row, indent, cell);
        let half = |line: &Option<Numbered>, text: String| match line {
            Some(line) => format!("{:>digits$} {text}", line.line),
            None => String::new(),
        };
        let mark = if row.differs { '≠' } else { '│' };
        let left = padded(&half(&row.expected, expected), column);
        text.push_str(format!("{left} {mark} {}", half(&row.found, found)).trim_end());
        text.push('\n');
    }
    if last < rows.len() {
        text.push_str("…\n");
    }
    text
}

/// Both texts of a row, cut to the cell so that the first difference is seen.
fn texts(row: &Row, indent: usize, cell: usize) -> (String, String) {
    let text = |line: &Option<Numbered>| line.as_ref().map_or("", |line| line.text.as_str()).to_owned();
    let (a, b) = (text(&row.expected), text(&row.found));
    let blanks_differ = row.differs && a != b && a.split_whitespace().eq(b.split_whitespace());
    let prepared = |text: &str| -> Vec<char> {
        match blanks_differ {
            // Else both would look the same.
            true => text.replace(' ', "·").replace('\t', "→").chars().collect(),
            false => expanded(text).skip(indent).collect(),
        }
    };
    let unended = |line: &Option<Numbered>| line.as_ref().is_some_and(|line| line.unended);
    let ends_differ = unended(&row.expected) != unended(&row.found);
    let (mut a, mut b) = (prepared(&a), prepared(&b));
    for (chars, line) in [(&mut a, &row.expected), (&mut b, &row.found)] {
        if ends_differ && unended(line) {
            chars.extend(" (no newline)".chars());
        }
    }
    let both = row.expected.is_some() && row.found.is_some();
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let from = match row.differs && both && same + 4 > cell && a.len().max(b.len()) > cell {
        true => same - cell / 3,
        false => 0,
    };
    (window(&a, from, cell), window(&b, from, cell))
}

fn window(text: &[char], from: usize, cell: usize) -> String {
    let mut cut: Vec<char> = text.iter().skip(from).take(cell).copied().collect();
    if from > 0 && !cut.is_empty() {
        cut[0] = '…';
    }
    if text.len() > from + cell {
        cut[cell - 1] = '…';
    }
    cut.into_iter().collect()
}

fn expanded(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .flat_map(|c| std::iter::repeat_n(if c == '\t' { ' ' } else { c }, if c == '\t' { 4 } else { 1 }))
}

fn indentation(text: &str) -> usize {
    expanded(text).take_while(|c| *c == ' ').count()
}

fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// The end of a name: there it says most.
fn tail(name: &str, width: usize) -> String {
    let count = name.chars().count();
    match count > width {
        true => std::iter::once('…').chain(name.chars().skip(count + 1 - width)).collect(),
        false => name.to_owned(),
    }
}
