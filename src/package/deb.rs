//! `.deb`: a package for dpkg and apt. Here its outer shell is written and read; `control` says what it says of itself.

mod control;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write};
use std::path::Path;

use tar::EntryType;
use tokio_util::sync::CancellationToken;

use super::contents::Contents;
use super::error::PackageError;
use super::parcel::{Parcel, Part};
use super::sink::{self, DigestingWriter};
use super::tar_writer::{append_all, encoder, header, workers};
use super::walk::{Each, decoder, walk_tar};
use super::{Progress, Written, plain_name};

pub(super) const PARTS: &[Part] = &[Part::Runtime, Part::Development, Part::Symbols, Part::Default];

/// dpkg reads zstd since 1.21.18.
const DATA: &str = "data.tar.zst";
const CONTROL: &str = "control.tar.zst";
/// More than any description takes.
const LARGEST_CONTROL: u64 = 1 << 20;
const FORMAT: (&str, &[u8]) = ("debian-binary", b"2.0\n");

/// `NAME_VERSION_amd64`, as dpkg-deb names it.
pub(super) fn stem(parcel: &Parcel<'_>) -> Result<String, PackageError> {
    let about = parcel.about()?;
    let (name, version) = (plain_name(&about.name)?, control::version(&parcel.manifest, about));
    let end = control::suffix(parcel.part);
    Ok(format!("{name}{end}_{}_{}", plain_name(&version)?, control::ARCHITECTURE))
}

pub(super) fn write(
    parcel: &Parcel<'_>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    let texts = std::iter::once(parcel.manifest_text.clone()).chain(control::texts(parcel)?).collect();
    let contents = Contents::new(&parcel.manifest.files, texts, parcel.tree_root, parcel.epoch())?;
    let control = control::files(parcel, &contents)?;
    let control = control_archive(&control, parcel.epoch()).map_err(PackageError::io("packing", archive))?;
    // An ar archive says how long a member is in front of it.
    let mut data = packed_data(&contents, archive, cancel, progress)?;
    sink::persist(archive, |file| {
        let failed = |error| PackageError::io("writing", archive)(error);
        let sink = DigestingWriter::new(BufWriter::with_capacity(256 << 10, file));
        let mut shell = ar::Builder::new(sink);
        let mut append = |name: &str, size: u64, bytes: &mut dyn Read| {
            let mut header = ar::Header::new(name.as_bytes().to_vec(), size);
            header.set_mode(0o100_644);
            header.set_mtime(parcel.epoch());
            shell.append(&header, bytes)
        };
        append(FORMAT.0, FORMAT.1.len() as u64, &mut &*FORMAT.1).map_err(failed)?;
        append(CONTROL, control.len() as u64, &mut control.as_slice()).map_err(failed)?;
        let size = data.metadata().map_err(failed)?.len();
        append(DATA, size, &mut data).map_err(failed)?;
        let (mut file, size, sha256) = shell.into_inner().map_err(failed)?.finish();
        file.flush().map_err(failed)?;
        Ok(Written { size, sha256 })
    })
}

/// The compressed archive of all files, in a nameless file beside the package.
fn packed_data(
    contents: &Contents<'_>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<File, PackageError> {
    let folder = archive.parent().unwrap_or(Path::new("."));
    let failed = |error| PackageError::io("writing into", folder)(error);
    let file = tempfile::tempfile_in(folder).map_err(failed)?;
    let sink = BufWriter::with_capacity(256 << 10, file);
    let mut builder = tar::Builder::new(encoder(sink, workers()).map_err(failed)?);
    append_all(&mut builder, contents, archive, cancel, progress)?;
    let sink = builder.into_inner().and_then(|encoder| encoder.finish()).map_err(failed)?;
    let mut file = sink.into_inner().map_err(|error| failed(error.into_error()))?;
    file.rewind().map_err(failed)?;
    Ok(file)
}

fn control_archive(files: &[(&str, String)], epoch: u64) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(encoder(Vec::new(), workers())?);
    for (name, text) in files {
        let mut header = header(EntryType::Regular, 0o644, text.len() as u64, epoch);
        builder.append_data(&mut header, name, text.as_bytes())?;
    }
    builder.into_inner()?.finish()
}

/// The paragraph by which a package says what it is.
pub fn read_control(archive: &Path) -> Result<String, PackageError> {
    let mut control = None;
    walk_member(archive, CONTROL, &mut |listed, bytes| {
        if listed.path != "control" {
            return Ok(true);
        }
        let mut text = String::new();
        let read = bytes.take(LARGEST_CONTROL).read_to_string(&mut text);
        read.map_err(|error| error.to_string())?;
        control = Some(text);
        Ok(false)
    })?;
    control.ok_or_else(|| PackageError::not_ours(archive, "there is no control file in it"))
}

pub(super) fn walk(archive: &Path, each: Each<'_>) -> Result<(), PackageError> {
    walk_member(archive, DATA, each)
}

/// Shows the entries of one of the two archives in a package.
fn walk_member(archive: &Path, member: &str, each: Each<'_>) -> Result<(), PackageError> {
    let file = File::open(archive).map_err(PackageError::io("opening", archive))?;
    let mut shell = ar::Archive::new(BufReader::with_capacity(256 << 10, file));
    while let Some(entry) = shell.next_entry() {
        let entry = entry.map_err(|error| PackageError::not_ours(archive, error))?;
        if entry.header().identifier() == member.as_bytes() {
            let bytes = decoder(entry).map_err(|error| PackageError::not_ours(archive, error))?;
            return walk_tar(archive, bytes, each);
        }
    }
    Err(PackageError::not_ours(archive, format!("there is no {member} in it")))
}

#[cfg(test)]
mod tests;
