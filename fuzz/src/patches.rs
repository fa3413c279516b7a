//! What must hold for any bytes that are taken for a patch. libFuzzer's targets and the bounded run of the test suite
//! share it.

use std::collections::BTreeMap;
use std::io;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use rdna_build::model::{Digest, Fit, Node, Tree};
use rdna_build::source::confine::check_outside_git;
use rdna_build::source::patch::{
    Base, Change, FilePatch, Found, Layered, LineEnd, LineKind, MakeError, PatchInput, Side, Trial, header,
    make, parse, trial,
};

/// Reading never panics, and what is read makes sense.
pub fn parse_anything(data: &[u8]) {
    let files = match parse("fuzzed", data) {
        Ok(files) => files,
        Err(error) => return harmless(&error),
    };
    assert!(!files.is_empty(), "no error, and no change");
    let last = data.split_inclusive(|byte| *byte == b'\n').count();
    let mut before = 0;
    for file in &files {
        for path in paths(file) {
            assert_eq!(check_outside_git(path), Ok(()), "{path:?}");
            assert!(!path.chars().any(char::is_control), "{path:?}");
        }
        assert!(before < file.line && file.line <= last, "files stand one behind the other");
        before = file.line;
        for hunk in &file.hunks {
            assert!(before <= hunk.line && hunk.line <= last, "hunks stand one behind the other");
            assert!(hunk.lines.iter().any(|line| line.kind != LineKind::Context), "a hunk changes something");
            before = hunk.line;
            for line in &hunk.lines {
                assert!(before < line.line && line.line <= last, "lines stand one behind the other");
                before = line.line;
            }
        }
    }
    let prose = header("fuzzed", data).expect("it was read before");
    assert!(data.starts_with(prose));
}

/// Applying never panics and gives up no more than it may; what was applied can be said as a patch, found to be there, and
/// undone.
///
/// The data is a patch; behind a NUL byte may come one that chooses the fit, and what every file of the tree holds. Without
/// them all fits are tried, on files that the patch's own lines make up.
pub fn apply_anything(data: &[u8]) {
    let (patch, tail) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], data.get(at + 1..)),
        None => (data, None),
    };
    let Ok(files) = parse("fuzzed", patch) else { return };
    let (fits, content) = match tail {
        Some([choice, content @ ..]) => (vec![Fit::ALL[usize::from(choice % 4)]], Some(content)),
        Some([]) | None => (Fit::ALL.to_vec(), None),
    };
    let before = Files::made_up(&files, content);
    let mut stricter: Option<Files> = None;
    for fit in fits {
        let input = PatchInput { name: "fuzzed", bytes: patch, fit };
        let mut layered = Layered::new(&before);
        let outcome = layered.try_next(&input).expect("the tree can be read");
        if let Trial::Applies { hunks } = &outcome {
            assert!(hunks.iter().all(|hunk| hunk.needs() <= fit), "{fit}: {hunks:?}");
            let after = before.seen_through(&layered);
            said_and_undone(&before, &after);
            if let Some(stricter) = &stricter {
                assert_eq!(
                    &after, stricter,
                    "what fits with less is not put elsewhere because more is allowed"
                );
            }
            stricter = Some(after);
        } else {
            assert!(stricter.is_none(), "{fit}: what fits with less fits with more: {outcome:?}");
        }
        shown(&outcome);
    }
}

fn said_and_undone(before: &Files, after: &Files) {
    let (old, new) = (before.tree(), after.tree());
    let (one, other) = (Side { tree: &old, base: before }, Side { tree: &new, base: after });
    let said = match make(one, other, b"") {
        Ok(said) => said,
        Err(MakeError::Unchanged) => return assert_eq!(before, after),
        // The tree already held, or was given, what patches do not say.
        Err(MakeError::Binary { .. } | MakeError::FileAndFolder { .. }) => return,
        Err(error) => panic!("{error:?}"),
    };
    let exact = |bytes| PatchInput { name: "made", bytes, fit: Fit::Exact };
    let mut again = Layered::new(before);
    again.apply(&exact(&said)).expect("what was made applies");
    assert_eq!(&before.seen_through(&again), after, "what was made leads to the same tree");

    let files = parse("made", &said).expect("what was made is a patch");
    let leaves_trace = |file: &FilePatch<'_>| {
        let is_seen = |hunk: &[_]| hunk.iter().any(|kind| *kind != LineKind::Delete);
        file.hunks.iter().all(|hunk| is_seen(&hunk.lines.iter().map(|line| line.kind).collect::<Vec<_>>()))
    };
    // Only line ends differ: to hunks, which do not look at them, the patch changes nothing.
    let ends_differ = said.windows(2).any(|bytes| bytes == b"\r\n");
    if let [file] = files.as_slice()
        && matches!(file.change, Change::Modify { .. })
        && leaves_trace(file)
        && !ends_differ
    {
        let outcome = trial(&exact(&said), after).expect("the tree can be read");
        assert!(matches!(outcome, Trial::AlreadyUpstream | Trial::Applies { .. }), "{outcome:?}");
    }

    let undo = make(other, one, b"").expect("the way back can be said as well");
    let mut back = Layered::new(after);
    back.apply(&exact(&undo)).expect("the way back applies");
    assert_eq!(&after.seen_through(&back), before, "the way back leads back");
}

fn shown(outcome: &Trial) {
    match outcome {
        Trial::Looser(looser) => harmless(looser.as_ref()),
        Trial::Conflict(conflict) => {
            for row in &conflict.rows {
                assert!(row.differs || row.expected.is_some() && row.found.is_some(), "{row:?}");
            }
            harmless(conflict.as_ref());
        }
        Trial::Applies { .. }
        | Trial::AlreadyUpstream
        | Trial::PartlyUpstream { .. }
        | Trial::Missing { .. }
        | Trial::Occupied { .. }
        | Trial::Invalid { .. } => {}
    }
}

/// An error is short enough to be read, and does nothing to a terminal.
fn harmless(error: &dyn Diagnostic) {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_links(false);
    let mut text = String::new();
    handler.with_width(80).render_report(&mut text, error).expect("errors can be shown");
    assert!(text.len() < 64 << 10, "{} bytes", text.len());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
}

fn paths<'f>(file: &'f FilePatch<'_>) -> Vec<&'f str> {
    match &file.change {
        Change::Modify { path } | Change::Create { path } | Change::Delete { path } => vec![path],
        Change::Rename { from, to } | Change::Copy { from, to } => vec![from, to],
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Files(BTreeMap<String, (Vec<u8>, bool)>);

impl Files {
    /// A tree with the files that a patch wants to find: those it changes, not those it makes.
    fn made_up(files: &[FilePatch<'_>], content: Option<&[u8]>) -> Self {
        let mut tree: BTreeMap<String, (Vec<u8>, bool)> = BTreeMap::new();
        for file in files {
            let path = match &file.change {
                Change::Modify { path } | Change::Delete { path } => path,
                Change::Rename { from, .. } | Change::Copy { from, .. } => from,
                Change::Create { .. } => continue,
            };
            let below = format!("{path}/");
            let is_free =
                |other: &String| !other.starts_with(&below) && !path.starts_with(&format!("{other}/"));
            if tree.keys().all(is_free) {
                let bytes = content.map_or_else(|| expected(file), <[u8]>::to_vec);
                tree.entry(path.clone()).or_insert((bytes, false));
            }
        }
        Self(tree)
    }

    fn tree(&self) -> Tree {
        let node = |(bytes, executable): &(Vec<u8>, bool)| Node::File {
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            executable: *executable,
        };
        Tree { nodes: self.0.iter().map(|(path, file)| (path.clone(), node(file))).collect() }
    }

    fn seen_through(&self, layered: &Layered<'_>) -> Self {
        let read = |path: String| match layered.read(&path) {
            Ok(Found::File { bytes, executable }) => (path, (bytes, executable)),
            other => panic!("{path}: {other:?}"),
        };
        Self(layered.tree(self.tree()).nodes.into_keys().map(read).collect())
    }
}

impl Base for Files {
    fn read(&self, path: &str) -> io::Result<Found> {
        let below = format!("{path}/");
        Ok(match self.0.get(path) {
            Some((bytes, executable)) => Found::File { bytes: bytes.clone(), executable: *executable },
            None if self.0.keys().any(|other| other.starts_with(&below)) => Found::Folder,
            None => Found::Absent,
        })
    }
}

/// A file in which the hunks stand where they say.
fn expected(file: &FilePatch<'_>) -> Vec<u8> {
    /// A hunk far down stands in a shorter file.
    const FILLER: usize = 2000;
    let mut bytes = Vec::new();
    let mut count = 0;
    for hunk in &file.hunks {
        while count + 1 < hunk.old_start.min(FILLER) {
            count += 1;
            bytes.extend_from_slice(format!("line {count}\n").as_bytes());
        }
        for line in hunk.lines.iter().filter(|line| line.kind != LineKind::Insert) {
            count += 1;
            bytes.extend_from_slice(line.text);
            bytes.extend_from_slice(match line.end {
                LineEnd::None => b"",
                LineEnd::Lf => b"\n",
                LineEnd::CrLf => b"\r\n",
            });
        }
    }
    bytes
}
