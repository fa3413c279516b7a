//! Installs a package: unpacked aside and compared with its manifest, then put in its place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::base::Base;
use super::decide::{self, Decision, There};
use super::disk;
use super::error::InstallError;
use super::lock::BaseLock;
use super::lock::Waiting;
use super::look::{self, Installed};
use super::record::{ArchiveRecord, History, Journal, Record, Verdict};
use super::recover::{ASIDE, linked, recover};
use super::shell;
use super::title::Title;
use crate::model::{Digest, Manifest};
use crate::package::{self, Unpacked};

/// What is to be installed, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub archive: &'a Path,
    pub base: &'a Base,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Installed,
    /// Every file was there as it should be.
    AlreadyInstalled,
    /// It was there, and was put there again: why.
    Reinstalled {
        why: String,
    },
}

/// An installed package.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub installed: Installed,
    pub outcome: Outcome,
    /// The folder of the version that was current before, if another.
    pub before: Option<String>,
    pub link: PathBuf,
    pub shell_file: PathBuf,
}

/// Installs a package and makes it current. Whatever goes wrong, what was there before is there still.
pub fn install(order: Order<'_>, mut waiting: Waiting<'_>) -> Result<Placed, InstallError> {
    let Order { archive, base } = order;
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Nothing is made for what cannot even be opened.
    let length = package_length(archive)?;
    let lock = BaseLock::create(base, &format!("installs {name}"), &mut waiting)?;
    let result = recover(base).and_then(|()| locked(order, name, length, &waiting));
    if result.is_err() && look::installed(base).is_ok_and(|installed| installed.is_empty()) {
        let _ = super::recover::leave(base);
    }
    drop(lock);
    result
}

fn locked(
    order: Order<'_>,
    name: String,
    length: u64,
    waiting: &Waiting<'_>,
) -> Result<Placed, InstallError> {
    let Order { archive, base } = order;
    if let Some(there) = same_archive(archive, length, base)? {
        check_digest(archive, there.1)?;
        if look::changes(&there.0, waiting.cancel)?.is_empty() {
            return keep(base, there.0);
        }
    }
    let work = base.work();
    disk::make_folders(&work)?;
    disk::make_folders(&base.records())?;
    let folder = tempfile::Builder::new()
        .prefix("new-")
        .tempdir_in(&work)
        .map_err(InstallError::io("creating a folder in", &work))?;
    let unpacked = package::unpack_checked(archive, folder.path(), waiting.cancel)?;
    check_digest(archive, unpacked.sha256)?;
    let title = Title::of(&unpacked.manifest)?;
    check_places(base, &title)?;
    let there = look::installed(base)?.into_iter().find(|one| one.title == title);
    let why = match &there {
        None => None,
        Some(there) => {
            let differences = look::changes(there, waiting.cancel)?;
            let found = There { manifest: there.manifest, differences: &differences };
            match decide::decide(&found, unpacked.manifest_sha256) {
                Decision::Keep => return keep(base, there.clone()),
                Decision::Replace(why) => Some(why),
            }
        }
    };
    let new = folder.path().join(unpacked.manifest.build.prefix.trim_matches('/'));
    record(archive, name, base, &unpacked, &title, &new)?;
    if waiting.cancel.is_cancelled() {
        return Err(InstallError::Interrupted);
    }
    let is_new = there.is_none();
    Journal::Put { title: title.clone(), manifest: unpacked.manifest_sha256, is_new }.write(base)?;
    disk::put(&new, &base.tree(&title), &work.join(format!("{ASIDE}{}", title.folder())))?;
    let before = make_current(base, &title)?;
    Journal::clear(base)?;
    // What is left to do changes nothing that anybody sees; the next install would do it as well.
    let _ = Record::remove_others(base, &title, Some(&unpacked.manifest_sha256));
    let _ = folder.close();
    let _ = disk::remove_all(&work);
    let outcome = why.map_or(Outcome::Installed, |why| Outcome::Reinstalled { why });
    placed(base, &title, outcome, before)
}

fn package_length(archive: &Path) -> Result<u64, InstallError> {
    let opened = File::open(archive).and_then(|file| file.metadata());
    opened.map(|metadata| metadata.len()).map_err(InstallError::io("opening", archive))
}

/// The package that was installed from an archive of the same bytes, and their digest.
fn same_archive(
    archive: &Path,
    length: u64,
    base: &Base,
) -> Result<Option<(Installed, Digest)>, InstallError> {
    let records = Record::read_all(base)?;
    // Only then is it worth reading.
    if !records.iter().any(|record| record.archive.size == length) {
        return Ok(None);
    }
    let digest = digest(archive)?;
    let Some(record) = records.into_iter().find(|record| record.archive.sha256 == digest) else {
        return Ok(None);
    };
    let mut installed = look::installed(base)?.into_iter();
    let there = installed.find(|one| one.title == record.title && one.manifest == Some(record.manifest));
    Ok(there.map(|there| (there, digest)))
}

fn digest(archive: &Path) -> Result<Digest, InstallError> {
    let file = File::open(archive).map_err(InstallError::io("opening", archive))?;
    let (digest, _) = Digest::of_reader(file).map_err(InstallError::io("reading", archive))?;
    Ok(digest)
}

/// Compares an archive with the digest that lies beside it, where one does.
fn check_digest(archive: &Path, found: Digest) -> Result<(), InstallError> {
    let mut beside = archive.as_os_str().to_owned();
    beside.push(".sha256");
    let beside = PathBuf::from(beside);
    let Ok(text) = fs::read_to_string(&beside) else { return Ok(()) };
    let expected = text.split_whitespace().next().unwrap_or_default().to_owned();
    match expected == found.to_string() {
        true => Ok(()),
        false => Err(InstallError::WrongDigest {
            archive: archive.to_owned(),
            found: found.to_string(),
            expected,
            beside,
        }),
    }
}

/// What has a name that we need, and is not ours.
fn check_places(base: &Base, title: &Title) -> Result<(), InstallError> {
    let occupied = |path, why| Err(InstallError::Occupied { path, why });
    let kind = |path: &Path| fs::symlink_metadata(path).ok();
    let (tree, link, shell) = (base.tree(title), base.link(title), base.shell_file(title));
    if kind(&link).is_some_and(|there| !there.is_symlink()) {
        return occupied(link, "the link to the current version belongs there");
    }
    if kind(&shell).is_some_and(|there| !there.is_file()) {
        return occupied(shell, "the file for shells belongs there");
    }
    let is_ours = |one: &Installed| one.title == *title;
    if kind(&tree).is_some() && !look::installed(base)?.iter().any(is_ours) {
        return occupied(tree, "it is not a package of this name, version and target");
    }
    Ok(())
}

/// Makes a package that is there current, if it is not.
fn keep(base: &Base, there: Installed) -> Result<Placed, InstallError> {
    let before = make_current(base, &there.title)?;
    placed(base, &there.title, Outcome::AlreadyInstalled, before)
}

/// Lets the link of a package lead to it; answers what it led to, if to another.
pub(super) fn make_current(base: &Base, title: &Title) -> Result<Option<String>, InstallError> {
    let shell_file = base.shell_file(title);
    let text = shell::text(base, title);
    if fs::read_to_string(&shell_file).ok().as_ref() != Some(&text) {
        disk::write_whole(&shell_file, text.as_bytes())?;
    }
    let before = linked(base, title).filter(|before| *before != title.folder());
    if let Some(before) = &before {
        let mut history = History::read(base);
        history.push(&title.link(), before);
        history.write(base)?;
    }
    if before.is_some() || linked(base, title).is_none() {
        disk::replace_link(&base.link(title), &title.folder())?;
    }
    Ok(before)
}

fn placed(
    base: &Base,
    title: &Title,
    outcome: Outcome,
    before: Option<String>,
) -> Result<Placed, InstallError> {
    let installed = look::installed(base)?.into_iter().find(|one| one.title == *title);
    let tree = base.tree(title);
    let gone = || InstallError::Occupied { path: tree, why: "somebody changed it while it was installed" };
    Ok(Placed {
        installed: installed.ok_or_else(gone)?,
        outcome,
        before,
        link: base.link(title),
        shell_file: base.shell_file(title),
    })
}

fn record(
    archive: &Path,
    name: String,
    base: &Base,
    unpacked: &Unpacked,
    title: &Title,
    folder: &Path,
) -> Result<(), InstallError> {
    let last = Record::read_all(base)?.last().map_or(0, |record| record.number);
    let record = Record {
        schema: 1,
        title: title.clone(),
        toolchain: unpacked.manifest.toolchain.id.clone(),
        number: last + 1,
        installed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        archive: ArchiveRecord { name, size: unpacked.size, sha256: unpacked.sha256 },
        manifest: unpacked.manifest_sha256,
        files: look::own_files(&unpacked.manifest, unpacked.manifest_sha256, folder),
        verdict: verdict(archive, &unpacked.manifest),
    };
    record.write(base)
}

/// What was verified of a package: it stands in the manifest beside the archive, if that is of the same package.
fn verdict(archive: &Path, manifest: &Manifest) -> Option<Verdict> {
    let text = fs::read(package::manifest_beside(archive)?).ok()?;
    let mut beside: Manifest = serde_json::from_slice(&text).ok()?;
    let verification = beside.verification.take();
    // Neither is known when the package's bytes are made.
    beside.toolchain.image = manifest.toolchain.image.clone();
    (beside == *manifest).then(|| verification.as_ref().map(Verdict::of)).flatten()
}
