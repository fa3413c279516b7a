//! Writes what a series makes of a tree, beside the tree. A second thread digests and writes each file as soon as the last
//! patch is done with it, while the next patches are applied; if one of them does not fit, all of it is taken back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};

use super::error::PatchError;
use super::layered::Content;
use super::series::PatchedFile;
use crate::model::Digest;

/// A path and what the patches put there.
pub(super) type Finished = (String, Arc<Content>);

pub(super) struct Overlay<'a> {
    scratch: &'a Path,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    files: BTreeMap<String, PatchedFile>,
    /// Folders that are there, and whether they were made here.
    folders: BTreeMap<PathBuf, bool>,
}

impl<'a> Overlay<'a> {
    pub fn new(scratch: &'a Path) -> Self {
        Self { scratch, made: Mutex::default() }
    }

    /// Writes what comes until no more does. Several threads may.
    pub fn write(&self, finished: &Mutex<Receiver<Finished>>) -> Result<(), PatchError> {
        loop {
            let next = finished.lock().expect("writing does not panic").recv();
            let Ok((path, content)) = next else { return Ok(()) };
            let full = self.scratch.join(&path);
            self.create(&full, &content).map_err(|error| PatchError::Io { path: full.clone(), error })?;
            let file = PatchedFile {
                content: full,
                sha256: Digest::of(&content.bytes),
                size: content.bytes.len() as u64,
                executable: content.executable,
            };
            self.made().files.insert(path, file);
        }
    }

    /// What was written.
    pub fn finish(self) -> BTreeMap<String, PatchedFile> {
        self.made.into_inner().expect("writing does not panic").files
    }

    /// Takes back what was written. What cannot be removed stays: whoever asks has an error to tell already.
    pub fn undo(self) {
        let made = self.made.into_inner().expect("writing does not panic");
        for file in made.files.values() {
            let _ = fs::remove_file(&file.content);
        }
        // A folder comes before those in it.
        for (folder, _) in made.folders.iter().rev().filter(|(_, is_ours)| **is_ours) {
            let _ = fs::remove_dir(folder);
        }
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().expect("writing does not panic")
    }

    fn create(&self, full: &Path, content: &Content) -> io::Result<()> {
        if let Some(folder) = full.parent() {
            make_folder(&mut self.made().folders, folder)?;
        }
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(if content.executable { 0o755 } else { 0o644 })
            .open(full)?;
        file.write_all(&content.bytes).inspect_err(|_| drop(fs::remove_file(full)))
    }
}

/// Makes a folder with those above it, and notes which were not there.
fn make_folder(folders: &mut BTreeMap<PathBuf, bool>, folder: &Path) -> io::Result<()> {
    if folders.contains_key(folder) {
        return Ok(());
    }
    let is_ours = match fs::create_dir(folder) {
        Ok(()) => true,
        Err(_) if folder.is_dir() => false,
        Err(error) => match folder.parent().filter(|_| error.kind() == io::ErrorKind::NotFound) {
            Some(above) => {
                make_folder(folders, above)?;
                fs::create_dir(folder)?;
                true
            }
            None => return Err(error),
        },
    };
    folders.insert(folder.to_path_buf(), is_ours);
    Ok(())
}
