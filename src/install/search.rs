//! Which folders of libraries a program is started with.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::base::Base;
use super::decide;
use super::error::InstallError;
use super::look::{self, Installed};

/// Where libraries lie in a package.
const FOLDERS: [&str; 2] = ["lib", "lib64"];

/// The folders of libraries of the packages that the words mean; without words, of all that are current. Of one name for
/// several targets, those of `present` GPUs count.
pub fn libraries(base: &Base, words: &[String], present: &[String]) -> Result<Vec<PathBuf>, InstallError> {
    let installed = look::installed(base)?;
    if installed.is_empty() {
        return Err(InstallError::NothingInstalled { base: base.folder().to_owned() });
    }
    let chosen = match words {
        [] => all_current(&installed, present)?,
        words => words.iter().map(|word| named(&installed, word, present)).collect::<Result<_, _>>()?,
    };
    let mut folders = Vec::new();
    for one in chosen {
        let own = FOLDERS.map(|folder| one.folder.join(folder));
        let before = folders.len();
        folders.extend(own.into_iter().filter(|folder| folder.is_dir()));
        if folders.len() == before {
            return Err(InstallError::NoLibraries { folder: one.folder.clone() });
        }
    }
    Ok(folders)
}

/// `LD_LIBRARY_PATH` with these folders in front.
pub fn search_path(folders: &[PathBuf], before: Option<&OsStr>) -> OsString {
    let mut path = OsString::new();
    for folder in folders {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(folder);
    }
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        path.push(":");
        path.push(before);
    }
    path
}

fn all_current<'a>(
    installed: &'a [Installed],
    present: &[String],
) -> Result<Vec<&'a Installed>, InstallError> {
    let mut names: Vec<&str> = installed.iter().map(|one| one.title.name.as_str()).collect();
    names.dedup();
    let current = |name: &&str| installed.iter().any(|one| one.current && one.title.name == **name);
    let names: Vec<&str> = names.into_iter().filter(current).collect();
    names.into_iter().map(|name| named(installed, name, present)).collect()
}

fn named<'a>(
    installed: &'a [Installed],
    word: &str,
    present: &[String],
) -> Result<&'a Installed, InstallError> {
    let ambiguous = match decide::meant(installed, word, true) {
        Err(error @ InstallError::Ambiguous { .. }) => error,
        other => return other,
    };
    let mut fitting = installed.iter().filter(|one| {
        let counts = one.current || one.title.is_named_with_version(word);
        one.title.is_meant_by(word) && counts && present.contains(&one.title.target)
    });
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Title;

    #[test]
    fn of_several_targets_the_one_of_the_gpu_counts() {
        let one = |target: &str| {
            let title = Title { name: "miopen".into(), version: "3.3.0".into(), target: target.into() };
            Installed::example(title, 1, true)
        };
        let installed = [one("gfx1010"), one("gfx1012")];
        let target = |present: &[&str]| {
            let present: Vec<String> = present.iter().map(|one| (*one).to_owned()).collect();
            all_current(&installed, &present).map(|found| found[0].title.target.clone())
        };
        assert_eq!(target(&["gfx1012"]).unwrap(), "gfx1012");
        for unclear in [&[][..], &["gfx1010", "gfx1012"], &["gfx1030"]] {
            assert!(matches!(target(unclear), Err(InstallError::Ambiguous { .. })), "{unclear:?}");
        }
    }

    #[test]
    fn what_was_set_before_comes_behind() {
        let folders = [PathBuf::from("/a/lib"), PathBuf::from("/b/lib")];
        assert_eq!(search_path(&folders, None), "/a/lib:/b/lib");
        assert_eq!(search_path(&folders, Some(OsStr::new(""))), "/a/lib:/b/lib");
        assert_eq!(search_path(&folders, Some(OsStr::new("/c:/d"))), "/a/lib:/b/lib:/c:/d");
    }
}
