//! Remembers the digest of every file of a folder with what `lstat` said then, so that a file that did not change
//! is not read again.
//!
//! The caller says where the cache lies and when it is written: looking never writes.
//!
//! A file is *racy* when it was last touched less than two seconds before the look that digested it: another write
//! in the same tick of the file system's clock would leave the same times behind. Racy files are not trusted.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

use crate::model::Digest;

const MAGIC: &[u8; 16] = b"rdna-build-stat2";
const RACY_NANOSECONDS: i64 = 2_000_000_000;
/// A cache is about 150 bytes per file; more than this is no cache of ours.
const LARGEST: u64 = 1 << 30;

/// What `lstat` says of a file, as far as it tells whether the content is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

impl Stamp {
    pub(super) fn of_stat(stat: &Stat) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
            inode: stat.st_ino,
        }
    }
}

/// Digests by path and stamp, of one folder at one look.
#[derive(Clone, Debug, Default)]
pub struct StatCache {
    folder: Vec<u8>,
    looked_at: i64,
    files: HashMap<String, (Stamp, Digest)>,
    pub(super) staged: Option<Staged>,
}

/// Whether a commit and an index differ: reading a commit's trees costs as much as all else of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Staged {
    /// The commit's id, all zero where there is none yet.
    pub head: [u8; 20],
    /// The checksum that ends every index.
    pub index: [u8; 20],
    pub differs: bool,
}

impl StatCache {
    /// An empty cache for a look at `folder` that begins now.
    pub(super) fn begin(folder: &Path) -> Self {
        // A clock before 1970 makes every file racy, which is slow and right.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            folder: folder.as_os_str().as_bytes().to_vec(),
            looked_at: i64::try_from(now.as_nanos()).unwrap_or(0),
            files: HashMap::new(),
            staged: None,
        }
    }

    pub(super) fn is_of(&self, folder: &Path) -> bool {
        self.folder == folder.as_os_str().as_bytes()
    }

    /// The digest of `path`, if the file is surely still the one that was digested.
    pub(super) fn get(&self, path: &str, stamp: &Stamp) -> Option<Digest> {
        let (known, digest) = self.files.get(path)?;
        let settled = self.looked_at.saturating_sub(RACY_NANOSECONDS);
        (known == stamp && stamp.modified < settled && stamp.changed < settled).then_some(*digest)
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn insert(&mut self, path: String, stamp: Stamp, digest: Digest) {
        self.files.insert(path, (stamp, digest));
    }

    /// Reads the cache; one that is missing, damaged or of another version is an empty one.
    pub fn read(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() <= LARGEST => {}
            Ok(_) | Err(_) => return Self::default(),
        }
        fs::read(path).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default()
    }

    /// Writes the cache, whole or not at all.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&self.encode())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.files.len() * 150);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.looked_at.to_le_bytes());
        put_text(&mut out, &self.folder);
        match &self.staged {
            None => out.push(0),
            Some(staged) => {
                out.push(1 + u8::from(staged.differs));
                out.extend_from_slice(&staged.head);
                out.extend_from_slice(&staged.index);
            }
        }
        for (path, (stamp, digest)) in &self.files {
            put_text(&mut out, path.as_bytes());
            out.extend_from_slice(&stamp.size.to_le_bytes());
            out.extend_from_slice(&stamp.modified.to_le_bytes());
            out.extend_from_slice(&stamp.changed.to_le_bytes());
            out.extend_from_slice(&stamp.inode.to_le_bytes());
            out.extend_from_slice(digest.as_bytes());
        }
        // A damaged cache would put a wrong digest into a key, so it proves itself whole.
        let seal = Digest::of(&out);
        out.extend_from_slice(seal.as_bytes());
        out
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

fn decode(bytes: &[u8]) -> Option<StatCache> {
    let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if Digest::of(body).as_bytes() != seal {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let looked_at = i64::from_le_bytes(take(&mut rest)?);
    let folder = take_text(&mut rest)?.to_vec();
    let staged = match take::<1>(&mut rest)? {
        [0] => None,
        [1] => Some(Staged { head: take(&mut rest)?, index: take(&mut rest)?, differs: false }),
        [2] => Some(Staged { head: take(&mut rest)?, index: take(&mut rest)?, differs: true }),
        _ => return None,
    };
    let mut files = HashMap::with_capacity(rest.len() / 120);
    while !rest.is_empty() {
        let path = std::str::from_utf8(take_text(&mut rest)?).ok()?.to_owned();
        let stamp = Stamp {
            size: u64::from_le_bytes(take(&mut rest)?),
            modified: i64::from_le_bytes(take(&mut rest)?),
            changed: i64::from_le_bytes(take(&mut rest)?),
            inode: u64::from_le_bytes(take(&mut rest)?),
        };
        files.insert(path, (stamp, Digest::from_bytes(take(&mut rest)?)));
    }
    Some(StatCache { folder, looked_at, files, staged })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(modified: i64) -> Stamp {
        Stamp { size: 3, modified, changed: modified, inode: 7 }
    }

    fn cache() -> StatCache {
        let mut cache =
            StatCache { folder: b"/src".to_vec(), looked_at: 10_000_000_000, ..StatCache::default() };
        cache.staged = Some(Staged { head: [1; 20], index: [2; 20], differs: true });
        cache.insert("old".to_owned(), stamp(1), Digest::of("old"));
        cache.insert("racy".to_owned(), stamp(9_000_000_000), Digest::of("racy"));
        cache
    }

    #[test]
    fn a_file_touched_just_before_the_look_is_read_again() {
        let cache = cache();
        assert_eq!(cache.get("old", &stamp(1)), Some(Digest::of("old")));
        assert_eq!(cache.get("old", &stamp(2)), None);
        assert_eq!(cache.get("racy", &stamp(9_000_000_000)), None);
    }

    #[test]
    fn a_damaged_cache_is_an_empty_one() {
        let whole = cache().encode();
        let read = decode(&whole).unwrap();
        assert_eq!((read.files.len(), read.staged), (2, cache().staged));
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 1;
            assert!(decode(&damaged).is_none(), "byte {position}");
        }
        assert!(decode(&whole[..whole.len() - 1]).is_none());
    }
}
