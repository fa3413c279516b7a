//! The folders of runs with their log files.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::error::StoreError;
use super::{Store, folder};
use crate::model::RunId;

/// How many runs keep their folder.
pub const KEPT_RUNS: usize = 50;

impl Store {
    /// The folder of a run, made if it is not there.
    pub fn run_folder(&self, run: &RunId) -> Result<PathBuf, StoreError> {
        let path = self.layout.run(run);
        fs::create_dir_all(&path).map_err(StoreError::io("creating", &path))?;
        Ok(path)
    }

    /// Where the folder of a run is, whether it is there or not.
    pub fn run_path(&self, run: &RunId) -> PathBuf {
        self.layout.run(run)
    }

    /// The runs that have a folder, the newest first.
    pub fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        let runs = self.layout.runs();
        let children = match fs::read_dir(&runs) {
            Ok(children) => children,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("reading", &runs)(error)),
        };
        let mut found: Vec<(SystemTime, RunId)> = Vec::new();
        for child in children {
            let child = child.map_err(StoreError::io("reading", &runs))?;
            let Some(run) = child.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that another process just pruned is not there any more.
            let Ok(modified) = child.metadata().and_then(|metadata| metadata.modified()) else { continue };
            found.push((modified, run));
        }
        // A time in the future is from before the clock went back, so older than all others.
        let now = SystemTime::now();
        let age = |(modified, run): &(SystemTime, RunId)| (*modified <= now, *modified, run.clone());
        found.sort_by_key(|one| std::cmp::Reverse(age(one)));
        Ok(found.into_iter().map(|(_, run)| run).collect())
    }

    /// Removes all but the newest `keep` runs' folders; says how many went.
    pub fn prune_runs(&self, keep: usize) -> Result<u64, StoreError> {
        let old: Vec<_> = self.runs()?.into_iter().skip(keep).collect();
        for run in &old {
            let path = self.layout.run(run);
            folder::remove(&path).map_err(StoreError::io("removing", &path))?;
        }
        Ok(old.len() as u64)
    }
}
