//! The patches that a library should show, with the text of what they change.

use super::super::ExecuteError;
use super::Calls;
use crate::model::{Digest, Manifest, PatchMark, PatchRecord, Recipe};
use crate::source::patch::{self, Hunk, HunkLine, LineEnd, LineKind};
use crate::verify::{HunkText, PatchSeen};

/// The applied patches of a package, or those that the recipe would apply to a foreign library.
pub(super) fn seen<'a>(
    recipe: Option<&'a Recipe>,
    manifest: Option<&'a Manifest>,
) -> Result<Vec<PatchSeen<'a>>, ExecuteError> {
    match manifest {
        Some(manifest) => manifest.patches.iter().map(|record| applied(record, recipe)).collect(),
        None => {
            let patches = recipe.into_iter().flat_map(|recipe| &recipe.patches);
            // What cannot be seen says nothing of a library that nobody patched.
            let patches =
                patches.filter(|patch| !patch.opt_in && matches!(patch.mark, Some(PatchMark::Traces(_))));
            Ok(patches.map(PatchSeen::by_mark).collect())
        }
    }
}

fn applied<'a>(record: &'a PatchRecord, recipe: Option<&'a Recipe>) -> Result<PatchSeen<'a>, ExecuteError> {
    let spec = recipe.and_then(|recipe| recipe.patches.iter().find(|patch| patch.name == record.name));
    let mark = spec.and_then(|spec| spec.mark.as_ref());
    let mut seen = PatchSeen { name: record.name.as_str(), mark, hunks: vec![], calls: None };
    let bytes = recipe.and_then(|recipe| recipe.files.get(&record.file));
    // The recipe may hold another patch of this name by now.
    let bytes = bytes.filter(|bytes| Digest::of(bytes) == record.sha256);
    if let (Some(PatchMark::Traces(traces)), Some(bytes)) = (mark, bytes) {
        seen.hunks = hunks(record.name.as_str(), bytes, &traces.texts)?;
    }
    Ok(seen)
}

/// The hunks of a patch for files in these folders.
fn hunks(name: &str, bytes: &[u8], folders: &[String]) -> Result<Vec<HunkText>, ExecuteError> {
    let files = patch::parse(name, bytes)?;
    let mut hunks = Vec::new();
    for file in &files {
        let path = file.change.path();
        if folders
            .iter()
            .any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
        {
            hunks.extend(file.hunks.iter().flat_map(|hunk| texts(path, hunk)));
        }
    }
    Ok(hunks)
}

/// The changed parts of a hunk. Where a line includes another file, the library holds that file instead, so that what is on
/// both sides of it does not stand together there.
fn texts(path: &str, hunk: &Hunk<'_>) -> Vec<HunkText> {
    let parts = hunk.lines.split(|line| includes(line.text));
    let changed = parts.filter(|lines| lines.iter().any(|line| line.kind != LineKind::Context));
    let text = |lines: &[HunkLine<'_>]| HunkText {
        file: path.to_owned(),
        line: hunk.old_start,
        before: side(lines, LineKind::Insert),
        after: side(lines, LineKind::Delete),
    };
    changed.map(text).collect()
}

/// Whether a line of a kernel includes another file.
pub(super) fn includes(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.starts_with(b"#include") || line.starts_with(b".include")
}

/// The lines of one side: all but those of the other.
fn side(lines: &[HunkLine<'_>], other: LineKind) -> Vec<u8> {
    let end = |line: &HunkLine<'_>| match line.end {
        LineEnd::Lf => "\n",
        LineEnd::CrLf => "\r\n",
        LineEnd::None => "",
    };
    let lines = lines.iter().filter(|line| line.kind != other);
    lines.flat_map(|line| [line.text, end(line).as_bytes()].concat()).collect()
}

/// Which function's calls each patch asks for.
pub(super) fn calls(patches: &[PatchSeen<'_>]) -> Calls {
    let call = |patch: &PatchSeen<'_>| match patch.mark {
        Some(PatchMark::Traces(traces)) => {
            traces.call.as_ref().map(|call| (call.function.clone(), call.argument))
        }
        Some(PatchMark::Invisible { .. }) | None => None,
    };
    patches.iter().map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_falls_apart_where_another_file_is_included() {
        let patch = b"--- a/kernels/x.cl\n+++ b/kernels/x.cl\n@@ -1,5 +1,5 @@\n \n-old\n+new\n #include \"y.h\"\n one\n two\n\
                      @@ -20,2 +20,3 @@\n three\n+four\n five\n--- a/host.cpp\n+++ b/host.cpp\n@@ -1 +1 @@\n-a\n+b\n";
        let found = hunks("x", patch, &["kernels".to_owned()]).expect("a patch");
        let text = |line, before: &str, after: &str| HunkText {
            file: "kernels/x.cl".to_owned(),
            line,
            before: before.into(),
            after: after.into(),
        };
        assert_eq!(found, [text(1, "\nold\n", "\nnew\n"), text(20, "three\nfive\n", "three\nfour\nfive\n")]);
    }
}
