//! Source trees for those who only look: found in the store, or fetched into it.

use std::path::PathBuf;

use super::unit::Account;
use super::{ExecuteError, Materials, Workshop, guarded, source};
use crate::model::{PinnedSource, SourceSpec, Tree};
use crate::plan::key;
use crate::store::Store;

/// A source as it lies on this machine.
#[derive(Debug)]
pub struct SourceFolder {
    pub root: PathBuf,
    pub tree: Tree,
}

/// The folder of a pinned source, if the store holds it.
pub fn stored_source(store: &Store, pinned: &PinnedSource) -> Result<Option<PathBuf>, ExecuteError> {
    let entry = store.lookup(crate::model::Stage::Source, &key::source(pinned).key)?.entry();
    Ok(entry.map(|entry| entry.content().join(source::FILES)))
}

/// A source's folder, fetched if it has to be and the run may.
pub async fn source_folder(
    wanted: &Result<PinnedSource, SourceSpec>,
    materials: &Materials<'_>,
    workshop: &Workshop,
) -> Result<SourceFolder, ExecuteError> {
    guarded(workshop, async {
        let pinned = source::pin_planned(wanted, workshop).await?;
        let unit = materials.recipe.name.to_string();
        let mut account = Account { workshop, unit, stages: vec![] };
        let fetched = source::ensure(&pinned, materials, &mut account).await?;
        Ok(SourceFolder { root: fetched.root.as_path().to_owned(), tree: fetched.tree })
    })
    .await
}
