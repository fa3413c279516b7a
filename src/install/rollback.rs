//! Takes a link back to the version that it led to before.

use super::base::Base;
use super::decide;
use super::disk;
use super::error::InstallError;
use super::lock::{BaseLock, Waiting};
use super::look::{self, Installed};
use super::record::History;
use super::recover::{linked, recover};

/// Where a link leads now, and where it led.
#[derive(Clone, Debug, PartialEq)]
pub struct RolledBack {
    pub now: Installed,
    pub before: Option<String>,
}

/// Makes the version current that was so before; `word` is a name, with its target where there are several.
pub fn rollback(base: &Base, word: &str, mut waiting: Waiting<'_>) -> Result<RolledBack, InstallError> {
    let nothing = || InstallError::NothingInstalled { base: base.folder().to_owned() };
    let lock = BaseLock::existing(base, &format!("takes {word} back"), &mut waiting)?.ok_or_else(nothing)?;
    recover(base)?;
    let installed = look::installed(base)?;
    if installed.is_empty() {
        return Err(nothing());
    }
    let fitting: Vec<&Installed> = installed.iter().filter(|one| one.title.is_meant_by(word)).collect();
    let Some(first) = fitting.first() else { return Err(decide::unknown(&installed, word)) };
    let mut links: Vec<String> = fitting.iter().map(|one| one.title.link()).collect();
    links.dedup();
    if links.len() > 1 {
        return Err(InstallError::Ambiguous { word: word.to_owned(), candidates: links });
    }
    let link = first.title.link();
    let current = linked(base, &first.title);
    let history = History::read(base);
    let earlier = decide::earlier(&history, &link, current.as_deref(), &installed)
        .ok_or_else(|| InstallError::NoEarlier { link: link.clone(), current: current.clone() })?;
    disk::replace_link(&base.link(&first.title), &earlier.title.folder())?;
    // Should we die before this, the entry is passed over as the current one.
    decide::rewound(&history, &link, &earlier.title.folder()).write(base)?;
    drop(lock);
    Ok(RolledBack { now: Installed { current: true, ..earlier.clone() }, before: current })
}
