//! Uninstalls a package: it stops to count, then goes.

use std::fs;

use super::base::Base;
use super::decide::{self, Difference};
use super::disk;
use super::error::InstallError;
use super::lock::{BaseLock, Waiting};
use super::look::{self, Installed};
use super::record::{History, Journal, Record};
use super::recover::{leave, recover, successor_of};
use super::shell;
use super::title::Title;

/// What was removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Removed {
    pub removed: Installed,
    /// The folder of the version that is current now, where it was the current one that went.
    pub now_current: Option<String>,
    /// Whether the base folder went as well: it was made for packages, and is empty.
    pub base_gone: bool,
}

/// Removes the package that is meant by a word. What others put into its folder is in the way, unless `force`.
pub fn uninstall(
    base: &Base,
    word: &str,
    force: bool,
    mut waiting: Waiting<'_>,
) -> Result<Removed, InstallError> {
    let nothing = || InstallError::NothingInstalled { base: base.folder().to_owned() };
    // Without our folder there may still be packages that were unpacked there by hand.
    if look::installed(base)?.is_empty() && !base.state().exists() {
        return Err(nothing());
    }
    let lock = BaseLock::create(base, &format!("removes {word}"), &mut waiting)?;
    recover(base)?;
    let installed = look::installed(base)?;
    if installed.is_empty() {
        leave(base)?;
        return Err(nothing());
    }
    let one = decide::meant(&installed, word, false)?;
    let successor = successor_of(base, &one.title)?;
    let is_last_of_link =
        !installed.iter().any(|other| other.title.link() == one.title.link() && other.title != one.title);
    if !force {
        check_unchanged(base, one, is_last_of_link, &waiting)?;
    }
    Journal::Remove { title: one.title.clone(), was_current: one.current }.write(base)?;
    let now_current = match (one.current, &successor) {
        (true, Some(next)) => {
            disk::replace_link(&base.link(&one.title), &next.folder())?;
            Some(next.folder())
        }
        (true, None) => {
            let link = base.link(&one.title);
            fs::remove_file(&link).map_err(InstallError::io("removing", &link))?;
            None
        }
        (false, _) => None,
    };
    finish(base, &one.title, !is_last_of_link)?;
    Journal::clear(base)?;
    let base_gone = installed.len() == 1 && leave(base)?;
    drop(lock);
    Ok(Removed { removed: one.clone(), now_current, base_gone })
}

/// Removes what no link leads to any more.
pub(super) fn finish(base: &Base, title: &Title, others_remain: bool) -> Result<(), InstallError> {
    let (tree, work) = (base.tree(title), base.work());
    let gone = work.join(format!("gone-{}", title.folder()));
    let shell_file = base.shell_file(title);
    let removed = (|| {
        if disk::exists(&tree) {
            fs::create_dir_all(&work)?;
            disk::remove_all(&gone)?;
            fs::rename(&tree, &gone)?;
            disk::sync_folder(base.folder())?;
        }
        if !others_remain {
            disk::remove_if_there(&shell_file)?;
        }
        disk::remove_all(&work)
    })();
    removed.map_err(InstallError::io("removing", &tree))?;
    Record::remove_others(base, title, None)?;
    let mut history = History::read(base);
    history.forget(&title.link(), &title.folder());
    match history.links.is_empty() {
        true => disk::remove_if_there(&base.history()).map_err(InstallError::io("removing", &base.history())),
        false => history.write(base),
    }
}

fn check_unchanged(
    base: &Base,
    one: &Installed,
    is_last_of_link: bool,
    waiting: &Waiting<'_>,
) -> Result<(), InstallError> {
    let mut differences = look::changes(one, waiting.cancel)?;
    // What is missing was removed already.
    differences.retain(|difference| !matches!(difference, Difference::Missing(_)));
    let shell_file = base.shell_file(&one.title);
    if is_last_of_link
        && let Ok(text) = fs::read_to_string(&shell_file)
        && text != shell::text(base, &one.title)
    {
        differences.push(Difference::Changed(shell_file.display().to_string()));
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(InstallError::Changed {
            folder: one.folder.clone(),
            differences: differences.iter().map(ToString::to_string).collect(),
        }),
    }
}
