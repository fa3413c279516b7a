//! What is remembered of a unit between runs: the ingredients of its last build and the seconds it took.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::{Store, folder};
use crate::model::{Ingredients, Key, Stage, UnitId};

/// The last known of each stage. Only ever a hint: it explains misses and times, it decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitHistory {
    pub stages: BTreeMap<Stage, LastStage>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastStage {
    pub key: Key,
    pub ingredients: Ingredients,
    /// Seconds when it was last made rather than found.
    pub seconds: Option<f64>,
}

impl Store {
    /// What is remembered of a unit; nothing when there is nothing readable.
    pub fn history(&self, unit: &UnitId) -> UnitHistory {
        let bytes = fs::read(self.layout.unit(unit)).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Remembers a stage. `seconds` is how long making it took; of a stage that was found, the old number stays.
    pub fn remember(
        &self,
        unit: &UnitId,
        stage: Stage,
        key: Key,
        ingredients: &Ingredients,
        seconds: Option<f64>,
    ) -> Result<(), StoreError> {
        let mut history = self.history(unit);
        let old = history.stages.get(&stage).and_then(|last| last.seconds);
        let last = LastStage { key, ingredients: ingredients.clone(), seconds: seconds.or(old) };
        if history.stages.get(&stage) == Some(&last) {
            return Ok(());
        }
        history.stages.insert(stage, last);
        let path = self.layout.unit(unit);
        let bytes = serde_json::to_vec_pretty(&history).map_err(io::Error::from);
        bytes
            .and_then(|bytes| folder::write_atomically(&path, &bytes))
            .map_err(StoreError::io("writing", &path))
    }
}
