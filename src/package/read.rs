//! Reads archives without unpacking them, within limits: an archive may come from anywhere.

use std::io::Read as _;
use std::path::Path;

use super::error::PackageError;
use super::{Format, Listed, ListedKind, MANIFEST, is_manifest};
use crate::model::Manifest;

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
        if size > Manifest::LARGEST {
            return Err(format!("its manifest has {size} bytes").into());
        }
        let mut text = Vec::new();
        bytes.take(Manifest::LARGEST).read_to_end(&mut text).map_err(|error| error.to_string())?;
        manifest = Some(serde_json::from_slice(&text).map_err(|error| format!("its manifest: {error}"))?);
        Ok(false)
    })?;
    manifest.ok_or_else(|| PackageError::not_ours(archive, format!("there is no {MANIFEST} in it")))
}
