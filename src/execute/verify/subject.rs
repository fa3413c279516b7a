//! Opens what is to be verified: a package is unpacked into the store, an installed one read in its place.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::workshop::blocking;
use super::super::{ExecuteError, Workshop};
use super::{Recipes, VerifyError, VerifySubject};
use crate::model::{Digest, GuestPath, LibraryFacts, Manifest, OutputKind, PackagedFile, Recipe, Stage};
use crate::package;
use crate::plan::key;
use crate::store::Draft;

/// The largest header that is read.
const LARGEST_HEADER: u64 = 8 << 20;
/// What is to be verified, within reach.
#[derive(Debug)]
pub(super) struct Opened {
    /// As a person named it, or its manifest does.
    pub name: String,
    pub manifest: Option<Manifest>,
    pub tree: Option<OpenedTree>,
    /// The library on this machine; nothing where it is in the image.
    pub file: Option<PathBuf>,
    /// The library in the image, where a person named one.
    pub in_image: Option<GuestPath>,
    /// How reports call the library: relative to the prefix for a package's.
    pub shown: String,
    /// Keeps an unpacked package, or the way to an installed one, until it was looked at.
    _draft: Option<Draft>,
}

/// A package's files on this machine.
#[derive(Debug)]
pub(super) struct OpenedTree {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    pub files: Vec<PackagedFile>,
}

impl Opened {
    pub fn recipe<'r>(&self, recipes: &'r dyn Recipes) -> Option<&'r Recipe> {
        match &self.manifest {
            Some(manifest) => recipes.recipe(&manifest.name),
            // Nothing but its name says whose library a foreign one is.
            None => {
                let path = self
                    .in_image
                    .as_ref()
                    .map(|path| path.as_str().to_owned())
                    .unwrap_or_else(|| self.shown.clone());
                path.contains("libMIOpen").then(|| recipes.recipe("miopen")).flatten()
            }
        }
    }
}

impl Opened {
    /// The file of the package behind a path in the container, links followed.
    pub fn real(&self, path: &str) -> Option<String> {
        let real = within(self.tree.as_ref()?, path.trim_start_matches('/'))?;
        Some(format!("/{real}"))
    }
}

impl OpenedTree {
    /// The recipe's headers, read.
    pub fn headers(
        &self,
        facts: Option<&LibraryFacts>,
        manifest: &Manifest,
    ) -> Vec<(String, Option<String>)> {
        let api = facts.and_then(|facts| facts.api.as_ref());
        let headers = api.into_iter().flat_map(|api| &api.headers);
        let prefix = manifest.build.prefix.trim_matches('/');
        let read = |header: &String| {
            let file = within(self, &format!("{prefix}/{header}"))?;
            read_text(&self.root.join(file), LARGEST_HEADER).ok()
        };
        headers.map(|header| (header.clone(), read(header))).collect()
    }
}

pub(super) async fn open(
    subject: &VerifySubject,
    recipes: &dyn Recipes,
    workshop: &Workshop,
) -> Result<Opened, ExecuteError> {
    match subject {
        VerifySubject::Package(archive) => package(archive, recipes, workshop).await,
        VerifySubject::Installed(prefix) => installed(prefix, recipes, workshop).await,
        VerifySubject::Library(file) => library(file),
        VerifySubject::InImage(path) => Ok(Opened {
            name: path.as_ref().map_or_else(|| "MIOpen".to_owned(), ToString::to_string),
            manifest: None,
            tree: None,
            file: None,
            shown: path.as_ref().map_or_else(|| "libMIOpen.so.1".to_owned(), ToString::to_string),
            in_image: path.clone(),
            _draft: None,
        }),
    }
}

async fn package(archive: &Path, recipes: &dyn Recipes, workshop: &Workshop) -> Result<Opened, ExecuteError> {
    let manifest = package::read_manifest(archive)?;
    let digest = digest_file(archive)?;
    let draft = workshop.draft(Stage::Verify, &key::verified(digest).key)?;
    let (from, into, cancel) = (archive.to_owned(), draft.content().to_owned(), workshop.cancel.clone());
    let files = blocking(move || {
        package::unpack(&from, &into, &cancel)?;
        package::scan(&into, &cancel)
    })
    .await??;
    let root = draft.content().to_owned();
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    of_tree(name, manifest, OpenedTree { root, files }, recipes, Some(draft))
}

async fn installed(
    prefix: &Path,
    recipes: &dyn Recipes,
    workshop: &Workshop,
) -> Result<Opened, ExecuteError> {
    let wrong = |reason: String| VerifyError::NotInstalled { prefix: prefix.display().to_string(), reason };
    let place = prefix.join(package::MANIFEST);
    let text = read_text(&place, Manifest::LARGEST)
        .map_err(|error| wrong(format!("{}: {error}", place.display())))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| wrong(format!("{}: {error}", place.display())))?;
    // It may have been installed anywhere. A folder with a link in the place of the prefix stands for the root.
    let draft = workshop.draft(Stage::Verify, &key::verified(Digest::of(&text)).key)?;
    let root = draft.content().to_owned();
    let folder = prefix.canonicalize().map_err(ExecuteError::file("reading", prefix))?;
    let place = root.join(manifest.build.prefix.trim_matches('/'));
    let above = place.parent().filter(|above| above.starts_with(&root) && is_plain(&manifest.build.prefix));
    let above = above
        .ok_or_else(|| wrong(format!("its manifest says that it belongs below {}", manifest.build.prefix)))?;
    std::fs::create_dir_all(above).map_err(ExecuteError::file("creating", above))?;
    symlink(folder, &place).map_err(ExecuteError::file("creating", &place))?;
    let (folder, cancel) = (prefix.to_owned(), workshop.cancel.clone());
    let found = blocking(move || package::scan(&folder, &cancel)).await??;
    let base = manifest.build.prefix.trim_matches('/').to_owned();
    let files = found.into_iter().map(|file| file.below(&base)).collect();
    of_tree(prefix.display().to_string(), manifest, OpenedTree { root, files }, recipes, Some(draft))
}

/// Whether a prefix names a folder below the root, and by no detour.
fn is_plain(prefix: &str) -> bool {
    let path = prefix.trim_matches('/');
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Finds the library among a package's files.
fn of_tree(
    name: String,
    manifest: Manifest,
    mut tree: OpenedTree,
    recipes: &dyn Recipes,
    draft: Option<Draft>,
) -> Result<Opened, ExecuteError> {
    let own = package::manifest_below(&manifest.build.prefix);
    tree.files.retain(|file| file.path() != own);
    let prefix = manifest.build.prefix.trim_matches('/').to_owned();
    let outputs = recipes.recipe(&manifest.name).map(|recipe| recipe.outputs.as_slice()).unwrap_or_default();
    let promised = outputs.iter().find(|output| output.kind == OutputKind::SharedLibrary);
    let shown = match promised {
        Some(output) => output.path.replace("{target}", &manifest.target),
        None => {
            let below = format!("{prefix}/lib/");
            let library = tree.files.iter().find(|file| {
                let name = file.path().strip_prefix(&below).unwrap_or_default();
                name.starts_with("lib") && name.contains(".so")
            });
            let library = library.ok_or_else(|| VerifyError::NoLibrary { name: name.clone() })?;
            library.path()[prefix.len() + 1..].to_owned()
        }
    };
    let file = within(&tree, &format!("{prefix}/{shown}"))
        .ok_or_else(|| VerifyError::NoLibrary { name: name.clone() })?;
    Ok(Opened {
        name,
        manifest: Some(manifest),
        file: Some(tree.root.join(file)),
        tree: Some(tree),
        in_image: None,
        shown,
        _draft: draft,
    })
}

/// The real file at a path of the tree. Links are followed by the list of files, never on the disk, and only within it.
fn within(tree: &OpenedTree, path: &str) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..8 {
        match tree.files.iter().find(|file| file.path() == path)? {
            PackagedFile::File { path, .. } => return Some(path.clone()),
            PackagedFile::Symlink { target, .. } => {
                let mut parts: Vec<&str> = path.split('/').collect();
                parts.pop();
                for part in target.split('/') {
                    match part {
                        "" | "." => {}
                        ".." => drop(parts.pop()?),
                        part => parts.push(part),
                    }
                }
                path = parts.join("/");
            }
        }
    }
    None
}

fn library(file: &Path) -> Result<Opened, ExecuteError> {
    let wrong = |reason: String| VerifyError::NotALibrary { path: file.display().to_string(), reason };
    let metadata = std::fs::metadata(file).map_err(|error| wrong(error.to_string()))?;
    if !metadata.is_file() {
        return Err(wrong("it is no file".to_owned()).into());
    }
    let shown = file.display().to_string();
    Ok(Opened {
        name: shown.clone(),
        manifest: None,
        tree: None,
        file: Some(file.to_owned()),
        in_image: None,
        shown,
        _draft: None,
    })
}

fn digest_file(path: &Path) -> Result<Digest, ExecuteError> {
    let file = std::fs::File::open(path).map_err(ExecuteError::file("opening", path))?;
    let (digest, _) = Digest::of_reader(file).map_err(ExecuteError::file("reading", path))?;
    Ok(digest)
}

/// A text, of which at most so many bytes are read.
fn read_text(path: &Path, most: u64) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
