//! A desk: a git checkout in which a person changes one patch. Its only commit is the source with every earlier patch, so
//! that `git diff` shows the patch, and any tool that knows git helps.
//!
//! What the desk is for stands in a note inside `.git`, where no diff meets it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use git2::{DiffOptions, IndexAddOption, Repository, RepositoryInitOptions, Signature, Time};
use miette::Diagnostic;
use thiserror::Error;

use super::super::git::{CommitBase, GitError};
use super::base::{Base, FolderBase, Found};
use super::make::{MakeError, Side, make};
use super::series::Patched;
use crate::model::{CommitId, Digest, Node, PatchName, RecipeName, Tree, Version};

const NOTE: &str = "rdna-build-patch.json";

/// What was changed on a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskPatch {
    pub bytes: Vec<u8>,
    /// How many files it changes.
    pub files: usize,
}

/// What a desk is for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    pub schema: u32,
    pub recipe: RecipeName,
    pub version: Version,
    pub name: PatchName,
    /// The file to write: below the recipe's folder, or in the folder the person is in.
    pub file: PathBuf,
    /// The text before the first difference, kept as it is.
    pub header: String,
    /// Where `series.toml` lies to which a new patch is added; nothing for one that stands there already.
    pub series: Option<PathBuf>,
}

#[derive(Debug, Error, Diagnostic)]
pub enum DeskError {
    #[error("`{}` is there already", folder.display())]
    #[diagnostic(code(desk::exists), help("go on in it, remove it, or name another folder with --into"))]
    Exists { folder: PathBuf },

    #[error("`{}` is not a folder that `rdna-build patch edit` made", folder.display())]
    #[diagnostic(code(desk::unknown), help("go to that folder, or name it: rdna-build patch refresh DIR"))]
    Unknown { folder: PathBuf },

    #[error("git cannot make the checkout `{}`", folder.display())]
    #[diagnostic(code(desk::git))]
    Git {
        folder: PathBuf,
        #[source]
        error: git2::Error,
    },

    #[error(transparent)]
    #[diagnostic(transparent)]
    Make(#[from] MakeError),

    #[error(transparent)]
    #[diagnostic(transparent)]
    Source(#[from] GitError),

    #[error("cannot use `{}`", path.display())]
    #[diagnostic(code(desk::io))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// Makes the desk `folder`: the tree of `base` with the earlier patches as its commit, and `changed` laid over it,
/// uncommitted. On a failure nothing is left of it.
pub fn set_up(
    folder: &Path,
    base: &Path,
    tree: &Tree,
    earlier: &Patched,
    changed: Option<&Patched>,
    note: &Note,
) -> Result<(), DeskError> {
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(DeskError::Exists { folder: folder.to_owned() });
        }
        Err(error) => return Err(DeskError::Io { path: folder.to_owned(), error }),
    }
    let made = fill(folder, base, tree, earlier, changed, note);
    if made.is_err() {
        // The folder was made here, a moment ago, and holds nothing of the person's.
        let _ = fs::remove_dir_all(folder);
    }
    made
}

fn fill(
    folder: &Path,
    base: &Path,
    tree: &Tree,
    earlier: &Patched,
    changed: Option<&Patched>,
    note: &Note,
) -> Result<(), DeskError> {
    for (path, node) in &tree.nodes {
        if !earlier.overlay.contains_key(path) && !earlier.removed.contains(path) {
            copy(&base.join(path), &folder.join(path), node)?;
        }
    }
    lay(folder, earlier)?;
    commit(folder, note).map_err(|error| DeskError::Git { folder: folder.to_owned(), error })?;
    if let Some(changed) = changed {
        lay(folder, changed)?;
    }
    let path = folder.join(".git").join(NOTE);
    let file = File::create(&path).map_err(|error| DeskError::Io { path: path.clone(), error })?;
    serde_json::to_writer_pretty(file, note)
        .map_err(|error| DeskError::Io { path, error: io::Error::from(error) })
}

/// What was changed on a desk, as a patch; nothing where nothing was.
pub fn patch(folder: &Path, note: &Note) -> Result<Option<DeskPatch>, DeskError> {
    let git = |error| DeskError::Git { folder: folder.to_owned(), error };
    let repository = Repository::open(folder).map_err(git)?;
    let head = repository.head().and_then(|head| head.peel_to_commit()).map_err(git)?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).ignore_submodules(true);
    let diff = repository
        .diff_tree_to_workdir_with_index(Some(&head.tree().map_err(git)?), Some(&mut options))
        .map_err(git)?;
    let paths: BTreeSet<String> = diff
        .deltas()
        .flat_map(|delta| [delta.old_file().path(), delta.new_file().path()])
        .flatten()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let commit: CommitId = head.id().to_string().parse().expect("libgit2 prints 40 hexadecimal digits");
    let before = CommitBase::open(&folder.to_string_lossy(), &commit, None)?;
    let after = FolderBase(folder);
    let (old, new) = (tree_of(&before, &paths)?, tree_of(&after, &paths)?);
    let files = paths.iter().filter(|path| old.nodes.get(*path) != new.nodes.get(*path)).count();
    let (before, after) = (Side { tree: &old, base: &before }, Side { tree: &new, base: &after });
    match make(before, after, note.header.as_bytes()) {
        Ok(bytes) => Ok(Some(DeskPatch { bytes, files })),
        Err(MakeError::Unchanged) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// These paths of a base, as a tree.
fn tree_of(base: &dyn Base, paths: &BTreeSet<String>) -> Result<Tree, DeskError> {
    let mut tree = Tree::default();
    for path in paths {
        let found = base.read(path).map_err(|error| DeskError::Io { path: PathBuf::from(path), error })?;
        let node = match found {
            Found::Absent | Found::Folder => continue,
            Found::File { bytes, executable } => {
                Node::File { sha256: Digest::of(&bytes), size: bytes.len() as u64, executable }
            }
            // Where it leads to matters to nobody: what changes a symlink is refused.
            Found::Symlink => Node::Symlink { target: String::new() },
        };
        tree.nodes.insert(path.clone(), node);
    }
    Ok(tree)
}

/// The desk that `folder` is in, and what it is for.
pub fn find(folder: &Path) -> Result<(PathBuf, Note), DeskError> {
    let unknown = || DeskError::Unknown { folder: folder.to_owned() };
    let desk =
        folder.ancestors().find(|folder| folder.join(".git").join(NOTE).is_file()).ok_or_else(unknown)?;
    let path = desk.join(".git").join(NOTE);
    let text = fs::read(&path).map_err(|error| DeskError::Io { path, error })?;
    let note: Note = serde_json::from_slice(&text).map_err(|_| unknown())?;
    if note.schema != 1 {
        return Err(unknown());
    }
    Ok((desk.to_owned(), note))
}

fn copy(from: &Path, to: &Path, node: &Node) -> Result<(), DeskError> {
    let failed = |error| DeskError::Io { path: to.to_owned(), error };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match node {
        Node::File { .. } => fs::copy(from, to).map(drop).map_err(failed),
        Node::Symlink { target } => std::os::unix::fs::symlink(target, to).map_err(failed),
    }
}

fn lay(folder: &Path, patched: &Patched) -> Result<(), DeskError> {
    for path in &patched.removed {
        let full = folder.join(path);
        match fs::remove_file(&full) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(DeskError::Io { path: full, error }),
        }
    }
    for (path, file) in &patched.overlay {
        let full = folder.join(path);
        let failed = |error| DeskError::Io { path: full.clone(), error };
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::copy(&file.content, &full).map_err(failed)?;
    }
    Ok(())
}

/// Commits everything that lies in the folder, byte for byte.
fn commit(folder: &Path, note: &Note) -> Result<(), git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.initial_head("source").no_reinit(true).external_template(false);
    let repository = Repository::init_opts(folder, &options)?;
    // Nothing may be converted on the way in or out, whatever the source's own attributes say.
    let attributes = repository.path().join("info").join("attributes");
    let written = fs::create_dir_all(repository.path().join("info"))
        .and_then(|()| fs::write(&attributes, "* -text -filter -ident -working-tree-encoding\n"));
    written.map_err(|error| git2::Error::from_str(&error.to_string()))?;
    repository.config()?.set_bool("core.autocrlf", false)?;
    let mut index = repository.index()?;
    index.add_all(["*"], IndexAddOption::FORCE, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = Signature::new("rdna-build", "rdna-build@localhost", &Time::new(0, 0))?;
    let message = format!("{} {} with the patches before {}", note.recipe, note.version, note.name);
    repository.commit(Some("HEAD"), &author, &author, &message, &tree, &[])?;
    Ok(())
}
