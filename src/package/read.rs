//! Reads archives without unpacking them, within limits: an archive may come from anywhere.

use std::io::Read as _;
use std::path::Path;

use super::error::PackageError;
use super::{Format, Listed, ListedKind, MANIFEST, is_manifest};
use crate::model::Manifest;

/// What a reader puts up with from an archive of a stranger.
const LARGEST_MANIFEST: u64 = 64 << 20;

pub(super) fn list(format: &Format, archive: &Path) -> Result<Vec<Listed>, PackageError> {
    let mut listed = Vec::new();
    (format.walk)(archive, &mut |entry, _| {
        listed.push(entry);
        Ok(true)
    })?;
    Ok(listed)
}

pub(super) fn read_manifest(format: &Format, archive: &Path) -> Result<Manifest, PackageError> {
    let mut manifest = None;
    (format.walk)(archive, &mut |entry, bytes| {
        if !is_manifest(&entry.path) {
            return Ok(true);
        }
        let ListedKind::File { size } = entry.kind else {
            return Err("its manifest is no file".to_owned().into());
        };
        if size > LARGEST_MANIFEST {
            return Err(format!("its manifest has {size} bytes").into());
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
