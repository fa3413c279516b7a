//! The patches that recipes bring fit the sources that recipes bring.

use std::path::Path;

use rdna_build::model::{Fit, SourceSpec};
use rdna_build::recipe::RecipeBook;
use rdna_build::source::patch::{FolderBase, PatchInput, apply_series};

#[test]
fn the_selftest_s_patches_fit_exactly() {
    let recipe = RecipeBook::load(&[]).unwrap().get("selftest").unwrap();
    for listed in &recipe.versions {
        let SourceSpec::Bundled { folder, .. } = &listed.source else { panic!("{:?}", listed.source) };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/selftest").join(folder);
        let variants: Vec<_> =
            recipe.patches.iter().filter_map(|patch| patch.variant(&listed.version)).collect();
        let inputs: Vec<_> = variants
            .iter()
            .map(|variant| PatchInput {
                name: &variant.file,
                bytes: recipe.files.get(&variant.file).unwrap(),
                fit: Fit::Exact,
            })
            .collect();
        assert_eq!(inputs.len(), recipe.patches.len());
        let scratch = tempfile::tempdir().unwrap();
        let patched = apply_series(&inputs, &FolderBase(&source), scratch.path()).unwrap();
        for hunk in patched.applied.iter().flat_map(|patch| &patch.hunks) {
            assert_eq!((hunk.offset, hunk.fuzz, hunk.elsewhere), (0, 0, 0), "{hunk:?}");
        }
    }
}
