//! Reads a patch: which files it changes and how. Knows nothing of the files themselves.
//!
//! Prose around the diffs (a mail's head, its `-- ` trailer) is passed over; everything between a file's header and the end
//! of its last hunk is accounted for, line by line.

use std::ops::Range;

use super::super::confine;
use super::error::PatchError;
use super::hunks;
use super::names::{self, Name};
use super::show::{is_harmful, shown};

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePatch<'a> {
    pub change: Change,
    /// Where its part of the patch begins, from 1.
    pub line: usize,
    /// Whether the file is executable afterwards, if the patch says so.
    pub executable: Option<bool>,
    pub hunks: Vec<Hunk<'a>>,
}

/// Paths below the source folder, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Modify { path: String },
    Create { path: String },
    Delete { path: String },
    Rename { from: String, to: String },
    Copy { from: String, to: String },
}

impl Change {
    /// The file as it is called afterwards, or was called before it was deleted.
    pub fn path(&self) -> &str {
        match self {
            Change::Modify { path } | Change::Create { path } | Change::Delete { path } => path,
            Change::Rename { to, .. } | Change::Copy { to, .. } => to,
        }
    }

    /// Every file that is another one afterwards, or gone.
    pub(super) fn changes(&self) -> Vec<&str> {
        match self {
            Change::Modify { path } | Change::Create { path } | Change::Delete { path } => vec![path],
            Change::Rename { from, to } => vec![from, to],
            Change::Copy { to, .. } => vec![to],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// The `@@` line, and where it stands in the patch, from 1.
    pub header: &'a [u8],
    pub line: usize,
    /// As the header says: first line from 1, or the line before an empty range.
    pub old_start: usize,
    pub new_start: usize,
    pub lines: Vec<HunkLine<'a>>,
}

impl Hunk<'_> {
    /// The lines of the old file it replaces, from 0, as its header says.
    fn old_range(&self) -> Range<usize> {
        let count = self.lines.iter().filter(|line| line.kind != LineKind::Insert).count();
        // An empty range stands behind the line it names.
        let start = if count == 0 { self.old_start } else { self.old_start.saturating_sub(1) };
        start..start + count
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HunkLine<'a> {
    pub kind: LineKind,
    pub text: &'a [u8],
    pub end: LineEnd,
    /// Where it stands in the patch, from 1.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Context,
    Delete,
    Insert,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEnd {
    /// The last line of a file that does not end its lines.
    None,
    Lf,
    CrLf,
}

impl LineEnd {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            LineEnd::None => b"",
            LineEnd::Lf => b"\n",
            LineEnd::CrLf => b"\r\n",
        }
    }
}

/// The most bytes a patch may have.
const LARGEST: usize = 64 << 20;

/// Splits into lines and what ends them.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (&[u8], LineEnd)> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(split_end)
}

pub(super) fn split_end(line: &[u8]) -> (&[u8], LineEnd) {
    match line {
        [text @ .., b'\r', b'\n'] => (text, LineEnd::CrLf),
        [text @ .., b'\n'] => (text, LineEnd::Lf),
        text => (text, LineEnd::None),
    }
}

/// A line of the patch: with its end, without it, and its end.
#[derive(Clone, Copy)]
pub(super) struct PatchLine<'a> {
    pub raw: &'a [u8],
    pub text: &'a [u8],
    pub end: LineEnd,
}

/// Reads the patch called `name`.
pub fn parse<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<FilePatch<'a>>, PatchError> {
    if bytes.len() > LARGEST {
        return Err(PatchError::TooLarge { patch: name.to_owned(), limit: LARGEST });
    }
    let lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(|raw| {
            let (text, end) = split_end(raw);
            PatchLine { raw, text, end }
        })
        .collect();
    let mut parser = Parser { patch: name, lines, next: 0, draft: None, files: Vec::new() };
    parser.run()?;
    match parser.files.is_empty() {
        true => Err(PatchError::Empty { patch: name.to_owned() }),
        false => Ok(parser.files),
    }
}

/// A file's part of the patch, as far as it was read.
#[derive(Default)]
struct Draft<'a> {
    line: usize,
    git: Option<&'a [u8]>,
    names: Option<(Name, Name)>,
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
    is_copy: bool,
    created: bool,
    deleted: bool,
    old_mode: Option<u32>,
    new_mode: Option<u32>,
    hunks: Vec<Hunk<'a>>,
    stage: Stage,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Right behind `diff --git`.
    #[default]
    Header,
    Hunks,
    /// Prose came since the last hunk.
    Over,
}

struct Parser<'p, 'a> {
    patch: &'p str,
    lines: Vec<PatchLine<'a>>,
    next: usize,
    draft: Option<Draft<'a>>,
    files: Vec<FilePatch<'a>>,
}

impl<'a> Parser<'_, 'a> {
    fn run(&mut self) -> Result<(), PatchError> {
        while let Some(line) = self.lines.get(self.next).map(|line| line.text) {
            if let Some(names) = line.strip_prefix(b"diff --git ") {
                self.finish()?;
                self.draft = Some(Draft { line: self.next + 1, git: Some(names), ..Draft::default() });
                self.next += 1;
            } else if self.is_names() {
                self.names()?;
            } else if line.starts_with(b"@@ -") {
                self.hunk()?;
            } else {
                self.other(line)?;
                self.next += 1;
            }
        }
        self.finish()
    }

    /// Three lines make a header; one alone may be prose.
    fn is_names(&self) -> bool {
        let starts = |ahead: usize, with: &[u8]| {
            self.lines.get(self.next + ahead).is_some_and(|line| line.text.starts_with(with))
        };
        starts(0, b"--- ") && starts(1, b"+++ ") && starts(2, b"@@ -")
    }

    fn names(&mut self) -> Result<(), PatchError> {
        let line = self.next + 1;
        let (old, new) = (&self.lines[self.next].text[4..], &self.lines[self.next + 1].text[4..]);
        let (Some(old), Some(new)) = (names::name(old), names::name(new)) else {
            return Err(self.malformed(line, "a quoted file name is broken"));
        };
        let waiting =
            self.draft.as_ref().is_some_and(|draft| draft.stage == Stage::Header && draft.names.is_none());
        if !waiting {
            self.finish()?;
            self.draft = Some(Draft { line, ..Draft::default() });
        }
        let draft = self.draft.as_mut().expect("a draft was just made");
        draft.names = Some(names::without_prefixes(old, new));
        draft.stage = Stage::Hunks;
        self.next += 2;
        Ok(())
    }

    fn hunk(&mut self) -> Result<(), PatchError> {
        let line = self.next + 1;
        let usable = self.draft.as_ref().is_some_and(|draft| draft.stage == Stage::Hunks);
        if !usable {
            return Err(self.malformed(line, "a hunk without the names of its file"));
        }
        let (hunk, next) = hunks::read(self.patch, &self.lines, self.next)?;
        let draft = self.draft.as_mut().expect("a hunk has a draft");
        if draft.hunks.last().is_some_and(|earlier| earlier.old_range().end > hunk.old_range().start) {
            return Err(self.malformed(line, "hunks overlap or are out of order"));
        }
        draft.hunks.push(hunk);
        self.next = next;
        Ok(())
    }

    fn other(&mut self, line: &'a [u8]) -> Result<(), PatchError> {
        let number = self.next + 1;
        let is_binary =
            line == b"GIT binary patch" || (line.starts_with(b"Binary files ") && line.ends_with(b" differ"));
        let Some(draft) = &mut self.draft else {
            return Ok(());
        };
        match draft.stage {
            Stage::Header if is_binary => {
                let both = draft.git.unwrap_or_default();
                let file = names::pair(both).map_or(both.to_vec(), |(_, new)| new);
                Err(PatchError::Binary {
                    patch: self.patch.to_owned(),
                    file: shown(file.strip_prefix(b"b/").unwrap_or(&file)),
                })
            }
            Stage::Header => {
                let known = extended_header(draft, line);
                if !known {
                    draft.stage = Stage::Over;
                }
                Ok(())
            }
            // The `-- ` above a mailer's signature looks like a deleted line.
            Stage::Hunks if matches!(line, [b' ' | b'+' | b'-', ..]) && line.trim_ascii_end() != b"--" => {
                Err(self.malformed(number, "the hunk before it has more lines than its header says"))
            }
            Stage::Hunks => {
                draft.stage = Stage::Over;
                Ok(())
            }
            Stage::Over => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), PatchError> {
        let Some(draft) = self.draft.take() else { return Ok(()) };
        let line = draft.line;
        for mode in [draft.old_mode, draft.new_mode].into_iter().flatten() {
            let what = match mode & 0o170000 {
                0o120000 => "symlink",
                0o160000 => "submodule",
                _ => continue,
            };
            let path = shown(draft.git.unwrap_or_default());
            return Err(PatchError::Special { patch: self.patch.to_owned(), path, what });
        }
        let change = self.change(&draft)?;
        let executable = match (draft.old_mode, draft.new_mode) {
            (_, Some(mode)) => Some(mode & 0o100 != 0),
            (_, None) => None,
        };
        let does_something = match change {
            Change::Modify { .. } => !draft.hunks.is_empty() || executable.is_some(),
            Change::Create { .. } | Change::Delete { .. } | Change::Rename { .. } | Change::Copy { .. } => {
                true
            }
        };
        if !does_something {
            return Err(self.malformed(line, "a file's header without a change behind it"));
        }
        self.files.push(FilePatch { change, line, executable, hunks: draft.hunks });
        Ok(())
    }

    fn change(&self, draft: &Draft<'_>) -> Result<Change, PatchError> {
        if let (Some(from), Some(to)) = (&draft.from, &draft.to) {
            let (from, to) = (self.path(from)?, self.path(to)?);
            return Ok(if draft.is_copy { Change::Copy { from, to } } else { Change::Rename { from, to } });
        }
        let names = match (&draft.names, draft.git) {
            (Some(names), _) => Some(names.clone()),
            (None, Some(git)) => {
                names::pair(git).map(|(old, new)| names::without_prefixes(Name::Path(old), Name::Path(new)))
            }
            (None, None) => None,
        };
        match names {
            Some((Name::Nothing, Name::Path(path))) => Ok(Change::Create { path: self.path(&path)? }),
            Some((Name::Path(path), Name::Nothing)) => Ok(Change::Delete { path: self.path(&path)? }),
            Some((Name::Path(_), Name::Path(path))) if draft.created => {
                Ok(Change::Create { path: self.path(&path)? })
            }
            Some((Name::Path(path), Name::Path(_))) if draft.deleted => {
                Ok(Change::Delete { path: self.path(&path)? })
            }
            // Of `x.orig` and `x` the second is the file that is meant.
            Some((Name::Path(_), Name::Path(path))) => Ok(Change::Modify { path: self.path(&path)? }),
            Some((Name::Nothing, Name::Nothing)) | None => {
                Err(self.malformed(draft.line, "the names of the file cannot be told apart"))
            }
        }
    }

    fn path(&self, bytes: &[u8]) -> Result<String, PatchError> {
        let outside = |why| PatchError::Outside { patch: self.patch.to_owned(), path: shown(bytes), why };
        let path = std::str::from_utf8(bytes).map_err(|_| outside(confine::Escape::NotUtf8))?;
        confine::check_outside_git(path).map_err(outside)?;
        // It will be shown in errors and tables.
        if path.chars().any(is_harmful) {
            return Err(outside(confine::Escape::Control));
        }
        Ok(path.to_owned())
    }

    fn malformed(&self, line: usize, reason: &'static str) -> PatchError {
        PatchError::Malformed { patch: self.patch.to_owned(), line, reason }
    }
}

/// Takes one of git's lines between `diff --git` and `---`; says whether it is one.
fn extended_header<'a>(draft: &mut Draft<'a>, line: &'a [u8]) -> bool {
    let mode = |text: &[u8]| {
        std::str::from_utf8(text).ok().and_then(|text| u32::from_str_radix(text.trim(), 8).ok())
    };
    if let Some(text) = line.strip_prefix(b"old mode ") {
        draft.old_mode = mode(text);
    } else if let Some(text) = line.strip_prefix(b"new mode ") {
        draft.new_mode = mode(text);
    } else if let Some(text) = line.strip_prefix(b"new file mode ") {
        draft.created = true;
        draft.new_mode = mode(text);
    } else if let Some(text) = line.strip_prefix(b"deleted file mode ") {
        draft.deleted = true;
        draft.old_mode = mode(text);
    } else if let Some(text) = line.strip_prefix(b"rename from ") {
        draft.from = names::bare(text);
    } else if let Some(text) = line.strip_prefix(b"rename to ") {
        draft.to = names::bare(text);
    } else if let Some(text) = line.strip_prefix(b"copy from ") {
        draft.is_copy = true;
        draft.from = names::bare(text);
    } else if let Some(text) = line.strip_prefix(b"copy to ") {
        draft.to = names::bare(text);
    } else if let Some(text) = line.strip_prefix(b"index ") {
        // `index 12ab..34cd 120000`: the mode when it stays the same.
        let mode = text.iter().rposition(|byte| *byte == b' ').and_then(|space| mode(&text[space + 1..]));
        draft.old_mode = draft.old_mode.or(mode);
    } else {
        return line.starts_with(b"similarity index ") || line.starts_with(b"dissimilarity index ");
    }
    true
}
