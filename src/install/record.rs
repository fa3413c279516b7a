//! What is kept of an installed package beside it: when, from what, and every file as it was installed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::base::Base;
use super::disk;
use super::error::InstallError;
use super::title::Title;
use crate::model::{Device, Digest, PackagedFile, Tier, Verification};

/// How many versions back a link can be taken.
const MOST_HISTORY: usize = 20;

/// An installed package. Schema 1; a reader ignores keys it does not know.
///
/// Its file is named after the package's manifest, so that the record of a package that is just being replaced and that of its
/// successor are two.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Record {
    pub schema: u32,
    pub title: Title,
    pub toolchain: String,
    /// Grows with every install: clocks go back.
    pub number: u64,
    /// Seconds since 1970.
    pub installed: u64,
    pub archive: ArchiveRecord,
    /// Of the manifest's file.
    pub manifest: Digest,
    /// Every file, the manifest too, relative to the package's own folder.
    pub files: Vec<PackagedFile>,
    pub verdict: Option<Verdict>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct ArchiveRecord {
    pub name: String,
    pub size: u64,
    pub sha256: Digest,
}

/// What a package's verification report comes to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    pub tiers: Vec<Tier>,
    pub passed: usize,
    pub failed: usize,
    /// What computed: `gfx1010 card`, `gfx1010 emulator`; empty where nothing did.
    pub computed_on: Vec<String>,
}

impl Verdict {
    pub(super) fn of(verification: &Verification) -> Self {
        let device = |device: &Device| match device {
            Device::Card(card) => format!("{} card", card.target),
            Device::Emulator(emulator) => format!("{} emulator", emulator.target),
        };
        Self {
            tiers: verification.tiers.clone(),
            passed: verification.passed(),
            failed: verification.failed(),
            computed_on: verification.devices.iter().map(device).collect(),
        }
    }
}

/// Which versions were current before, by link, the last one last. Schema 1.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct History {
    schema: u32,
    pub links: BTreeMap<String, Vec<String>>,
}

/// A change that was begun. Schema 1.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Journal {
    /// The package with this manifest comes to its place, and becomes current.
    Put { title: Title, manifest: Digest, is_new: bool },
    /// This one goes.
    Remove { title: Title, was_current: bool },
}

impl Default for History {
    fn default() -> Self {
        Self { schema: 1, links: BTreeMap::new() }
    }
}

impl History {
    pub fn read(base: &Base) -> Self {
        // Without it the way back is lost, and nothing else.
        read_json(&base.history()).ok().flatten().unwrap_or_default()
    }

    pub fn write(&self, base: &Base) -> Result<(), InstallError> {
        disk::write_whole(&base.history(), &json(self))
    }

    pub fn push(&mut self, link: &str, folder: &str) {
        let past = self.links.entry(link.to_owned()).or_default();
        if past.last().map(String::as_str) != Some(folder) {
            past.push(folder.to_owned());
        }
        let too_many = past.len().saturating_sub(MOST_HISTORY);
        past.drain(..too_many);
    }

    /// Takes out a version that is no longer there.
    pub fn forget(&mut self, link: &str, folder: &str) {
        if let Some(past) = self.links.get_mut(link) {
            past.retain(|one| one != folder);
            past.dedup();
        }
        self.links.retain(|_, past| !past.is_empty());
    }
}

impl Journal {
    pub fn read(base: &Base) -> Result<Option<Self>, InstallError> {
        read_json(&base.journal())
    }

    pub fn write(&self, base: &Base) -> Result<(), InstallError> {
        disk::write_whole(&base.journal(), &json(self))
    }

    pub fn clear(base: &Base) -> Result<(), InstallError> {
        let path = base.journal();
        disk::remove_if_there(&path).map_err(InstallError::io("removing", &path))
    }
}

impl Record {
    pub fn write(&self, base: &Base) -> Result<(), InstallError> {
        disk::write_whole(&base.record(&self.title, &self.manifest), &json(self))
    }

    /// All records, in the order of their installs.
    pub fn read_all(base: &Base) -> Result<Vec<Self>, InstallError> {
        let folder = base.records();
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(InstallError::io("reading", &folder))?,
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(InstallError::io("reading", &folder))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(read_json::<Self>(&path)?);
            }
        }
        records.sort_by_key(|record| record.number);
        Ok(records)
    }

    /// Removes the records of a title, all but that of one manifest.
    pub fn remove_others(base: &Base, title: &Title, kept: Option<&Digest>) -> Result<(), InstallError> {
        for record in Self::read_all(base)? {
            if record.title == *title && Some(&record.manifest) != kept {
                let path = base.record(title, &record.manifest);
                disk::remove_if_there(&path).map_err(InstallError::io("removing", &path))?;
            }
        }
        Ok(())
    }
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("what is kept has only text keys");
    text.push(b'\n');
    text
}

/// Reads one of our own files; nothing where it is not there or is damaged.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, InstallError> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(InstallError::io("reading", path)(error)),
    }
}
