//! Writes the members of an archive.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use tar::{Archive, Entry, EntryType};
use tokio_util::sync::CancellationToken;

use super::super::confine::{self, Escape};
use super::error::ArchiveError;
use super::header::Extensions;

/// How large an archive may become on disk.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub members: u64,
}

impl Default for Limits {
    /// Far above ROCm's monorepos, far below what fills a build machine.
    fn default() -> Self {
        Self { bytes: 16 << 30, members: 1_000_000 }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub files: u64,
    pub bytes: u64,
}

/// Memory an xz stream may ask for; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// Unpacks `archive` into `into`, which must be empty or absent, leaving away the one folder at the archive's top when
/// `strip_top` is set. Nothing is left in `into` after an error.
///
/// Files get mode 644 or 755; owners and times of the archive do not count.
pub fn unpack(
    archive: &Path,
    into: &Path,
    strip_top: bool,
    limits: Limits,
    cancel: &CancellationToken,
) -> Result<Unpacked, ArchiveError> {
    fs::create_dir_all(into).map_err(|error| ArchiveError::io(into, error))?;
    if fs::read_dir(into).map_err(|error| ArchiveError::io(into, error))?.next().is_some() {
        return Err(ArchiveError::NotEmpty { folder: into.to_owned() });
    }
    let reader = open(archive)?;
    let mut writer = Writer {
        archive,
        into,
        strip_top,
        limits,
        cancel,
        top: None,
        seen: HashMap::new(),
        symlinks: Vec::new(),
        done: Unpacked::default(),
    };
    let written = writer.members(Archive::new(reader)).and_then(|()| writer.make_symlinks());
    match written {
        Ok(()) => Ok(writer.done),
        Err(error) => {
            // The error says why; what could not be removed as well does not change it.
            let _ = fs::remove_dir_all(into);
            Err(error)
        }
    }
}

/// The archive's bytes without compression, which its first bytes tell: a file's name proves nothing.
fn open(archive: &Path) -> Result<Box<dyn Read>, ArchiveError> {
    let unreadable = |error| ArchiveError::io(archive, error);
    let format = |what| ArchiveError::Format { archive: archive.to_owned(), what };
    let mut file = BufReader::with_capacity(128 * 1024, File::open(archive).map_err(unreadable)?);
    let head = file.fill_buf().map_err(unreadable)?;
    match head {
        [0x1f, 0x8b, ..] => Ok(Box::new(MultiGzDecoder::new(file))),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)
                .map_err(|error| unreadable(error.into()))?;
            Ok(Box::new(XzDecoder::new_stream(file, stream)))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Box::new(zstd::Decoder::with_buffer(file).map_err(unreadable)?)),
        [b'B', b'Z', b'h', ..] => Err(format("it is compressed with bzip2")),
        [b'P', b'K', 3, 4, ..] => Err(format("it is a zip file")),
        head if head.get(257..262) == Some(b"ustar") => Ok(Box::new(file)),
        _ => Err(format("its first bytes are of no known format")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Symlink,
}

struct Writer<'a> {
    archive: &'a Path,
    into: &'a Path,
    strip_top: bool,
    limits: Limits,
    cancel: &'a CancellationToken,
    top: Option<String>,
    /// Everything written or to be written, so that no member hides behind another.
    seen: HashMap<String, Kind>,
    symlinks: Vec<(String, String)>,
    done: Unpacked,
}

impl Writer<'_> {
    fn members(&mut self, mut archive: Archive<Box<dyn Read>>) -> Result<(), ArchiveError> {
        let mut extensions = Extensions::default();
        let mut count = 0;
        for entry in archive.entries().map_err(|error| self.damaged(error))?.raw(true) {
            let mut entry = entry.map_err(|error| self.damaged(error))?;
            count += 1;
            if count > self.limits.members {
                return Err(ArchiveError::TooMany { limit: self.limits.members });
            }
            if self.cancel.is_cancelled() {
                return Err(ArchiveError::Cancelled { archive: self.archive.to_owned() });
            }
            if extensions.take(&mut entry).map_err(|error| self.damaged(error))? {
                continue;
            }
            self.member(&mut entry, &mut extensions)?;
        }
        match self.done.files == 0 && self.symlinks.is_empty() {
            true => Err(ArchiveError::Empty { archive: self.archive.to_owned() }),
            false => Ok(()),
        }
    }

    fn member(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        extensions: &mut Extensions,
    ) -> Result<(), ArchiveError> {
        let kind = entry.header().entry_type();
        let member = self.text(extensions.path(entry))?;
        let link = extensions.link(entry);
        let what = match kind {
            EntryType::Regular | EntryType::Continuous => {
                // The oldest tars write a folder as a file with a `/` behind its name.
                if member.ends_with('/') { Member::Folder } else { Member::File }
            }
            EntryType::Directory => Member::Folder,
            EntryType::Symlink => Member::Symlink,
            EntryType::Link => Member::HardLink,
            EntryType::Fifo => return Err(ArchiveError::Special { member, what: "named pipe" }),
            EntryType::Char | EntryType::Block => {
                return Err(ArchiveError::Special { member, what: "device" });
            }
            EntryType::GNUSparse => return Err(ArchiveError::Special { member, what: "sparse file" }),
            _ => return Err(ArchiveError::Special { member, what: "thing of unknown type" }),
        };
        let Some(path) = self.place(&member, what)? else { return Ok(()) };
        self.claim(&path, what.kind(), &member)?;
        match what {
            Member::Folder => self.make_parents(&format!("{path}/")),
            Member::File => self.file(entry, &path),
            Member::Symlink => {
                let target = self.text(link)?;
                match confine::check_link(&path, &target) {
                    Ok(()) => self.symlinks.push((path, target)),
                    Err(why) => return Err(ArchiveError::HostileLink { member, target, why }),
                }
                Ok(())
            }
            Member::HardLink => {
                let target = self.text(link)?;
                let Some(source) = self.place(&target, what)? else {
                    return Err(ArchiveError::DanglingLink { member, target });
                };
                self.hard_link(&path, &source, &member)
            }
        }
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, ArchiveError> {
        String::from_utf8(bytes).map_err(|error| ArchiveError::HostilePath {
            member: String::from_utf8_lossy(error.as_bytes()).into_owned(),
            why: Escape::NotUtf8,
        })
    }

    /// Where a member goes; `None` for the top folder itself.
    fn place(&mut self, member: &str, what: Member) -> Result<Option<String>, ArchiveError> {
        // `./` at the front and `/` at the end say nothing; what remains is judged.
        let mut path = member;
        while let Some(rest) = path.strip_prefix("./") {
            path = rest;
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        if matches!(path, "" | ".") && matches!(what, Member::Folder) {
            return Ok(None);
        }
        if let Err(why) = confine::check_relative(path) {
            return Err(ArchiveError::HostilePath { member: member.to_owned(), why });
        }
        if !self.strip_top {
            return Ok(Some(path.to_owned()));
        }
        let (top, rest) = match path.split_once('/') {
            Some((top, rest)) => (top, Some(rest)),
            None => (path, None),
        };
        let known = self.top.get_or_insert_with(|| top.to_owned());
        match rest {
            Some(rest) if known == top => Ok(Some(rest.to_owned())),
            None if known == top && matches!(what, Member::Folder) => Ok(None),
            Some(_) | None => Err(ArchiveError::TopFolder { member: member.to_owned(), top: known.clone() }),
        }
    }

    /// Notes that `path` is taken, and that its parents are folders.
    fn claim(&mut self, path: &str, kind: Kind, member: &str) -> Result<(), ArchiveError> {
        let twice = || ArchiveError::Twice { member: member.to_owned() };
        for (slash, _) in path.match_indices('/') {
            match self.seen.get(&path[..slash]) {
                Some(Kind::Folder) => {}
                Some(Kind::File | Kind::Symlink) => return Err(twice()),
                None => drop(self.seen.insert(path[..slash].to_owned(), Kind::Folder)),
            }
        }
        match self.seen.insert(path.to_owned(), kind) {
            None => Ok(()),
            Some(Kind::Folder) if kind == Kind::Folder => Ok(()),
            Some(_) => Err(twice()),
        }
    }

    fn make_parents(&self, path: &str) -> Result<(), ArchiveError> {
        let Some((parent, _)) = path.rsplit_once('/') else { return Ok(()) };
        let parent = self.into.join(parent);
        fs::create_dir_all(&parent).map_err(|error| ArchiveError::io(&parent, error))
    }

    fn file(&mut self, entry: &mut Entry<'_, impl Read>, path: &str) -> Result<(), ArchiveError> {
        let too_large = || ArchiveError::TooLarge { member: path.to_owned(), limit: self.limits.bytes };
        let size = entry.size();
        if self.done.bytes.saturating_add(size) > self.limits.bytes {
            return Err(too_large());
        }
        self.make_parents(path)?;
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        let full = self.into.join(path);
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(if executable { 0o755 } else { 0o644 })
            .open(&full)
            .map_err(|error| ArchiveError::io(&full, error))?;
        let mut buffer = vec![0; 64 * 1024];
        let mut left = size;
        while left > 0 {
            if self.cancel.is_cancelled() {
                return Err(ArchiveError::Cancelled { archive: self.archive.to_owned() });
            }
            let count = match entry.read(&mut buffer).map_err(|error| self.damaged(error))? {
                0 => return Err(self.damaged(io::ErrorKind::UnexpectedEof.into())),
                count => count,
            };
            file.write_all(&buffer[..count]).map_err(|error| ArchiveError::io(&full, error))?;
            left = left.saturating_sub(count as u64);
        }
        self.done.files += 1;
        self.done.bytes += size;
        Ok(())
    }

    fn hard_link(&mut self, path: &str, source: &str, member: &str) -> Result<(), ArchiveError> {
        if self.seen.get(source) != Some(&Kind::File) || source == path {
            return Err(ArchiveError::DanglingLink { member: member.to_owned(), target: source.to_owned() });
        }
        self.make_parents(path)?;
        let (source, full) = (self.into.join(source), self.into.join(path));
        // A copy: later steps may change one file and not mean the other.
        let size = fs::symlink_metadata(&source).map_err(|error| ArchiveError::io(&source, error))?.len();
        if self.done.bytes.saturating_add(size) > self.limits.bytes {
            return Err(ArchiveError::TooLarge { member: member.to_owned(), limit: self.limits.bytes });
        }
        fs::copy(&source, &full).map_err(|error| ArchiveError::io(&full, error))?;
        self.done.files += 1;
        self.done.bytes += size;
        Ok(())
    }

    fn make_symlinks(&mut self) -> Result<(), ArchiveError> {
        for (path, target) in std::mem::take(&mut self.symlinks) {
            self.make_parents(&path)?;
            let full = self.into.join(&path);
            symlink(&target, &full).map_err(|error| ArchiveError::io(&full, error))?;
            self.done.files += 1;
        }
        Ok(())
    }

    fn damaged(&self, error: io::Error) -> ArchiveError {
        ArchiveError::Damaged { archive: self.archive.to_owned(), reason: error.to_string() }
    }
}

#[derive(Clone, Copy)]
enum Member {
    File,
    Folder,
    Symlink,
    HardLink,
}

impl Member {
    fn kind(self) -> Kind {
        match self {
            Member::File | Member::HardLink => Kind::File,
            Member::Folder => Kind::Folder,
            Member::Symlink => Kind::Symlink,
        }
    }
}
