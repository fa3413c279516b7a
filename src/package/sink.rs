//! Where written bytes go: files that appear whole, with the digest of what passed.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::error::PackageError;
use crate::model::{Digest, Digester};

/// Writes a file beside its place and renames it there when `fill` went well; else nothing is left.
pub(super) fn persist<T>(
    path: &Path,
    fill: impl FnOnce(&mut File) -> Result<T, PackageError>,
) -> Result<T, PackageError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)
        .map_err(PackageError::io("writing into", folder))?;
    let value = fill(file.as_file_mut())?;
    // A temporary file is private; a package is not.
    file.as_file()
        .set_permissions(Permissions::from_mode(0o644))
        .map_err(PackageError::io("writing", path))?;
    file.persist(path).map_err(|error| PackageError::io("writing", path)(error.error))?;
    Ok(value)
}

/// Counts and digests what is written through it.
pub(super) struct DigestingWriter<W> {
    inner: W,
    digester: Digester,
    size: u64,
}

impl<W: Write> DigestingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, digester: Digester::new(), size: 0 }
    }

    pub(super) fn finish(self) -> (W, u64, Digest) {
        (self.inner, self.size, self.digester.finish())
    }
}

impl<W: Write> Write for DigestingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digester.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
