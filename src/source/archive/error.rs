//! What can be wrong with an archive.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::super::confine::Escape;

#[derive(Debug, Error, Diagnostic)]
pub enum ArchiveError {
    #[error("{} is not a tar archive this program reads: {what}", archive.display())]
    #[diagnostic(code(archive::format), help("give a .tar, .tar.gz, .tar.xz or .tar.zst"))]
    Format { archive: PathBuf, what: &'static str },

    #[error("{} is damaged: {reason}", archive.display())]
    #[diagnostic(
        code(archive::damaged),
        help("remove the file to download it again; if its digest is right, upstream's archive is damaged")
    )]
    Damaged { archive: PathBuf, reason: String },

    #[error("member `{member}` of the archive may not be written: {why}")]
    #[diagnostic(
        code(archive::hostile_path),
        help("do not use this archive: no honest one holds such a member")
    )]
    HostilePath { member: String, why: Escape },

    #[error("member `{member}` of the archive is a link to `{target}`: {why}")]
    #[diagnostic(
        code(archive::hostile_link),
        help("do not use this archive: no honest one links out of its folder")
    )]
    HostileLink { member: String, target: String, why: Escape },

    #[error(
        "member `{member}` of the archive links to `{target}`, which is no file of the archive before it"
    )]
    #[diagnostic(
        code(archive::dangling_link),
        help("do not use this archive: it is incomplete or made to deceive")
    )]
    DanglingLink { member: String, target: String },

    #[error("member `{member}` of the archive is a {what}, which cannot be part of a source")]
    #[diagnostic(
        code(archive::special),
        help("do not use this archive: sources hold files, folders and symlinks")
    )]
    Special { member: String, what: &'static str },

    #[error("member `{member}` of the archive is there twice, or once as a file and once as a folder")]
    #[diagnostic(
        code(archive::twice),
        help("do not use this archive: which of the two counts is anybody's guess")
    )]
    Twice { member: String },

    #[error("member `{member}` lies beside the archive's top folder `{top}`")]
    #[diagnostic(
        code(archive::top_folder),
        help("a source archive has one folder at the top, which is left away")
    )]
    TopFolder { member: String, top: String },

    #[error("member `{member}` makes the archive larger than {limit} bytes")]
    #[diagnostic(code(archive::too_large), help("check that this is the archive that is meant"))]
    TooLarge { member: String, limit: u64 },

    #[error("the archive has more than {limit} members")]
    #[diagnostic(code(archive::too_many), help("check that this is the archive that is meant"))]
    TooMany { limit: u64 },

    #[error("{} holds no file", archive.display())]
    #[diagnostic(code(archive::empty), help("check that this is the archive that is meant"))]
    Empty { archive: PathBuf },

    #[error("{} is not empty", folder.display())]
    #[diagnostic(
        code(archive::not_empty),
        help("remove it: archives are unpacked into a folder of their own")
    )]
    NotEmpty { folder: PathBuf },

    #[error("no room left for {}", path.display())]
    #[diagnostic(code(archive::disk_full), help("free space on this file system, then run again"))]
    DiskFull { path: PathBuf },

    #[error("cannot use {}", path.display())]
    #[diagnostic(code(archive::io))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },

    #[error("unpacking {} was cancelled", archive.display())]
    #[diagnostic(code(archive::cancelled))]
    Cancelled { archive: PathBuf },
}

impl ArchiveError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ArchiveError::DiskFull { path: path.to_owned() }
            }
            _ => ArchiveError::Io { path: path.to_owned(), error },
        }
    }
}
