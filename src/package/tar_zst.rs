//! `tar.zst`: a reproducible tar archive of everything, compressed with zstd.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::contents::Contents;
use super::error::PackageError;
use super::parcel::{Parcel, Part};
use super::sink::{self, DigestingWriter};
use super::tar_writer::{append_all, encoder, workers};
use super::walk::{Each, decoder, walk_tar};
use super::{Progress, Written, plain_name};

pub(super) const PARTS: &[Part] = &[Part::Whole, Part::Symbols];

/// `NAME-VERSION-TARGET-TOOLCHAIN`, with `-debug` behind it for the symbols.
pub(super) fn stem(parcel: &Parcel<'_>) -> Result<String, PackageError> {
    let manifest = &parcel.manifest;
    let parts = [&manifest.name, &manifest.version, &manifest.target, &manifest.toolchain.id];
    let parts = parts.map(|part| plain_name(part));
    let end = if parcel.part == Part::Symbols { "-debug" } else { "" };
    Ok(parts.into_iter().collect::<Result<Vec<_>, _>>()?.join("-") + end)
}

pub(super) fn write(
    parcel: &Parcel<'_>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    write_with(parcel, archive, workers(), cancel, progress)
}

fn write_with(
    parcel: &Parcel<'_>,
    archive: &Path,
    workers: u32,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    let texts = vec![parcel.manifest_text.clone()];
    let contents = Contents::new(&parcel.manifest.files, texts, parcel.tree_root, parcel.epoch())?;
    sink::persist(archive, |file| {
        let failed = |error| PackageError::io("writing", archive)(error);
        let sink = DigestingWriter::new(BufWriter::with_capacity(256 << 10, file));
        let mut builder = tar::Builder::new(encoder(sink, workers).map_err(failed)?);
        append_all(&mut builder, &contents, archive, cancel, progress)?;
        let sink = builder.into_inner().and_then(|encoder| encoder.finish()).map_err(failed)?;
        let (mut file, size, sha256) = sink.finish();
        file.flush().map_err(failed)?;
        Ok(Written { size, sha256 })
    })
}

pub(super) fn walk(archive: &Path, each: Each<'_>) -> Result<(), PackageError> {
    let file = File::open(archive).map_err(PackageError::io("opening", archive))?;
    walk_tar(archive, decoder(file).map_err(|error| PackageError::not_ours(archive, error))?, each)
}

#[cfg(test)]
mod tests;
