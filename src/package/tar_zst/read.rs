//! Reads archives without unpacking them, within limits: an archive may come from anywhere.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use tar::EntryType;
use tokio_util::sync::CancellationToken;

use crate::model::Manifest;
use crate::package::error::PackageError;
use crate::package::{Listed, ListedKind, MANIFEST, tree};

/// What a reader puts up with from an archive of a stranger.
const LARGEST_MANIFEST: u64 = 64 << 20;
const LONGEST_NAME: u64 = 64 << 10;
const MOST_ENTRIES: usize = 1 << 20;
const LONGEST_END: u64 = 1 << 20;
/// More than any library with its kernels takes.
const LARGEST_CONTENT: u64 = 32 << 30;
/// Log2 of the window: memory a reader spends at most on decompression, 128 MiB.
const LARGEST_WINDOW: u32 = 27;

pub(in crate::package) fn list(archive: &Path) -> Result<Vec<Listed>, PackageError> {
    let mut listed = Vec::new();
    walk(archive, &mut |entry, _| {
        listed.push(entry);
        Ok(true)
    })?;
    Ok(listed)
}

pub(in crate::package) fn read_manifest(archive: &Path) -> Result<Manifest, PackageError> {
    let mut manifest = None;
    walk(archive, &mut |entry, bytes| {
        if !entry.path.strip_suffix(MANIFEST).is_some_and(|prefix| prefix.ends_with('/')) {
            return Ok(true);
        }
        let ListedKind::File { size } = entry.kind else { return Err("its manifest is no file".to_owned()) };
        if size > LARGEST_MANIFEST {
            return Err(format!("its manifest has {size} bytes"));
        }
        let mut text = Vec::new();
        bytes.take(LARGEST_MANIFEST).read_to_end(&mut text).map_err(|error| error.to_string())?;
        manifest = Some(serde_json::from_slice(&text).map_err(|error| format!("its manifest: {error}"))?);
        Ok(false)
    })?;
    manifest.ok_or_else(|| PackageError::NotOurs {
        archive: archive.to_owned(),
        reason: format!("there is no {MANIFEST} in it"),
    })
}

/// Unpacks into an empty folder. Links are made when all files are there, so that nothing is written through one.
pub(in crate::package) fn unpack(
    archive: &Path,
    into: &Path,
    cancel: &CancellationToken,
) -> Result<(), PackageError> {
    let mut links = Vec::new();
    let mut total = 0u64;
    walk(archive, &mut |entry, bytes| {
        if cancel.is_cancelled() {
            return Err("interrupted".to_owned());
        }
        let place = into.join(&entry.path);
        let text = |error: io::Error| format!("{}: {error}", entry.path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(text)?;
        }
        match entry.kind {
            ListedKind::Directory => fs::create_dir_all(&place).map_err(text)?,
            ListedKind::Symlink { target } => {
                if let Some(why) = tree::symlink_objection(&entry.path, &target) {
                    return Err(format!("its link {} leads {why}", entry.path));
                }
                links.push((place, entry.path, target));
            }
            ListedKind::File { size } => {
                total = total.saturating_add(size);
                if total > LARGEST_CONTENT {
                    return Err(format!("it holds more than {LARGEST_CONTENT} bytes"));
                }
                let mut file =
                    File::options().write(true).create_new(true).mode(0o600).open(&place).map_err(text)?;
                let written = io::copy(bytes, &mut file).map_err(text)?;
                if written != size {
                    return Err(format!("{} ends after {written} of {size} bytes", entry.path));
                }
                let mode = if entry.mode & 0o111 != 0 { 0o755 } else { 0o644 };
                file.set_permissions(Permissions::from_mode(mode)).map_err(text)?;
            }
        }
        Ok(true)
    })?;
    if cancel.is_cancelled() {
        return Err(PackageError::Cancelled);
    }
    for (place, path, target) in links {
        symlink(target, &place).map_err(|error| PackageError::NotOurs {
            archive: archive.to_owned(),
            reason: format!("{path}: {error}"),
        })?;
    }
    Ok(())
}

/// Shows each entry with its bytes until told to stop. The checksum is checked only when never told.
fn walk(
    archive: &Path,
    each: &mut dyn FnMut(Listed, &mut dyn Read) -> Result<bool, String>,
) -> Result<(), PackageError> {
    let file = File::open(archive).map_err(PackageError::io("opening", archive))?;
    let walk = || -> Result<(), String> {
        let text = |error: io::Error| error.to_string();
        let mut decoder = zstd::Decoder::new(BufReader::with_capacity(256 << 10, file)).map_err(text)?;
        decoder.window_log_max(LARGEST_WINDOW).map_err(text)?;
        let mut tar = tar::Archive::new(decoder);
        let (mut long_path, mut long_target) = (None, None);
        // Raw: otherwise the library reads a long name into memory however long it is.
        for (count, entry) in tar.entries().map_err(text)?.raw(true).enumerate() {
            let mut entry = entry.map_err(text)?;
            if count >= MOST_ENTRIES {
                return Err(format!("it has more than {MOST_ENTRIES} entries"));
            }
            let header = entry.header().clone();
            let kind = match header.entry_type() {
                EntryType::GNULongName => {
                    long_path = Some(long_name(&mut entry)?);
                    continue;
                }
                EntryType::GNULongLink => {
                    long_target = Some(long_name(&mut entry)?);
                    continue;
                }
                EntryType::Directory => ListedKind::Directory,
                EntryType::Regular => ListedKind::File { size: entry.size() },
                EntryType::Symlink => {
                    let short = header.link_name_bytes().unwrap_or_default().into_owned();
                    let target = long_target.take().unwrap_or(short);
                    ListedKind::Symlink { target: utf8(target)? }
                }
                other => return Err(format!("it holds an entry of kind {:?}", other.as_byte() as char)),
            };
            let path = utf8(long_path.take().unwrap_or_else(|| header.path_bytes().into_owned()))?;
            let path = path.trim_end_matches('/').to_owned();
            if !tree::is_plain_path(&path) {
                return Err(format!("it holds the path {path:?}"));
            }
            let mode = header.mode().map_err(text)?;
            if !each(Listed { path, mode, kind }, &mut entry)? {
                return Ok(());
            }
        }
        // The checksum lies behind the last entry.
        let rest = io::copy(&mut tar.into_inner().take(LONGEST_END), &mut io::sink()).map_err(text)?;
        match rest < LONGEST_END {
            true => Ok(()),
            false => Err("it goes on behind its end".to_owned()),
        }
    };
    walk().map_err(|reason| PackageError::NotOurs { archive: archive.to_owned(), reason })
}

fn long_name(entry: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    entry.take(LONGEST_NAME + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST_NAME {
        return Err("it holds a name of more than 64 KiB".to_owned());
    }
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "it holds a name that is not UTF-8".to_owned())
}
