//! What entries of the store keep beside their files: lists and trees, as JSON.

use std::fs;
use std::path::Path;

use super::ExecuteError;
use crate::store::StoreError;

pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ExecuteError> {
    let text = fs::read(path).map_err(ExecuteError::file("reading", path))?;
    serde_json::from_slice(&text).map_err(ExecuteError::file("reading", path))
}

/// Writes a value whose keys are text, as all of ours are.
pub(super) fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), ExecuteError> {
    let text = serde_json::to_vec(value).expect("what entries keep has only text keys");
    Ok(fs::write(path, text).map_err(StoreError::io("writing", path))?)
}
