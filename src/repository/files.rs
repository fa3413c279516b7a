//! Files of a repository: placed whole, and found again.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::RepositoryError;
use crate::model::Digest;

/// Writes a file under its name in one step; readers see the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), RepositoryError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(RepositoryError::io("making", folder))?;
    let failed = |error| RepositoryError::io("writing", path)(error);
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    finish(file, path).map_err(failed)
}

/// Copies a file into the repository. One with the same bytes there stays; one with others is an error.
pub(super) fn add(from: &Path, to: &Path) -> Result<bool, RepositoryError> {
    if to.exists() {
        return match digest(from)? == digest(to)? {
            true => Ok(false),
            false => Err(RepositoryError::OtherBytes { path: to.to_owned() }),
        };
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(RepositoryError::io("making", folder))?;
    let mut source = File::open(from).map_err(RepositoryError::io("opening", from))?;
    let failed = |error| RepositoryError::io("writing", to)(error);
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed)?;
    io::copy(&mut source, file.as_file_mut()).map_err(failed)?;
    finish(file, to).map_err(failed)?;
    Ok(true)
}

fn finish(file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    // A temporary file is private; a repository is not.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Digest and bytes of a file.
pub(super) fn digest(path: &Path) -> Result<(Digest, u64), RepositoryError> {
    File::open(path).and_then(Digest::of_reader).map_err(RepositoryError::io("reading", path))
}

/// Packed as small as it gets: indexes are written once and read often.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("memory can be written")
}

/// The files below a folder whose names end so, sorted; none where there is no such folder.
pub(super) fn below(folder: &Path, end: &str) -> Result<Vec<PathBuf>, RepositoryError> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let children = match fs::read_dir(&folder) {
            Ok(children) => children,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(RepositoryError::io("reading", &folder)(error)),
        };
        for child in children {
            let child = child.map_err(RepositoryError::io("reading", &folder))?;
            let kind = child.file_type().map_err(RepositoryError::io("reading", &folder))?;
            let name = child.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() {
                waiting.push(child.path());
            } else if kind.is_file() && name.ends_with(end) && !name.starts_with('.') {
                found.push(child.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes files of a folder that are in none of these; of the indexes of older states, whoever reads just now needs the last.
pub(super) fn keep_only(folder: &Path, kept: &[&[String]]) -> Result<(), RepositoryError> {
    for path in below(folder, "")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !kept.iter().any(|names| names.contains(&name)) {
            fs::remove_file(&path).map_err(RepositoryError::io("removing", &path))?;
        }
    }
    Ok(())
}

/// The path of a file below the repository's folder, as addresses and indexes write it.
pub(super) fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}
