//! `tar.zst`: a reproducible tar archive, compressed with zstd. Here it is written; `read` reads it, `unpack` lays its files down.

mod read;
mod unpack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::thread;

use tar::{EntryType, Header};
use tokio_util::sync::CancellationToken;
use zstd::zstd_safe::CParameter;

use super::error::PackageError;
use super::sink::{self, DigestingWriter};
use super::{Contents, Progress, Written, tree};
use crate::model::{Digester, PackagedFile};

pub(super) use read::{list, read_manifest};
pub(super) use unpack::{unpack, unpack_digested};

const LEVEL: i32 = 3;
/// Bytes compressed as one job. Part of the format: another number gives other bytes. zstd's own choice is twice this;
/// on 515 MiB of libraries that took 60 MiB of memory with two workers, this takes 34 for 0.3 % more size.
const JOB_SIZE: u32 = 4 << 20;
/// More would not be faster than the disk, and each costs memory. The bytes do not depend on it as long as it is not 0.
const MOST_WORKERS: u32 = 2;

/// Something of an archive, by its path.
enum Part<'a> {
    Directory,
    Symlink { target: &'a str },
    File { expected: &'a PackagedFile },
    Manifest,
}

pub(super) fn write(
    contents: &Contents<'_>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    let cores = thread::available_parallelism().map_or(1, |n| n.get() as u32);
    write_with(contents, archive, cores.clamp(1, MOST_WORKERS), cancel, progress)
}

fn write_with(
    contents: &Contents<'_>,
    archive: &Path,
    workers: u32,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    let parts = parts(contents)?;
    sink::persist(archive, |file| {
        let failed = |error| PackageError::io("writing", archive)(error);
        let sink = DigestingWriter::new(BufWriter::with_capacity(256 << 10, file));
        let encoder = encoder(sink, workers).map_err(failed)?;
        let mut builder = tar::Builder::new(encoder);
        append_all(&mut builder, contents, &parts, archive, cancel, progress)?;
        let sink = builder.into_inner().and_then(|encoder| encoder.finish()).map_err(failed)?;
        let (mut file, size, sha256) = sink.finish();
        file.flush().map_err(failed)?;
        Ok(Written { size, sha256 })
    })
}

fn encoder<W: Write>(sink: W, workers: u32) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(sink, LEVEL)?;
    encoder.multithread(workers)?;
    encoder.set_parameter(CParameter::JobSize(JOB_SIZE))?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

/// Everything to write, sorted by path, with the folders above each.
fn parts<'a>(contents: &Contents<'a>) -> Result<BTreeMap<&'a str, Part<'a>>, PackageError> {
    let bad = |path: &str, why| Err(PackageError::BadPath { path: path.to_owned(), why });
    let mut parts = BTreeMap::new();
    parts.insert(contents.manifest_path, Part::Manifest);
    for file in &contents.manifest.files {
        let part = match file {
            PackagedFile::File { .. } => Part::File { expected: file },
            PackagedFile::Symlink { path, target } => match tree::symlink_objection(path, target) {
                Some(why) => {
                    let (path, target) = (path.clone(), target.clone());
                    return Err(PackageError::Symlink { path, target, why });
                }
                None => Part::Symlink { target },
            },
        };
        if !tree::is_plain_path(file.path()) {
            return bad(file.path(), "is not a plain relative path");
        }
        if parts.insert(file.path(), part).is_some() {
            return bad(file.path(), "is there twice, or is the place of the package's own manifest");
        }
    }
    let folders: BTreeSet<&'a str> =
        parts.keys().flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end])).collect();
    for folder in folders {
        if parts.insert(folder, Part::Directory).is_some() {
            return bad(folder, "has files below it but is no folder");
        }
    }
    Ok(parts)
}

fn append_all<W: Write>(
    builder: &mut tar::Builder<W>,
    contents: &Contents<'_>,
    parts: &BTreeMap<&str, Part<'_>>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<(), PackageError> {
    let failed = |error| PackageError::io("writing", archive)(error);
    let epoch = contents.manifest.build.source_date_epoch;
    let total = contents
        .manifest
        .files
        .iter()
        .map(|file| match file {
            PackagedFile::File { size, .. } => *size,
            PackagedFile::Symlink { .. } => 0,
        })
        .sum();
    let mut done = 0;
    for (path, part) in parts {
        if cancel.is_cancelled() {
            return Err(PackageError::Cancelled);
        }
        match part {
            Part::Directory => {
                let mut header = header(EntryType::Directory, 0o755, 0, epoch);
                builder.append_data(&mut header, format!("{path}/"), io::empty()).map_err(failed)?;
            }
            Part::Symlink { target } => {
                let mut header = header(EntryType::Symlink, 0o777, 0, epoch);
                builder.append_link(&mut header, path, target).map_err(failed)?;
            }
            Part::Manifest => {
                let text = contents.manifest_text;
                let mut header = header(EntryType::Regular, 0o644, text.len() as u64, epoch);
                builder.append_data(&mut header, path, text).map_err(failed)?;
            }
            Part::File { expected } => {
                let PackagedFile::File { size, executable, .. } = expected else { continue };
                let mode = if *executable { 0o755 } else { 0o644 };
                let mut header = header(EntryType::Regular, mode, *size, epoch);
                let place = contents.tree_root.join(path);
                let mut advance = |read| {
                    done += read;
                    progress(done, total);
                };
                let mut source = Source::open(&place, *size, cancel, &mut advance)?;
                let appended = builder.append_data(&mut header, path, &mut source);
                source.check(expected, appended, archive)?;
            }
        }
    }
    Ok(())
}

fn header(kind: EntryType, mode: u32, size: u64, mtime: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(mtime);
    // Numbers only: a name would be looked up on the machine that unpacks.
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// A file on its way into the archive: exactly as many bytes as its header says, digested.
struct Source<'a> {
    path: &'a Path,
    file: io::Take<File>,
    digester: Digester,
    read: u64,
    /// The error of reading the file, told apart from one of writing the archive.
    broken: Option<io::Error>,
    cancel: &'a CancellationToken,
    advance: &'a mut dyn FnMut(u64),
}

impl<'a> Source<'a> {
    fn open(
        path: &'a Path,
        size: u64,
        cancel: &'a CancellationToken,
        advance: &'a mut dyn FnMut(u64),
    ) -> Result<Self, PackageError> {
        let file = tree::open_file(path)?.take(size);
        Ok(Self { path, file, digester: Digester::new(), read: 0, broken: None, cancel, advance })
    }

    fn check(
        self,
        expected: &PackagedFile,
        appended: io::Result<()>,
        archive: &Path,
    ) -> Result<(), PackageError> {
        let PackagedFile::File { path, sha256, size, .. } = expected else { return Ok(()) };
        if self.cancel.is_cancelled() {
            return Err(PackageError::Cancelled);
        }
        if let Some(error) = self.broken {
            return Err(PackageError::io("reading", self.path)(error));
        }
        appended.map_err(PackageError::io("writing", archive))?;
        let length = self.file.get_ref().metadata().map_err(PackageError::io("reading", self.path))?.len();
        if self.read != *size || length != *size {
            return Err(PackageError::Resized { path: path.clone(), expected: *size });
        }
        let found = self.digester.finish();
        match found == *sha256 {
            true => Ok(()),
            false => Err(PackageError::Changed { path: path.clone(), found, expected: *sha256 }),
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            // Not `Interrupted`: that one is tried again.
            return Err(io::Error::other("cancelled"));
        }
        match self.file.read(buffer) {
            Ok(read) => {
                self.digester.update(&buffer[..read]);
                self.read += read as u64;
                (self.advance)(read as u64);
                Ok(read)
            }
            Err(error) => {
                let kind = error.kind();
                self.broken = Some(error);
                Err(kind.into())
            }
        }
    }
}

#[cfg(test)]
mod tests;
