//! The prepare stage: a source tree with the patch series laid over it. Only what patches touch is written.

use std::collections::BTreeSet;

use serde_json::json;

use super::unit::Account;
use super::workshop::blocking;
use super::{ExecuteError, Materials, json, source};
use crate::build::workspace::SourceTree;
use crate::model::{Event, HostPath, Node, PinnedSource, PlannedPatch, PlannedUnit, Stage, Tree};
use crate::plan::key;
use crate::source::patch::{FolderBase, HunkReport, PatchInput, Patched, apply_series};
use crate::store::{Entry, Made};

/// What a prepare entry holds: patched files, and the whole tree's list.
const OVERLAY: &str = "overlay";
const TREE: &str = "tree.json";
const OVERLAID: &str = "overlaid.json";

/// The patched tree of a unit: found, or made of its source, which is fetched if it has to be.
pub(super) async fn ensure(
    unit: &PlannedUnit,
    pinned: &PinnedSource,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<SourceTree, ExecuteError> {
    patched(&unit.patches, pinned, materials, account).await
}

/// The tree of a source with these patches.
pub(super) async fn patched(
    patches: &[PlannedPatch],
    pinned: &PinnedSource,
    materials: &Materials<'_>,
    account: &mut Account<'_>,
) -> Result<SourceTree, ExecuteError> {
    let workshop = account.workshop;
    let keyed = key::prepared(pinned, patches);
    let fetched = source::ensure(pinned, materials, account).await?;
    if let Some(entry) = workshop.find_whole(Stage::Prepare, &keyed.key).await? {
        account.cached(Stage::Prepare, keyed.key);
        return read(&entry, fetched.root);
    }
    let count = patches.len();
    let started = account.started(Stage::Prepare, format!("{count} patches"));
    let draft = workshop.draft(Stage::Prepare, &keyed.key)?;
    let overlay = draft.content().join(OVERLAY);
    let root = fetched.root.clone();
    let patches: Vec<(PlannedPatch, Vec<u8>)> =
        patches.iter().map(|planned| (planned.clone(), materials.patch(planned).to_owned())).collect();
    let patched = blocking(move || {
        let inputs: Vec<PatchInput<'_>> = patches
            .iter()
            .map(|(planned, bytes)| PatchInput { name: &planned.file, bytes, fit: planned.fit })
            .collect();
        apply_series(&inputs, &FolderBase(root.as_path()), &overlay)
    })
    .await??;
    for report in &patched.applied {
        for hunk in &report.hunks {
            remark(account, &report.name, hunk);
        }
    }
    let overlaid: BTreeSet<&String> = patched.overlay.keys().collect();
    json::write(&draft.content().join(TREE), &laid_over(fetched.tree, &patched))?;
    json::write(&draft.content().join(OVERLAID), &overlaid)?;
    let made = Made {
        ingredients: keyed.ingredients,
        seconds: started.elapsed().as_secs_f64(),
        detail: json!({ "patches": count }),
    };
    let entry = workshop.commit(draft, made).await?;
    account.finished(Stage::Prepare, keyed.key, started);
    read(&entry, fetched.root)
}

/// A hunk that did not go exactly where its patch says is worth a line.
fn remark(account: &Account<'_>, patch: &str, hunk: &HunkReport) {
    if hunk.offset == 0 && hunk.fuzz == 0 {
        return;
    }
    let fuzz = if hunk.fuzz == 0 { String::new() } else { format!(", fuzz {}", hunk.fuzz) };
    account.workshop.events.emit(Event::Note {
        message: format!(
            "{patch}: hunk {} of {} went to line {} (offset {}{fuzz})",
            hunk.number, hunk.file, hunk.line, hunk.offset
        ),
    });
}

/// The tree with what the patches did to it.
fn laid_over(mut tree: Tree, patched: &Patched) -> Tree {
    for path in &patched.removed {
        tree.nodes.remove(path);
    }
    for (path, file) in &patched.overlay {
        let node = Node::File { sha256: file.sha256, size: file.size, executable: file.executable };
        tree.nodes.insert(path.clone(), node);
    }
    tree
}

fn read(entry: &Entry, base: HostPath) -> Result<SourceTree, ExecuteError> {
    let content = entry.content();
    Ok(SourceTree {
        tree: json::read::<Tree>(&content.join(TREE))?,
        overlaid: json::read::<BTreeSet<String>>(&content.join(OVERLAID))?,
        overlay: HostPath::new(content.join(OVERLAY)),
        base,
    })
}
