//! Sources that come inside a recipe: writes a [`FileSet`] to disk.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::confine::{self, Escape};
use crate::model::FileSet;

#[derive(Debug, Error, Diagnostic)]
pub enum BundledError {
    #[error("the recipe bundles no file below `{folder}`")]
    #[diagnostic(
        code(source::nothing_bundled),
        help("put the sources there, or correct `bundled` in recipe.toml")
    )]
    Nothing { folder: String },

    #[error("the recipe bundles `{path}`, which may not be written: {why}")]
    #[diagnostic(code(source::bundled_path), help("rename it in the recipe's folder"))]
    Path { path: String, why: Escape },

    #[error("no room left for {}", path.display())]
    #[diagnostic(code(source::disk_full), help("free space on this file system, then run again"))]
    DiskFull { path: PathBuf },

    #[error("cannot write {}", path.display())]
    #[diagnostic(code(source::unwritable))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
}

/// Writes the files below `folder` of a recipe into `into`, which must be empty or absent.
pub fn write_bundled(files: &FileSet, folder: &str, into: &Path) -> Result<(), BundledError> {
    let files = files.below(folder);
    if files.is_empty() {
        return Err(BundledError::Nothing { folder: folder.to_owned() });
    }
    for (path, _) in files.iter() {
        confine::check_relative(path).map_err(|why| BundledError::Path { path: path.to_owned(), why })?;
    }
    for (path, bytes) in files.iter() {
        let full = into.join(path);
        write(&full, bytes).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                BundledError::DiskFull { path: full.clone() }
            }
            _ => BundledError::Io { path: full.clone(), error },
        })?;
    }
    Ok(())
}

fn write(full: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent)?;
    }
    File::options().write(true).create_new(true).open(full)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_files_are_written_and_never_outside() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = FileSet::default();
        files.insert("source/src/a.cpp", b"int a;".as_slice());
        files.insert("recipe.toml", b"schema = 1".as_slice());
        write_bundled(&files, "source", &folder.path().join("out")).unwrap();
        assert_eq!(fs::read(folder.path().join("out/src/a.cpp")).unwrap(), b"int a;");
        assert!(!folder.path().join("out/recipe.toml").exists());

        files.insert("source/../../escaped", b"".as_slice());
        let error = write_bundled(&files, "source", &folder.path().join("out2")).unwrap_err();
        assert!(matches!(error, BundledError::Path { why: Escape::Parent, .. }));
        assert!(!folder.path().join("out2").exists());
        assert!(matches!(write_bundled(&files, "sources", folder.path()), Err(BundledError::Nothing { .. })));
    }
}
