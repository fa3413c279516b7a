//! Reads what lies beside a package. All of it may come from anybody.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::error::AttestError;
use crate::model::Digest;

/// The digest of a file of any size.
pub fn digest_of(path: &Path) -> Result<Digest, AttestError> {
    let reading = AttestError::reading(path);
    let digested = File::open(path).and_then(|file| {
        // A device, to which a link may lead, has no end.
        match file.metadata()?.is_file() {
            true => Digest::of_reader(file),
            false => Err(io::Error::other("it is no file")),
        }
    });
    digested.map(|(digest, _)| digest).map_err(reading)
}

/// A file of at most `limit` bytes; nothing where there is none.
pub(super) fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, AttestError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(AttestError::reading(path))?,
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(AttestError::reading(path))?;
    match bytes.len() as u64 > limit {
        true => Err(AttestError::TooLarge { path: path.to_owned(), limit }),
        false => Ok(Some(bytes)),
    }
}
