//! The patches that a library should show, with the text of what they change.

use super::super::ExecuteError;
use super::Calls;
use crate::model::{Digest, Manifest, PatchMark, PatchRecord, Recipe};
use crate::source::patch::{self, Hunk, LineEnd, LineKind};
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
            hunks.extend(file.hunks.iter().map(|hunk| text(path, hunk)));
        }
    }
    Ok(hunks)
}

fn text(path: &str, hunk: &Hunk<'_>) -> HunkText {
    let side = |without: LineKind| {
        let lines = hunk.lines.iter().filter(|line| line.kind != without);
        let lines = lines.flat_map(|line| {
            let end: &[u8] = match line.end {
                LineEnd::Lf => b"\n",
                LineEnd::CrLf => b"\r\n",
                LineEnd::None => b"",
            };
            [line.text, end]
        });
        lines.collect::<Vec<_>>().concat()
    };
    HunkText {
        file: path.to_owned(),
        line: hunk.old_start,
        before: side(LineKind::Insert),
        after: side(LineKind::Delete),
    }
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
