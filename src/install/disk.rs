//! Acts on the disk that happen whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::error::InstallError;

/// How names begin that are not there to stay.
pub(super) const TEMPORARY: &str = ".rdna-build-new-";

/// Writes a small file so that a reader sees the old or the new text, never a part, and has it on the disk.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), InstallError> {
    let folder = path.parent().expect("a file that is written lies in a folder");
    let written = (|| {
        let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    })();
    written.map_err(InstallError::io("writing", path))
}

/// Makes or replaces a link in one step.
pub(super) fn replace_link(path: &Path, target: &str) -> Result<(), InstallError> {
    let folder = path.parent().expect("a link lies in a folder");
    let replaced = (|| {
        let name = format!("{TEMPORARY}{}", std::process::id());
        let temporary = folder.join(name);
        // Of a process that had our number and died.
        remove_if_there(&temporary)?;
        symlink(target, &temporary)?;
        fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        sync_folder(folder)
    })();
    replaced.map_err(InstallError::io("writing", path))
}

/// Puts `new` at `place`. What is there comes to lie at `aside`, in one step where the file system can.
pub(super) fn put(new: &Path, place: &Path, aside: &Path) -> Result<(), InstallError> {
    let done = (|| {
        if !exists(place) {
            fs::rename(new, place)?;
        } else if renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE).is_ok() {
            fs::rename(new, aside)?;
        } else {
            // Some network file systems cannot exchange. `recover` puts it back should we die in between.
            fs::rename(place, aside)?;
            fs::rename(new, place).inspect_err(|_| drop(fs::rename(aside, place)))?;
        }
        sync_folder(place.parent().expect("a package lies in a folder"))
    })();
    done.map_err(InstallError::io("writing", place))
}

/// Whether there is anything, be it a link that leads nowhere.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes a folder and those above it that are missing; answers which it made, the deepest first.
pub(super) fn make_folders(folder: &Path) -> Result<Vec<PathBuf>, InstallError> {
    let missing: Vec<PathBuf> =
        folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    let mut made = Vec::new();
    for folder in missing.iter().rev() {
        match fs::create_dir(folder) {
            Ok(()) => made.insert(0, folder.clone()),
            // Another install came first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(InstallError::io("creating", folder)(error)),
        }
    }
    Ok(made)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes a folder and all in it, or whatever else lies there.
pub(super) fn remove_all(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    match metadata.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems cannot, and need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}
