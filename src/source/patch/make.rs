//! Makes patches: what leads from one tree to another, as one clean patch in git's form.
//!
//! Nothing of the machine gets in: no date, no user, no object ids. The same trees give the same bytes. What is made was
//! applied to the first tree before it is handed out, and gave the second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::PathBuf;

use git2::DiffOptions;
use miette::Diagnostic;
use thiserror::Error;

use super::super::confine::{self, Escape};
use super::base::{Base, Found};
use super::error::PatchError;
use super::layered::{Content, Layered};
use super::parse::parse;
use super::series::PatchInput;
use super::show::is_harmful;
use super::stat::{self, FileStat};
use crate::model::{Fit, Node, Tree};

#[derive(Debug, Error, Diagnostic)]
pub enum MakeError {
    #[error("nothing was changed")]
    #[diagnostic(code(patch::unchanged), help("a patch needs a difference: edit the files, then run again"))]
    Unchanged,

    #[error("`{path}` was changed and is binary: it has NUL bytes in it")]
    #[diagnostic(
        code(patch::make_binary),
        help("undo the change; patches hold text, binary files belong into the source")
    )]
    Binary { path: String },

    #[error("`{path}` was changed and is a {what}")]
    #[diagnostic(code(patch::make_special), help("undo the change; patches change regular files only"))]
    Special { path: String, what: &'static str },

    #[error("`{path}` may not be in a patch: {why}")]
    #[diagnostic(code(patch::make_outside), help("rename it, or move it out of the folder"))]
    Outside { path: String, why: Escape },

    #[error("`{path}` is a file on one side and a folder on the other")]
    #[diagnostic(code(patch::make_folder), help("give one of them another name"))]
    FileAndFolder { path: String },

    #[error("no patch can say what happened to `{path}`")]
    #[diagnostic(
        code(patch::make_unfaithful),
        help("look at its line ends and its last line: the patch made of it gives another file")
    )]
    Unfaithful { path: String },

    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(patch::make_io))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// A tree: what is in it, and the content of its files.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub tree: &'a Tree,
    pub base: &'a dyn Base,
}

impl fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Side").field(self.tree).finish()
    }
}

/// Makes the patch that leads from `before` to `after`, below `header`: prose, or nothing. A list of changed files in the
/// header is brought up to date.
pub fn make(before: Side<'_>, after: Side<'_>, header: &[u8]) -> Result<Vec<u8>, MakeError> {
    let changes = changes(before, after)?;
    if changes.is_empty() {
        return Err(MakeError::Unchanged);
    }
    let mut body = Vec::new();
    let mut stats = Vec::new();
    for change in &changes {
        stats.push(write(change, &mut body)?);
    }
    let mut patch = stat::refreshed(header, &stats);
    patch.extend_from_slice(&body);
    check(&patch, before, &changes)?;
    Ok(patch)
}

/// The prose of a patch: everything before its first difference.
pub fn header<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a [u8], PatchError> {
    let first = parse(name, bytes)?.iter().map(|file| file.line).min().unwrap_or(1);
    let length = bytes.split_inclusive(|byte| *byte == b'\n').take(first - 1).map(<[u8]>::len).sum();
    Ok(&bytes[..length])
}

/// What happened to a file. `from` is another path when it was renamed.
struct Changed {
    from: String,
    to: String,
    old: Option<Content>,
    new: Option<Content>,
}

fn changes(before: Side<'_>, after: Side<'_>) -> Result<Vec<Changed>, MakeError> {
    let paths: BTreeSet<&String> = before.tree.nodes.keys().chain(after.tree.nodes.keys()).collect();
    let mut changes = Vec::new();
    for path in paths {
        if before.tree.nodes.get(path) == after.tree.nodes.get(path) {
            continue;
        }
        let outside = |why| MakeError::Outside { path: path.clone(), why };
        confine::check_outside_git(path).map_err(outside)?;
        if path.chars().any(is_harmful) {
            return Err(outside(Escape::Control));
        }
        let (old, new) = (content(before, path)?, content(after, path)?);
        if old.is_none() && has_folder(before.tree, path) || new.is_none() && has_folder(after.tree, path) {
            return Err(MakeError::FileAndFolder { path: path.clone() });
        }
        changes.push(Changed { from: path.clone(), to: path.clone(), old, new });
    }
    Ok(with_renames(changes))
}

/// Whether there is something below `path`.
fn has_folder(tree: &Tree, path: &str) -> bool {
    let below = format!("{path}/");
    tree.nodes.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below))
}

fn content(side: Side<'_>, path: &str) -> Result<Option<Content>, MakeError> {
    let special = |what| Err(MakeError::Special { path: path.to_owned(), what });
    match side.tree.nodes.get(path) {
        None => return Ok(None),
        Some(Node::Symlink { .. }) => return special("symlink"),
        Some(Node::File { .. }) => {}
    }
    match side.base.read(path) {
        Ok(Found::File { bytes, .. }) if bytes.contains(&0) => {
            Err(MakeError::Binary { path: path.to_owned() })
        }
        Ok(Found::File { bytes, executable }) => Ok(Some(Content { bytes, executable })),
        Ok(Found::Symlink) => special("symlink"),
        Ok(Found::Folder) => special("folder"),
        Ok(Found::Absent) => {
            Err(MakeError::Io { path: PathBuf::from(path), error: io::ErrorKind::NotFound.into() })
        }
        Err(error) => Err(MakeError::Io { path: PathBuf::from(path), error }),
    }
}

/// A file that vanished while another with the same content came is one that was renamed. Nothing is guessed from content
/// that is only alike.
fn with_renames(changes: Vec<Changed>) -> Vec<Changed> {
    let mut vanished: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate().rev() {
        if let (Some(old), None) = (&change.old, &change.new)
            && !old.bytes.is_empty()
        {
            vanished.entry(old.bytes.clone()).or_default().push(index);
        }
    }
    let mut origin: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        if let (None, Some(new)) = (&change.old, &change.new)
            && let Some(from) = vanished.get_mut(&new.bytes).and_then(Vec::pop)
        {
            origin.insert(index, from);
        }
    }
    let gone: BTreeSet<usize> = origin.values().copied().collect();
    let sources: BTreeMap<usize, (String, Option<Content>)> = gone
        .iter()
        .map(|index| (*index, (changes[*index].from.clone(), changes[*index].old.clone())))
        .collect();
    let kept = changes.into_iter().enumerate().filter(|(index, _)| !gone.contains(index));
    kept.map(|(index, change)| match origin.get(&index).and_then(|from| sources.get(from)) {
        Some((from, old)) => Changed { from: from.clone(), old: old.clone(), ..change },
        None => change,
    })
    .collect()
}

/// Writes a file's part of the patch.
fn write(change: &Changed, out: &mut Vec<u8>) -> Result<FileStat, MakeError> {
    let (old_name, new_name) = (quoted("a/", &change.from), quoted("b/", &change.to));
    let mut line = |text: String| out.extend_from_slice(format!("{text}\n").as_bytes());
    line(format!("diff --git {old_name} {new_name}"));
    let mode = |content: &Content| if content.executable { "100755" } else { "100644" };
    match (&change.old, &change.new) {
        (None, Some(new)) => line(format!("new file mode {}", mode(new))),
        (Some(old), None) => line(format!("deleted file mode {}", mode(old))),
        (Some(old), Some(new)) if old.executable != new.executable => {
            line(format!("old mode {}", mode(old)));
            line(format!("new mode {}", mode(new)));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    if change.from != change.to {
        line("similarity index 100%".to_owned());
        line(format!("rename from {}", quoted("", &change.from)));
        line(format!("rename to {}", quoted("", &change.to)));
    }
    let mut stat = FileStat {
        from: change.from.clone(),
        to: change.to.clone(),
        old_mode: change.old.as_ref().map(mode),
        new_mode: change.new.as_ref().map(mode),
        inserted: 0,
        deleted: 0,
    };
    let bytes =
        |content: &Option<Content>| content.as_ref().map_or(Vec::new(), |content| content.bytes.clone());
    let (old, new) = (bytes(&change.old), bytes(&change.new));
    if old != new {
        let name = |content: &Option<Content>, name: String| match content {
            Some(_) => name,
            None => "/dev/null".to_owned(),
        };
        line(format!("--- {}", name(&change.old, old_name)));
        line(format!("+++ {}", name(&change.new, new_name)));
        hunks(&old, &new, out, &mut stat).map_err(|error| MakeError::Io {
            path: PathBuf::from(&change.to),
            error: io::Error::other(error.message().to_owned()),
        })?;
    }
    Ok(stat)
}

fn hunks(old: &[u8], new: &[u8], out: &mut Vec<u8>, stat: &mut FileStat) -> Result<(), git2::Error> {
    let mut options = DiffOptions::new();
    options.context_lines(3).interhunk_lines(0).indent_heuristic(true).force_text(true);
    let patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options))?;
    for index in 0..patch.num_hunks() {
        let (hunk, count) = patch.hunk(index)?;
        out.extend_from_slice(hunk.header());
        if !hunk.header().ends_with(b"\n") {
            out.push(b'\n');
        }
        for line in 0..count {
            let line = patch.line_in_hunk(index, line)?;
            match line.origin() {
                ' ' => {}
                '+' => stat.inserted += 1,
                '-' => stat.deleted += 1,
                // What libgit2 says about missing line ends; the lines themselves show it.
                _ => continue,
            }
            out.push(line.origin() as u8);
            out.extend_from_slice(line.content());
            if !line.content().ends_with(b"\n") {
                out.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
    Ok(())
}

/// A name as git reads it. One with spaces is quoted, because GNU patch cannot tell two of them apart on a line. Control
/// characters are refused earlier.
fn quoted(prefix: &str, path: &str) -> String {
    match path.contains([' ', '"', '\\']) {
        true => format!("\"{prefix}{}\"", path.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("{prefix}{path}"),
    }
}

/// Applies what was made and looks whether the outcome is what was wanted.
fn check(patch: &[u8], before: Side<'_>, changes: &[Changed]) -> Result<(), MakeError> {
    let mut tree = Layered::new(before.base);
    let input = PatchInput { name: "the new patch", bytes: patch, fit: Fit::Exact };
    let unfaithful = |change: &Changed| MakeError::Unfaithful { path: change.to.clone() };
    if tree.apply(&input).is_err() {
        return Err(unfaithful(&changes[0]));
    }
    for change in changes {
        let wanted = match &change.new {
            Some(Content { bytes, executable }) => {
                Found::File { bytes: bytes.clone(), executable: *executable }
            }
            None => Found::Absent,
        };
        let found = tree.read(&change.to).map_err(|_| unfaithful(change))?;
        let is_gone = |path: &str| tree.read(path).is_ok_and(|found| found == Found::Absent);
        if found != wanted || (change.from != change.to && !is_gone(&change.from)) {
            return Err(unfaithful(change));
        }
    }
    Ok(())
}
