//! Brings what a build installed out of the container: every member checked before it is written.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::model::{Digester, PackagedFile};

use super::BuildError;

/// Unpacks the installed tree (a tar whose members start with `install/`) below `into` and lists it, sorted by path.
///
/// # Errors
/// `Output` for a member that would leave the tree, is a device, or lies behind a symbolic link.
pub fn unpack(archive: &mut dyn Read, into: &Path) -> Result<Vec<PackagedFile>, BuildError> {
    let mut archive = tar::Archive::new(archive);
    let mut files = Vec::new();
    let mut links = BTreeSet::new();
    let stream =
        |error: io::Error| BuildError::Read { path: "installed tree".to_owned(), reason: error.to_string() };
    for entry in archive.entries().map_err(stream)? {
        let mut entry = entry.map_err(stream)?;
        let name = entry.path().map_err(stream)?.into_owned();
        let Some(path) = inside(&name)? else { continue };
        let shown = path.to_string_lossy().into_owned();
        if path.ancestors().any(|ancestor| links.contains(ancestor)) {
            return Err(BuildError::Output {
                path: shown,
                reason: "lies behind a symbolic link or is there twice",
            });
        }
        let target = into.join(&path);
        let write = |error: io::Error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                BuildError::StoreFull { path: target.clone() }
            }
            _ => BuildError::Write { path: target.display().to_string(), reason: error.to_string() },
        };
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            fs::create_dir_all(&target).map_err(write)?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(write)?;
        }
        if kind.is_symlink() {
            let link = entry.link_name().map_err(stream)?.unwrap_or_default().into_owned();
            if !stays_inside(&path, &link) {
                return Err(BuildError::Output {
                    path: shown,
                    reason: "is a symbolic link out of the package",
                });
            }
            std::os::unix::fs::symlink(&link, &target).map_err(write)?;
            links.insert(path);
            files.push(PackagedFile::Symlink { path: shown, target: link.to_string_lossy().into_owned() });
        } else if kind.is_file() {
            let executable = entry.header().mode().map_err(stream)? & 0o100 != 0;
            let (sha256, size) = write_file(&mut entry, &target, executable).map_err(write)?;
            files.push(PackagedFile::File { path: shown, sha256, size, executable });
        } else if kind.is_hard_link() {
            let first = entry.link_name().map_err(stream)?.unwrap_or_default().into_owned();
            let Some(first) = inside(&first)? else {
                return Err(BuildError::Output { path: shown, reason: "is a hard link to nothing" });
            };
            let original = files.iter().find_map(|file| match file {
                PackagedFile::File { path, sha256, size, executable } if Path::new(path) == first => {
                    Some((*sha256, *size, *executable))
                }
                PackagedFile::File { .. } | PackagedFile::Symlink { .. } => None,
            });
            let Some((sha256, size, executable)) = original else {
                return Err(BuildError::Output { path: shown, reason: "is a hard link out of the package" });
            };
            fs::copy(into.join(&first), &target).map_err(write)?;
            files.push(PackagedFile::File { path: shown, sha256, size, executable });
        } else {
            return Err(BuildError::Output { path: shown, reason: "is neither file, folder nor link" });
        }
    }
    files.sort_by(|a, b| a.path().cmp(b.path()));
    if files.is_empty() { Err(BuildError::NothingInstalled) } else { Ok(files) }
}

/// The path below `install/`; `None` for that folder itself.
fn inside(name: &Path) -> Result<Option<PathBuf>, BuildError> {
    let refused = |reason| BuildError::Output { path: name.to_string_lossy().into_owned(), reason };
    let mut parts = name.components().filter(|part| !matches!(part, Component::CurDir));
    parts.next();
    let mut path = PathBuf::new();
    for part in parts {
        match part {
            Component::Normal(part) if part.to_str().is_some() => path.push(part),
            Component::Normal(_) => return Err(refused("has a name that is not UTF-8")),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) | Component::CurDir => {
                return Err(refused("leaves the installed tree"));
            }
        }
    }
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

/// Whether a relative link at `path` stays below the tree's root.
fn stays_inside(path: &Path, link: &Path) -> bool {
    let mut depth = path.components().count() as i64 - 1;
    link.components().all(|part| {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return false,
        }
        depth >= 0
    })
}

fn write_file(
    entry: &mut dyn Read,
    target: &Path,
    executable: bool,
) -> io::Result<(crate::model::Digest, u64)> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(target)?;
    let mut digester = Digester::new();
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0;
    loop {
        let read = entry.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digester.update(&buffer[..read]);
        file.write_all(&buffer[..read])?;
        size += read as u64;
    }
    file.set_permissions(fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    Ok((digester.finish(), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;

    fn archive(members: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, kind, content) in members {
            let mut header = tar::Header::new_old();
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            // Set by hand: the crate's setters refuse the hostile names that are tested here.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            let data = match kind {
                tar::EntryType::Symlink | tar::EntryType::Link => {
                    header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
                    ""
                }
                _ => content,
            };
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append(&header, data.as_bytes()).expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    fn unpacked(members: &[(&str, tar::EntryType, &str)]) -> Result<Vec<PackagedFile>, BuildError> {
        let folder = tempfile::tempdir().expect("a folder");
        unpack(&mut archive(members).as_slice(), folder.path())
    }

    use tar::EntryType::{Char, Directory, Link, Regular, Symlink};

    #[test]
    fn files_and_links_are_listed_by_path_without_the_install_folder() {
        let files = unpacked(&[
            ("install/", Directory, ""),
            ("install/opt/lib/libx.so.1", Regular, "x"),
            ("install/opt/lib/libx.so", Symlink, "libx.so.1"),
        ])
        .expect("unpacks");
        assert_eq!(
            files,
            [
                PackagedFile::Symlink { path: "opt/lib/libx.so".into(), target: "libx.so.1".into() },
                PackagedFile::File {
                    path: "opt/lib/libx.so.1".into(),
                    sha256: Digest::of("x"),
                    size: 1,
                    executable: false
                },
            ]
        );
    }

    #[test]
    fn an_empty_install_is_a_failed_build() {
        assert!(matches!(unpacked(&[("install/", Directory, "")]), Err(BuildError::NothingInstalled)));
    }

    #[test]
    fn whatever_leaves_the_tree_is_refused() {
        for members in [
            &[("install/../x", Regular, "x")][..],
            &[("install/a", Symlink, "/etc")],
            &[("install/a", Symlink, "../../x")],
            &[("install/a", Symlink, "b"), ("install/a/c", Regular, "x")],
            &[("install/a", Link, "install/../../etc/passwd")],
            &[("install/a", Link, "elsewhere/b")],
            &[("install/a", Char, "")],
        ] {
            assert!(matches!(unpacked(members), Err(BuildError::Output { .. })), "{members:?}");
        }
    }
}
