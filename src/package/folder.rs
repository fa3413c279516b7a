//! Whole folders as a `tar.zst`, streamed: what the store's remote carries. The rules for what may lie in one are a package's.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tar::EntryType;
use tokio_util::sync::CancellationToken;

use super::error::PackageError;
use super::tar_writer::{encoder, header, workers};
use super::{tree, unpack};

/// What errors call an archive that comes out of no file.
const STREAM: &str = "the remote's archive";

/// Writes everything below `root`, sorted by path. The bytes follow from paths, contents, links and the right to execute alone.
pub fn pack_folder(root: &Path, into: &mut dyn Write) -> io::Result<()> {
    let mut paths = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        for child in fs::read_dir(root.join(&folder))? {
            let child = child?;
            let name = child
                .file_name()
                .into_string()
                .map_err(|name| unpackable(&name.to_string_lossy(), "is not UTF-8"))?;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if child.file_type()?.is_dir() {
                waiting.push(path.clone());
            }
            paths.push(path);
        }
    }
    paths.sort();
    let mut builder = tar::Builder::new(encoder(into, workers())?);
    for path in paths {
        append(&mut builder, &root.join(&path), &path)?;
    }
    builder.into_inner()?.finish()?.flush()
}

fn append<W: Write>(builder: &mut tar::Builder<W>, place: &Path, path: &str) -> io::Result<()> {
    let metadata = fs::symlink_metadata(place)?;
    if metadata.is_symlink() {
        let target = fs::read_link(place)?;
        let target = target.to_str().ok_or_else(|| unpackable(path, "is a link to what is not UTF-8"))?;
        if let Some(why) = tree::symlink_objection(path, target) {
            return Err(unpackable(path, &format!("is a link that leads {why}")));
        }
        let mut header = header(EntryType::Symlink, 0o777, 0, 0);
        return builder.append_link(&mut header, path, target);
    }
    if metadata.is_dir() {
        let mut header = header(EntryType::Directory, 0o755, 0, 0);
        return builder.append_data(&mut header, format!("{path}/"), io::empty());
    }
    if !metadata.is_file() {
        return Err(unpackable(path, "is neither file, folder nor link"));
    }
    let mode = if metadata.permissions().mode() & 0o111 != 0 { 0o755 } else { 0o644 };
    let mut header = header(EntryType::Regular, mode, metadata.len(), 0);
    let mut file = File::open(place)?.take(metadata.len());
    builder.append_data(&mut header, path, &mut file)?;
    // What is too short would shift all that follows.
    match file.limit() {
        0 => Ok(()),
        _ => Err(unpackable(path, "became shorter meanwhile")),
    }
}

fn unpackable(path: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} {why}"))
}

/// Unpacks such a folder into an empty one. Whatever comes, nothing is written outside of it.
pub fn unpack_folder(
    bytes: &mut dyn Read,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<(), PackageError> {
    unpack::unpack_stream(Path::new(STREAM), bytes, into, cancel)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn packed(root: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack_folder(root, &mut bytes).unwrap();
        bytes
    }

    fn folder() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/empty")).unwrap();
        fs::write(root.path().join("b/file"), "content").unwrap();
        fs::write(root.path().join("a"), "#!").unwrap();
        fs::set_permissions(root.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("b/file", root.path().join("link")).unwrap();
        fs::write(root.path().join("n".repeat(200)), "a long name").unwrap();
        root
    }

    #[test]
    fn a_folder_comes_out_as_it_went_in_and_always_as_the_same_bytes() {
        let root = folder();
        let bytes = packed(root.path());
        let into = tempfile::tempdir().unwrap();
        unpack_folder(&mut bytes.as_slice(), into.path(), &CancellationToken::new()).unwrap();
        assert!(into.path().join("b/empty").is_dir());
        assert_eq!(fs::read_link(into.path().join("link")).unwrap(), Path::new("b/file"));
        assert_eq!(fs::metadata(into.path().join("a")).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(packed(into.path()), bytes);
        // Neither times nor the right to write matter.
        fs::set_permissions(root.path().join("a"), fs::Permissions::from_mode(0o555)).unwrap();
        File::open(root.path().join("a")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(packed(root.path()), bytes);
    }

    #[test]
    fn what_could_not_be_unpacked_is_not_packed() {
        let root = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", root.path().join("link")).unwrap();
        let error = pack_folder(root.path(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "link is a link that leads to an absolute path");
    }
}
