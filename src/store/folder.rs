//! Acts on whole folders of the store: write to the disk, seal, measure, remove.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What a folder takes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// Files up to which each is written to the disk by itself: a sync of the whole file system waits for strangers' data
/// too, but thousands of single ones take a journal commit each.
const SINGLE_SYNCS: usize = 32;

/// Takes the right to write from everything below `folder` and from itself, and has it on the disk on return.
pub(super) fn seal(folder: &Path) -> io::Result<Size> {
    let mut size = Size::default();
    let mut sealed = Vec::new();
    visit(folder, &mut |path, metadata| {
        if metadata.is_symlink() {
            return Ok(());
        }
        let mode = metadata.permissions().mode();
        // What its owner cannot read is of no use; set-user-id and the like have no business here.
        let readable = if metadata.is_dir() { 0o500 } else { 0o400 };
        fs::set_permissions(path, Permissions::from_mode((mode & 0o555) | readable))?;
        if metadata.is_file() {
            size.files += 1;
        }
        size.bytes += metadata.blocks() * 512;
        if sealed.len() <= SINGLE_SYNCS {
            sealed.push(path.to_owned());
        }
        Ok(())
    })?;
    if sealed.len() <= SINGLE_SYNCS {
        for path in &sealed {
            File::open(path)?.sync_all()?;
        }
    } else {
        rustix::fs::syncfs(File::open(folder)?)?;
    }
    Ok(size)
}

/// Has the names in a folder on the disk.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What everything below `folder` takes.
pub(super) fn measure(folder: &Path) -> io::Result<Size> {
    let mut size = Size::default();
    visit(folder, &mut |_, metadata| {
        if metadata.is_file() {
            size.files += 1;
        }
        size.bytes += metadata.blocks() * 512;
        Ok(())
    })?;
    Ok(size)
}

/// Removes a folder, sealed or not; one that is not there is fine.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    let unsealed = visit(folder, &mut |path, metadata| match metadata.is_dir() {
        true => fs::set_permissions(path, Permissions::from_mode(metadata.permissions().mode() | 0o700)),
        false => Ok(()),
    });
    match unsealed.and_then(|()| fs::remove_dir_all(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a small file so that a reader sees the old or the new text, never a part.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().expect("a file of the store lies in a folder");
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Shows every path of a tree, a folder before what lies in it and without following symlinks.
pub(super) fn visit(
    folder: &Path,
    each: &mut dyn FnMut(&Path, &fs::Metadata) -> io::Result<()>,
) -> io::Result<()> {
    // A stack of its own: how deep a tree of strangers goes must not decide about ours.
    let mut waiting: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path)?;
        each(&path, &metadata)?;
        if metadata.is_dir() {
            for child in fs::read_dir(&path)? {
                waiting.push(child?.path());
            }
        }
    }
    Ok(())
}
