//! What can go wrong with the store.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;

#[derive(Debug, Error, Diagnostic)]
pub enum StoreError {
    #[error("no room left while {doing} {}: {free}", path.display())]
    #[diagnostic(
        code(store::full),
        help("free some space (`rdna-build cache gc --older-than 7d`), or move the store: --store DIR")
    )]
    Full { doing: &'static str, path: PathBuf, free: String },

    #[error("no right to go on while {doing} {}: {source}", path.display())]
    #[diagnostic(
        code(store::denied),
        help(
            "see whose it is (`ls -ld`); files of another user stay after a run with sudo. Another store: --store DIR"
        )
    )]
    Denied { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("{doing} {} failed: {source}", path.display())]
    #[diagnostic(code(store::io))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },

    #[error("a newer rdna-build wrote {}: its schema is {schema}", path.display())]
    #[diagnostic(code(store::newer), help("use that version, or another store: --store DIR"))]
    Newer { path: PathBuf, schema: u32 },

    #[error("entry {key} is in use by {holder}")]
    #[diagnostic(code(store::in_use), help("wait for that run to end, then try again"))]
    InUse { key: String, holder: String },

    #[error(
        "what came for {key} has contents of the digest {found}, and {}",
        promised.map_or("its record promises none".to_owned(), |promised| format!("{promised} was promised"))
    )]
    #[diagnostic(code(store::not_a_copy), help("nothing of it was kept"))]
    NotACopy { key: String, found: Digest, promised: Option<Digest> },

    #[error("cancelled while waiting for {holder}")]
    #[diagnostic(code(store::cancelled))]
    Cancelled { holder: String },
}

impl StoreError {
    /// Says what was being done with which path, for `map_err`.
    pub(crate) fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    let free = free_room(&path);
                    Self::Full { doing, path, free }
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::Denied { doing, path, source }
                }
                _ => Self::Io { doing, path, source },
            }
        }
    }
}

/// What is free for this user where `path` or its nearest existing folder lies.
fn free_room(path: &Path) -> String {
    let stat = path.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok());
    match stat {
        // Some file systems count no files, and have none in all.
        Some(stat) if stat.f_files > 0 && stat.f_favail == 0 => {
            "no more files fit there (`df -i`), although bytes may be free".to_owned()
        }
        Some(stat) => format!("{} bytes are free there", stat.f_bavail.saturating_mul(stat.f_frsize)),
        None => "nobody knows what is free there".to_owned(),
    }
}
