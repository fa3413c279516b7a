//! A repository for apt and dnf: a folder of files that any web server can offer.
//!
//! Its indexes follow from the packages that lie in it, so that publishing is: put the packages in, and make the indexes
//! anew. Every index is written under a name that holds its digest, and the signed file that names them all is replaced last,
//! by one rename: whoever reads while it is written sees the old state or the new one.

mod apt;
mod dnf;
mod error;
mod files;
mod metadata;
mod rpm_signature;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use error::RepositoryError;

use crate::openpgp::SecretKey;

/// Where the public key lies, for those who install from it.
pub const PUBLIC_KEY: &str = "rdna-build.asc";
/// Held while someone publishes.
const LOCK: &str = ".lock";

/// What is to be published, and where.
#[derive(Debug)]
pub struct Task<'a> {
    /// The repository's folder; made if need be.
    pub folder: &'a Path,
    /// `.deb` and `.rpm` files; none just makes the indexes anew.
    pub packages: &'a [PathBuf],
    /// Nothing leaves it unsigned.
    pub key: Option<&'a SecretKey>,
    /// Seconds since 1970.
    pub now: u64,
    /// Where it will be reached; with it come files that people can put into their system's settings.
    pub url: Option<&'a str>,
}

/// What a repository holds now.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Published {
    /// Packages that were not in it before, by their paths below its folder.
    pub added: Vec<String>,
    /// Packages in it for apt, and for dnf.
    pub apt: usize,
    pub dnf: usize,
    /// What people put into their settings, below its folder.
    pub settings: Vec<String>,
}

/// Puts packages into a repository and makes its indexes anew.
pub fn publish(task: &Task<'_>) -> Result<Published, RepositoryError> {
    fs::create_dir_all(task.folder).map_err(RepositoryError::io("making", task.folder))?;
    let _lock = lock(task.folder)?;
    let mut published = Published::default();
    for package in task.packages {
        let added = match package.extension().and_then(|extension| extension.to_str()) {
            Some("deb") => apt::add(package, task)?,
            Some("rpm") => dnf::add(package, task)?,
            _ => return Err(RepositoryError::NotAPackage { path: package.clone() }),
        };
        published.added.extend(added);
    }
    if let Some(key) = task.key {
        files::replace(&task.folder.join(PUBLIC_KEY), key.public_armored().as_bytes())?;
    }
    published.apt = apt::index(task)?;
    published.dnf = dnf::index(task)?;
    if let Some(url) = task.url {
        let url = url.trim_end_matches('/');
        if published.apt > 0 {
            published.settings.push(apt::settings(task, url)?);
        }
        if published.dnf > 0 {
            published.settings.push(dnf::settings(task, url)?);
        }
    }
    Ok(published)
}

fn lock(folder: &Path) -> Result<File, RepositoryError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(RepositoryError::io("making", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(RepositoryError::Busy { folder: folder.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(RepositoryError::io("locking", &path)(error)),
    }
}

#[cfg(test)]
mod tests;
