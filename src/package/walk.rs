//! A walk through the entries of an archive, which every format offers and everything that reads packages builds on.

use std::io::{self, BufReader, Read};
use std::path::Path;

use tar::EntryType;

use super::error::PackageError;
use super::{Listed, ListedKind, tree};

/// What a reader puts up with from an archive of a stranger.
const LONGEST_NAME: u64 = 64 << 10;
pub(super) const MOST_ENTRIES: usize = 1 << 20;
const LONGEST_END: u64 = 1 << 20;
/// Log2 of the window: memory a reader spends at most on decompression, 128 MiB.
const LARGEST_WINDOW: u32 = 27;

/// Why a walk through an archive ends early.
pub(super) enum Stop {
    /// The archive is not what it should be.
    Reason(String),
    /// Something else went wrong meanwhile.
    Error(PackageError),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Stop::Reason(reason)
    }
}

impl From<PackageError> for Stop {
    fn from(error: PackageError) -> Self {
        Stop::Error(error)
    }
}

/// What a walk tells of an entry; it answers whether to go on.
pub(super) type Each<'a> = &'a mut dyn FnMut(Listed, &mut dyn Read) -> Result<bool, Stop>;

/// The tar archive inside a compressed one.
pub(super) fn decoder<R: Read>(compressed: R) -> io::Result<zstd::Decoder<'static, BufReader<R>>> {
    let mut decoder = zstd::Decoder::with_buffer(BufReader::with_capacity(256 << 10, compressed))?;
    decoder.window_log_max(LARGEST_WINDOW)?;
    Ok(decoder)
}

/// Shows each entry of a tar archive with its bytes until told to stop. The checksum is checked only when never told.
pub(super) fn walk_tar(archive: &Path, bytes: impl Read, each: Each<'_>) -> Result<(), PackageError> {
    let walk = || -> Result<(), Stop> {
        let text = |error: io::Error| error.to_string();
        let mut tar = tar::Archive::new(bytes);
        let (mut long_path, mut long_target) = (None, None);
        // Raw: otherwise the library reads a long name into memory however long it is.
        for (count, entry) in tar.entries().map_err(text)?.raw(true).enumerate() {
            let mut entry = entry.map_err(text)?;
            if count >= MOST_ENTRIES {
                return Err(format!("it has more than {MOST_ENTRIES} entries").into());
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
                other => {
                    return Err(format!("it holds an entry of kind {:?}", other.as_byte() as char).into());
                }
            };
            let path = utf8(long_path.take().unwrap_or_else(|| header.path_bytes().into_owned()))?;
            // dpkg's archives begin with their root.
            let path = path.strip_prefix("./").unwrap_or(&path).trim_end_matches('/').to_owned();
            if path.is_empty() && kind == ListedKind::Directory {
                continue;
            }
            if !tree::is_plain_path(&path) {
                return Err(format!("it holds the path {path:?}").into());
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
            false => Err("it goes on behind its end".to_owned().into()),
        }
    };
    walk().map_err(|stop| match stop {
        Stop::Reason(reason) => PackageError::not_ours(archive, reason),
        Stop::Error(error) => error,
    })
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
