//! The patches that recipes bring fit the sources that recipes bring.

use std::fs;
use std::path::Path;

use rdna_build::model::Fit;
use rdna_build::source::patch::{FolderBase, PatchInput, apply_series};

#[test]
fn the_selftest_s_patches_fit_exactly() {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/selftest");
    let mut files: Vec<_> =
        fs::read_dir(recipe.join("patches")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let patches: Vec<_> = files
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap(), fs::read(path).unwrap()))
        .collect();
    let inputs: Vec<_> =
        patches.iter().map(|(name, bytes)| PatchInput { name, bytes, fit: Fit::Exact }).collect();
    let scratch = tempfile::tempdir().unwrap();
    let patched = apply_series(&inputs, &FolderBase(&recipe.join("source")), scratch.path()).unwrap();
    assert_eq!(patched.applied.len(), patches.len());
    for hunk in patched.applied.iter().flat_map(|patch| &patch.hunks) {
        assert_eq!((hunk.offset, hunk.fuzz, hunk.elsewhere), (0, 0, 0), "{hunk:?}");
    }
}
