//! Puts our library in the place of a wheel's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::VenvError;
use super::note::{self, FolderLock, Note, Places, Put};
use super::{find, fit, look};
use crate::install::disk;
use crate::install::error::InstallError;
use crate::install::lock::Waiting;
use crate::install::title::Title;
use crate::model::{Digest, PackagedFile};
use crate::package::{self, Unpacked};

/// A library that was swapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    pub title: Title,
    /// The library that torch loads.
    pub library: PathBuf,
    /// Where the wheel's own is kept.
    pub original: PathBuf,
    /// It was there already.
    pub already: bool,
    /// What may go wrong all the same.
    pub doubts: Vec<String>,
}

/// Puts the library of a package in the place of the one in a virtual environment, if it fits.
pub fn swap(archive: &Path, venv: &Path, mut waiting: Waiting<'_>) -> Result<Swapped, InstallError> {
    let folder = find::torch(venv)?;
    let names = find::libraries(&folder);
    find::check_kind(&folder, &names)?;
    let miopen = find::miopen(&folder, &names)?;
    let places = Places::new(&folder, &miopen);
    let lock = FolderLock::take(&folder, &mut waiting)?;
    note::sweep(&folder)?;
    let current = note::digest(&places.library)?.ok_or(VenvError::NoMiopen { folder: folder.clone() })?;
    let original = known_original(&places, current)?;

    let unpacked_into = tempfile::Builder::new()
        .prefix(disk::TEMPORARY)
        .tempdir_in(&folder)
        .map_err(InstallError::io("creating a folder in", &folder))?;
    let unpacked = package::unpack_checked(archive, unpacked_into.path(), waiting.cancel)?;
    let title = Title::of(&unpacked.manifest)?;
    let (library, sha256) = own_library(&unpacked, unpacked_into.path(), &title)?;
    let doubts = check_fit(&folder, &names, &miopen, &library)?;
    if waiting.cancel.is_cancelled() {
        return Err(InstallError::Interrupted);
    }
    let already = current == sha256;
    let put = Put { sha256, package: title.to_string(), when: now() };
    if !already {
        take_the_place(&places, &library, original, put)?;
    }
    drop(lock);
    Ok(Swapped { title, library: places.library, original: places.original, already, doubts })
}

/// The digest of what the wheel brought. Whatever is there now must be that, or ours.
fn known_original(places: &Places, current: Digest) -> Result<Digest, InstallError> {
    let foreign = || {
        let Places { library, note, original, .. } = places.clone();
        VenvError::Foreign { path: library, note, original }
    };
    let note = Note::read(&places.folder)?.filter(|note| places.library.ends_with(&note.library));
    match (note, note::digest(&places.original)?) {
        (None, None) => Ok(current),
        // Cut off before the note was written.
        (None, Some(kept)) if kept == current => Ok(kept),
        (None, Some(_)) => {
            Err(VenvError::OtherOriginal { path: places.library.clone(), original: places.original.clone() }
                .into())
        }
        (Some(note), None) if note.original == current => Ok(current),
        (Some(_), None) => {
            Err(VenvError::OriginalLost { original: places.original.clone(), what: "gone" }.into())
        }
        (Some(note), Some(kept)) if kept != note.original => {
            Err(VenvError::OriginalLost { original: places.original.clone(), what: "another by now" }.into())
        }
        (Some(note), Some(kept)) if kept == current || note.is_ours(&current) => Ok(kept),
        (Some(_), Some(_)) => Err(foreign().into()),
    }
}

/// The library in an unpacked package, and its digest.
fn own_library(unpacked: &Unpacked, root: &Path, title: &Title) -> Result<(PathBuf, Digest), VenvError> {
    let prefix = unpacked.manifest.build.prefix.trim_matches('/');
    let below = [format!("{prefix}/lib/libMIOpen.so"), format!("{prefix}/lib64/libMIOpen.so")];
    let found = unpacked.manifest.files.iter().find_map(|file| match file {
        PackagedFile::File { path, sha256, .. } if below.iter().any(|below| path.starts_with(below)) => {
            Some((root.join(path), *sha256))
        }
        PackagedFile::File { .. } | PackagedFile::Symlink { .. } => None,
    });
    found.ok_or_else(|| VenvError::NoLibrary { package: title.to_string() })
}

/// What may go wrong; what would is an error.
fn check_fit(
    folder: &Path,
    names: &[String],
    miopen: &str,
    library: &Path,
) -> Result<Vec<String>, VenvError> {
    let wheel = look::wheel(folder, names, miopen)?;
    let judgement = fit::judge(&look::ours(library)?, &wheel, &look::of_system);
    match judgement.objections.is_empty() {
        true => Ok(judgement.doubts),
        false => Err(VenvError::Unfit { folder: folder.to_owned(), objections: judgement.objections }),
    }
}

/// The original is kept, then noted, and only then ours takes its name, in one step.
fn take_the_place(places: &Places, ours: &Path, original: Digest, put: Put) -> Result<(), InstallError> {
    let failed = |path| InstallError::io("writing", path);
    let mode = fs::metadata(&places.library).map_err(failed(&places.library))?.permissions();
    fs::set_permissions(ours, mode).map_err(failed(ours))?;
    File::open(ours).and_then(|file| file.sync_all()).map_err(failed(ours))?;
    if !disk::exists(&places.original) {
        keep_original(places).map_err(failed(&places.original))?;
    }
    let old = Note::read(&places.folder)?;
    let library = places.library.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut note = old.unwrap_or(Note { schema: 1, library, original, ours: Vec::new() });
    note.add(put);
    note.write(&places.folder)?;
    fs::rename(ours, &places.library).map_err(failed(&places.library))?;
    disk::sync_folder(&places.folder).map_err(failed(&places.folder))
}

/// Gives the original a second name; where the file system has no such thing, a copy of it.
fn keep_original(places: &Places) -> io::Result<()> {
    if fs::hard_link(&places.library, &places.original).is_err() {
        let mut from = File::open(&places.library)?;
        let metadata = from.metadata()?;
        let mut copy = tempfile::Builder::new().prefix(disk::TEMPORARY).tempfile_in(&places.folder)?;
        io::copy(&mut from, copy.as_file_mut())?;
        copy.as_file().set_permissions(metadata.permissions())?;
        copy.as_file().set_modified(metadata.modified()?)?;
        copy.as_file().sync_all()?;
        copy.persist_noclobber(&places.original).map_err(|error| error.error)?;
    }
    disk::sync_folder(&places.folder)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
