//! Gives a wheel its own library back.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::VenvError;
use super::find;
use super::note::{self, FolderLock, Note, ORIGINAL, Places};
use crate::install::disk;
use crate::install::error::InstallError;
use crate::install::lock::Waiting;

/// A library that is the wheel's own again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub library: PathBuf,
    /// What had been in its place, if it was.
    pub package: Option<String>,
}

/// Restores the library of a virtual environment, and removes what was kept for that.
pub fn restore(venv: &Path, mut waiting: Waiting<'_>) -> Result<Restored, InstallError> {
    let folder = find::torch(venv)?;
    let lock = FolderLock::take(&folder, &mut waiting)?;
    note::sweep(&folder)?;
    let Some(note) = Note::read(&folder)? else {
        let restored = without_note(&folder)?;
        drop(lock);
        return Ok(restored);
    };
    let places = Places::new(&folder, &note.library);
    let (current, kept) = (note::digest(&places.library)?, note::digest(&places.original)?);
    let lost = |what| VenvError::OriginalLost { original: places.original.clone(), what };
    let is_original = current == Some(note.original);
    if !is_original {
        match kept {
            None => return Err(lost("gone").into()),
            Some(kept) if kept != note.original => return Err(lost("another by now").into()),
            Some(_) => {}
        }
        // A library that is gone was nobody's wish.
        if current.is_some_and(|current| !note.is_ours(&current)) {
            let Places { library, note, original, .. } = places;
            return Err(VenvError::Foreign { path: library, note, original }.into());
        }
    }
    take_back(&places, is_original)?;
    let package = note.ours.last().filter(|_| !is_original).map(|put| put.package.clone());
    drop(lock);
    Ok(Restored { library: places.library, package })
}

fn take_back(places: &Places, is_original: bool) -> Result<(), InstallError> {
    let restored = (|| {
        match is_original {
            true => disk::remove_if_there(&places.original)?,
            false => fs::rename(&places.original, &places.library)?,
        }
        disk::sync_folder(&places.folder)?;
        disk::remove_if_there(&places.note)?;
        disk::sync_folder(&places.folder)
    })();
    restored.map_err(InstallError::io("writing", &places.library))
}

/// A swap that was cut off before its note was written kept a second name of a library that is still there.
fn without_note(folder: &Path) -> Result<Restored, InstallError> {
    let kept = fs::read_dir(folder).into_iter().flatten().flatten().find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(ORIGINAL).map(str::to_owned)
    });
    let nothing = || VenvError::NotSwapped { folder: folder.to_owned() };
    let places = Places::new(folder, &kept.ok_or_else(nothing)?);
    if note::digest(&places.library)? != note::digest(&places.original)? {
        let Places { library, original, .. } = places;
        return Err(VenvError::OtherOriginal { path: library, original }.into());
    }
    take_back(&places, true)?;
    Ok(Restored { library: places.library, package: None })
}
