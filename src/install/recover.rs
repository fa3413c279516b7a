//! Finishes or forgets what a process that died had begun, and removes what it left.

use std::fs;
use std::io;
use std::path::Path;

use super::base::Base;
use super::decide;
use super::disk::{self, TEMPORARY};
use super::error::InstallError;
use super::look;
use super::put::make_current;
use super::record::{Journal, Record};
use super::remove;
use super::title::Title;

/// How the folder of a package is named in the work folder while another takes its place.
pub(super) const ASIDE: &str = "aside-";

/// Brings a base to rest. Only for whoever holds its lock: nobody else is at work there then.
pub(super) fn recover(base: &Base) -> Result<(), InstallError> {
    put_back(base)?;
    match Journal::read(base)? {
        Some(Journal::Put { title, manifest, .. }) => {
            let there = look::read_manifest(&base.tree(&title));
            if there.is_some_and(|(_, digest)| digest == manifest) {
                make_current(base, &title)?;
                Record::remove_others(base, &title, Some(&manifest))?;
            }
        }
        Some(Journal::Remove { title, was_current }) => resume_removal(base, &title, was_current)?,
        None => {}
    }
    Journal::clear(base)?;
    sweep(&base.work(), |_| true)?;
    for folder in [base.folder().to_owned(), base.state(), base.records()] {
        sweep(&folder, |name| name.starts_with(TEMPORARY))?;
    }
    forget_the_absent(base)
}

/// Goes on if the removal had taken effect; else the package stays.
fn resume_removal(base: &Base, title: &Title, was_current: bool) -> Result<(), InstallError> {
    let installed = look::installed(base)?;
    let is_there = disk::exists(&base.tree(title));
    let link = fs::read_link(base.link(title)).ok();
    let leads_to_it = link.as_deref() == Some(Path::new(&title.folder()));
    if (was_current && !leads_to_it) || !is_there {
        let successor = installed.iter().find(|one| one.current && one.title.link() == title.link());
        remove::finish(base, title, successor.is_some())?;
    }
    Ok(())
}

/// A package that had been moved aside, where the one for its place did not come.
fn put_back(base: &Base) -> Result<(), InstallError> {
    for name in names(&base.work())? {
        let Some(title) = name.strip_prefix(ASIDE) else { continue };
        let (aside, place) = (base.work().join(&name), base.folder().join(title));
        if !disk::exists(&place) {
            fs::rename(&aside, &place).map_err(InstallError::io("writing", &place))?;
        }
    }
    Ok(())
}

/// Records of packages whose folder is gone, be it by hand.
fn forget_the_absent(base: &Base) -> Result<(), InstallError> {
    for record in Record::read_all(base)? {
        if !disk::exists(&base.tree(&record.title)) {
            Record::remove_others(base, &record.title, None)?;
        }
    }
    // A link whose package was removed by hand leads to what is left.
    let installed = look::installed(base)?;
    for one in &installed {
        let link = base.link(&one.title);
        if fs::read_link(&link).is_ok_and(|target| !base.folder().join(target).exists())
            && let Some(successor) = installed
                .iter()
                .filter(|other| other.title.link() == one.title.link())
                .max_by_key(|other| other.number)
        {
            disk::replace_link(&link, &successor.title.folder())?;
        }
    }
    Ok(())
}

fn sweep(folder: &Path, is_left: impl Fn(&str) -> bool) -> Result<(), InstallError> {
    for name in names(folder)?.iter().filter(|name| is_left(name)) {
        let path = folder.join(name);
        disk::remove_all(&path).map_err(InstallError::io("removing", &path))?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>, InstallError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(InstallError::io("reading", folder))?,
    };
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

/// Removes what is kept of a base without packages, and the base itself where it was made for them.
pub(super) fn leave(base: &Base) -> Result<bool, InstallError> {
    let made: Vec<std::path::PathBuf> = super::record::read_json(&base.made())?.unwrap_or_default();
    let state = base.state();
    let removed = (|| {
        for folder in [base.work(), base.records()] {
            disk::remove_all(&folder)?;
        }
        for file in [base.history(), base.journal(), base.made(), base.lock()] {
            disk::remove_if_there(&file)?;
        }
        fs::remove_dir(&state)
    })();
    removed.map_err(InstallError::io("removing", &state))?;
    // What others put there keeps a folder.
    let gone = made.iter().take_while(|folder| fs::remove_dir(folder).is_ok()).count();
    Ok(gone > 0)
}

/// The version that the link of a title leads to.
pub(super) fn linked(base: &Base, title: &Title) -> Option<String> {
    fs::read_link(base.link(title)).ok()?.to_str().map(str::to_owned)
}

/// The version that follows one that goes.
pub(super) fn successor_of(base: &Base, title: &Title) -> Result<Option<Title>, InstallError> {
    let installed = look::installed(base)?;
    let gone = installed.iter().find(|one| one.title == *title);
    Ok(gone.and_then(|gone| decide::successor(&installed, gone)).map(|one| one.title.clone()))
}
