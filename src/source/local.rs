//! A folder of the user's machine as a source, used as it lies: `--source FOLDER`.
//!
//! A git checkout gives what git sees there: tracked files as they are now, and new files that are not ignored.
//! Any other folder gives all its files. `.git` never belongs to a source. Nothing is written, neither into the folder
//! nor beside it; whether the stat cache is kept is the caller's choice.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::str;

use git2::{FileMode, Repository, Status, StatusOptions, StatusShow};
use tokio_util::sync::CancellationToken;

use super::confine;
use super::git;
use super::stat_cache::{Staged, StatCache};
use super::tree::{self, TreeError};
use crate::model::{CommitId, Digest, Tree};

/// A folder of the user's machine and everything that makes its content known.
#[derive(Clone, Debug)]
pub struct LocalTree {
    pub tree: Tree,
    pub digest: Digest,
    /// The commit that is checked out, if the folder belongs to a git checkout with one.
    pub commit: Option<CommitId>,
    /// Whether the files differ from that commit.
    pub dirty: bool,
    cache: Option<StatCache>,
}

impl LocalTree {
    /// What the next look at this folder can go without reading, to be kept with [`StatCache::write`]; nothing where
    /// that look would gain nothing over what is kept already.
    pub fn stat_cache(&self) -> Option<&StatCache> {
        self.cache.as_ref()
    }
}

/// Looks at `folder`; `known` comes from an earlier look and spares reading what did not change since.
pub fn read_local(
    folder: &Path,
    known: &StatCache,
    cancel: &CancellationToken,
) -> Result<LocalTree, TreeError> {
    let folder = match folder.canonicalize() {
        Ok(real) if real.is_dir() => real,
        Ok(_) | Err(_) => return Err(TreeError::NotAFolder { folder: folder.to_owned() }),
    };
    let mut cache = StatCache::begin(&folder);
    let nothing = StatCache::default();
    let known = if known.is_of(&folder) { known } else { &nothing };
    let listing = list(&folder, known.staged, cancel)?;
    cache.staged = listing.staged;
    let (tree, digested) = tree::read_paths(&folder, listing.paths, known, &mut cache, cancel)?;
    let news = digested > 0 || cache.len() != known.len() || cache.staged != known.staged;
    let cache = news.then_some(cache);
    Ok(LocalTree { digest: tree.digest(), tree, commit: listing.commit, dirty: listing.dirty, cache })
}

struct Listing {
    paths: Vec<String>,
    commit: Option<CommitId>,
    dirty: bool,
    staged: Option<Staged>,
}

fn list(folder: &Path, staged: Option<Staged>, cancel: &CancellationToken) -> Result<Listing, TreeError> {
    if let Some((repository, prefix)) = checkout_of(folder) {
        return list_checkout(&repository, folder, &prefix, staged, cancel);
    }
    let paths = tree::walk(folder, |name| name != ".git", cancel)?;
    Ok(Listing { paths, commit: None, dirty: false, staged: None })
}

/// The checkout that `folder` belongs to, and where in it. A folder that the checkout ignores does not belong to it.
fn checkout_of(folder: &Path) -> Option<(Repository, PathBuf)> {
    git::prepare_library();
    let repository = Repository::discover(folder).ok()?;
    let root = repository.workdir()?.canonicalize().ok()?;
    let prefix = folder.strip_prefix(&root).ok()?.to_owned();
    if prefix.as_os_str().is_empty() {
        return Some((repository, prefix));
    }
    let ignored = repository.is_path_ignored(prefix.join("")).ok()?;
    (!ignored).then_some((repository, prefix))
}

fn list_checkout(
    repository: &Repository,
    folder: &Path,
    prefix: &Path,
    staged: Option<Staged>,
    cancel: &CancellationToken,
) -> Result<Listing, TreeError> {
    let failed =
        |error: git2::Error| TreeError::Checkout { folder: folder.to_owned(), reason: git::reason(&error) };
    let commit = match repository.head().and_then(|head| head.peel_to_commit()) {
        Ok(commit) => Some(git::commit_id(commit.id())),
        Err(error) if error.code() == git2::ErrorCode::UnbornBranch => None,
        Err(error) => return Err(failed(error)),
    };
    // What is staged changes only with the commit or the index.
    let now = staged_now(repository, commit.as_ref());
    let staged =
        staged.filter(|then| now.is_some_and(|now| (now.head, now.index) == (then.head, then.index)));
    let show = match staged {
        Some(_) => StatusShow::Workdir,
        None => StatusShow::IndexAndWorkdir,
    };
    let mut options = StatusOptions::new();
    options
        .show(show)
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_unmodified(false)
        .include_ignored(false)
        .update_index(false)
        .exclude_submodules(true);
    if !prefix.as_os_str().is_empty() {
        options.disable_pathspec_match(true).pathspec(prefix);
    }
    let statuses = repository.statuses(Some(&mut options)).map_err(failed)?;
    let staged = staged.or_else(|| {
        let differs = statuses.iter().any(|entry| entry.status().intersects(in_index()));
        now.map(|now| Staged { differs, ..now })
    });
    let dirty = staged.is_some_and(|staged| staged.differs);
    let index = repository.index().map_err(failed)?;
    let mut listing = Listing { paths: Vec::with_capacity(index.len()), commit, dirty, staged };
    // Tracked files, whether they are still there or not; reading finds out.
    for entry in index.iter() {
        let path = utf8(&entry.path)?;
        let Some(path) = below(path, prefix) else { continue };
        if entry.mode != u32::from(FileMode::Commit) {
            listing.paths.push(path.to_owned());
        } else if let Some(commit) = list_nested(folder, path, &mut listing, cancel)? {
            listing.dirty |= commit != git::commit_id(entry.id);
        }
    }
    // What git sees besides: new files, and which of the tracked ones changed.
    for entry in statuses.iter() {
        if cancel.is_cancelled() {
            return Err(TreeError::Cancelled);
        }
        let Some(path) = below(utf8(entry.path_bytes())?, prefix) else { continue };
        listing.dirty = true;
        match path.strip_suffix('/') {
            // A repository that this one knows nothing of.
            Some(path) => drop(list_nested(folder, path, &mut listing, cancel)?),
            None if entry.status().contains(Status::WT_NEW) => listing.paths.push(path.to_owned()),
            None => {}
        }
    }
    Ok(listing)
}

fn utf8(path: &[u8]) -> Result<&str, TreeError> {
    str::from_utf8(path)
        .map_err(|_| TreeError::NameNotUtf8 { shown: String::from_utf8_lossy(path).into_owned() })
}

/// Commit and index as they are; `None` where there is no index to tell by.
fn staged_now(repository: &Repository, commit: Option<&CommitId>) -> Option<Staged> {
    let mut index = [0; 20];
    let mut file = File::open(repository.path().join("index")).ok()?;
    file.seek(SeekFrom::End(-20)).ok()?;
    file.read_exact(&mut index).ok()?;
    // `index.skipHash` writes zeros, which would say that nothing ever changes.
    if index == [0; 20] {
        return None;
    }
    let mut head = [0; 20];
    if let Some(commit) = commit {
        hex::decode_to_slice(commit.as_str(), &mut head).ok()?;
    }
    Some(Staged { head, index, differs: false })
}

fn in_index() -> Status {
    Status::INDEX_NEW
        | Status::INDEX_MODIFIED
        | Status::INDEX_DELETED
        | Status::INDEX_RENAMED
        | Status::INDEX_TYPECHANGE
}

/// Takes in a submodule or a checkout inside the checkout, which git lists as one entry; returns its commit.
fn list_nested(
    folder: &Path,
    path: &str,
    listing: &mut Listing,
    cancel: &CancellationToken,
) -> Result<Option<CommitId>, TreeError> {
    let nested = folder.join(path);
    if confine::check_relative(path).is_err() || nested.is_symlink() || !nested.join(".git").exists() {
        // A submodule that was never fetched is an empty folder.
        return Ok(None);
    }
    let inner = list(&nested, None, cancel)?;
    listing.dirty |= inner.dirty;
    listing.paths.extend(inner.paths.into_iter().map(|inner| format!("{path}/{inner}")));
    Ok(inner.commit)
}

fn below<'a>(path: &'a str, prefix: &Path) -> Option<&'a str> {
    match prefix.to_str()? {
        "" => Some(path),
        prefix => path.strip_prefix(prefix)?.strip_prefix('/'),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn look(folder: &Path) -> LocalTree {
        read_local(folder, &StatCache::default(), &CancellationToken::new()).unwrap()
    }

    fn paths(local: &LocalTree) -> Vec<&str> {
        local.tree.nodes.keys().map(String::as_str).collect()
    }

    fn commit_all(repository: &Repository) -> CommitId {
        let mut index = repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::FORCE, None).unwrap();
        index.write().unwrap();
        commit_index(repository, &mut index)
    }

    fn commit_index(repository: &Repository, index: &mut git2::Index) -> CommitId {
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let author = git2::Signature::now("nobody", "nobody@example.org").unwrap();
        git::commit_id(repository.commit(Some("HEAD"), &author, &author, "all", &tree, &[]).unwrap())
    }

    #[test]
    fn a_checkout_gives_what_git_sees() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        for (name, text) in [("a.c", "a"), ("gone.c", "g"), ("kept.o", "tracked although ignored")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let commit = commit_all(&repository);
        assert!(!look(folder.path()).dirty);

        fs::write(folder.path().join(".gitignore"), "*.o\n").unwrap();
        fs::write(folder.path().join("build.o"), "ignored").unwrap();
        fs::remove_file(folder.path().join("gone.c")).unwrap();
        let local = look(folder.path());
        assert_eq!(paths(&local), [".gitignore", "a.c", "kept.o"]);
        assert_eq!(local.commit, Some(commit));
        assert!(local.dirty);
    }

    #[test]
    fn a_tracked_folder_that_became_a_symlink_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a.c"), "a").unwrap();
        fs::write(folder.path().join(".gitignore"), "sub\n").unwrap();
        fs::write(outside.path().join("a.c"), "secret").unwrap();
        commit_all(&repository);
        fs::remove_dir_all(folder.path().join("sub")).unwrap();
        symlink(outside.path(), folder.path().join("sub")).unwrap();
        assert_eq!(paths(&look(folder.path())), [".gitignore"]);
    }

    #[test]
    fn a_subfolder_of_a_checkout_is_a_source_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        fs::create_dir_all(folder.path().join("projects/miopen/src")).unwrap();
        fs::create_dir_all(folder.path().join("projects/miopen2")).unwrap();
        fs::write(folder.path().join("projects/miopen/src/a.cpp"), "a").unwrap();
        fs::write(folder.path().join("projects/miopen2/b.cpp"), "b").unwrap();
        commit_all(&repository);
        let local = look(&folder.path().join("projects/miopen"));
        assert_eq!(paths(&local), ["src/a.cpp"]);
        assert!(!local.dirty);
    }

    #[test]
    fn a_folder_that_its_checkout_ignores_is_a_plain_folder() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        fs::write(folder.path().join(".gitignore"), "work/\n").unwrap();
        commit_all(&repository);
        fs::create_dir(folder.path().join("work")).unwrap();
        fs::write(folder.path().join("work/a.o"), "a").unwrap();
        let local = look(&folder.path().join("work"));
        assert_eq!(paths(&local), ["a.o"]);
        assert_eq!(local.commit, None);
    }

    #[test]
    fn a_checkout_inside_the_checkout_belongs_to_the_source() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        fs::write(folder.path().join("a.c"), "a").unwrap();
        commit_all(&repository);
        let inner = Repository::init(folder.path().join("fin")).unwrap();
        fs::write(folder.path().join("fin/f.c"), "f").unwrap();
        commit_all(&inner);
        assert_eq!(paths(&look(folder.path())), ["a.c", "fin/f.c"]);
    }

    #[test]
    fn a_submodule_gives_its_files_once_it_was_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let inner = Repository::init(folder.path().join("fin")).unwrap();
        fs::write(folder.path().join("fin/f.c"), "f").unwrap();
        commit_all(&inner);
        let mut index = repository.index().unwrap();
        index.add_path(Path::new("fin")).unwrap();
        index.write().unwrap();
        commit_index(&repository, &mut index);
        let local = look(folder.path());
        assert_eq!((paths(&local), local.dirty), (vec!["fin/f.c"], false));

        fs::write(folder.path().join("fin/f.c"), "changed").unwrap();
        assert!(look(folder.path()).dirty);

        fs::remove_dir_all(folder.path().join("fin")).unwrap();
        fs::create_dir(folder.path().join("fin")).unwrap();
        assert!(paths(&look(folder.path())).is_empty());
    }

    #[test]
    fn what_is_staged_makes_a_checkout_dirty_on_every_look() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        fs::write(folder.path().join("a.c"), "one").unwrap();
        commit_all(&repository);
        let again = |known: &LocalTree| {
            let kept = known.stat_cache().cloned().unwrap_or_default();
            read_local(folder.path(), &kept, &CancellationToken::new()).unwrap()
        };
        let first = look(folder.path());
        assert!(!first.dirty && !again(&first).dirty);

        fs::write(folder.path().join("b.c"), "two").unwrap();
        let mut index = repository.index().unwrap();
        index.add_path(Path::new("b.c")).unwrap();
        index.write().unwrap();
        let second = again(&first);
        assert!(second.dirty && again(&second).dirty);
        assert_eq!(paths(&again(&second)), ["a.c", "b.c"]);

        index.remove_path(Path::new("b.c")).unwrap();
        index.write().unwrap();
        fs::remove_file(folder.path().join("b.c")).unwrap();
        let third = again(&second);
        assert!(!third.dirty && !again(&third).dirty);
    }

    #[test]
    fn a_second_look_reads_nothing_that_did_not_change() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.c"), "one").unwrap();
        symlink("a.c", folder.path().join("b.c")).unwrap();
        let first = look(folder.path());
        let file = tempfile::NamedTempFile::new().unwrap();
        first.stat_cache().unwrap().write(file.path()).unwrap();
        // The file is racy for the cache just written, so the same size and times cannot hide a change.
        fs::write(folder.path().join("a.c"), "two").unwrap();
        let known = StatCache::read(file.path());
        let second = read_local(folder.path(), &known, &CancellationToken::new()).unwrap();
        assert_ne!(first.digest, second.digest);
    }
}
