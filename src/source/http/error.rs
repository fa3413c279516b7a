//! What can go wrong with a download.

use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;

#[derive(Debug, Error, Diagnostic)]
pub enum HttpError {
    #[error("the HTTP client cannot be made: {reason}")]
    #[diagnostic(code(http::client), help("check http_proxy, https_proxy and the system's certificates"))]
    Client { reason: String },

    #[error("no address to download {} from", into.display())]
    #[diagnostic(code(http::no_address), help("give the recipe's version a `tarball`"))]
    NoAddress { into: PathBuf },

    #[error("cannot download {url}: {reason}")]
    #[diagnostic(
        code(http::failed),
        help("check the address and the network; the next run goes on where this one stopped")
    )]
    Failed { url: String, reason: String },

    #[error("no mirror gave the file: {}", tried.join("; "))]
    #[diagnostic(
        code(http::all_failed),
        help("check the addresses and the network; the next run goes on where this one stopped")
    )]
    AllFailed { tried: Vec<String> },

    #[error("sha256 of {url} is {found}, expected {expected}")]
    #[diagnostic(
        code(http::wrong_digest),
        help(
            "nothing was kept; if the new file is the right one, put its digest into the recipe, else ask upstream why it changed"
        )
    )]
    WrongDigest { url: String, expected: Digest, found: Digest },

    #[error("{url} is larger than the {limit} bytes allowed")]
    #[diagnostic(code(http::too_large), help("check that the address names the file that is meant"))]
    TooLarge { url: String, limit: u64 },

    #[error("no room left for {}", path.display())]
    #[diagnostic(
        code(http::disk_full),
        help("free space on this file system; the next run goes on where this one stopped")
    )]
    DiskFull { path: PathBuf },

    #[error("cannot write {}", path.display())]
    #[diagnostic(code(http::unwritable))]
    Io {
        path: PathBuf,
        #[source]
        error: io::Error,
    },

    #[error("the download of {url} was cancelled")]
    #[diagnostic(code(http::cancelled), help("the next run goes on where this one stopped"))]
    Cancelled { url: String },
}

impl HttpError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                HttpError::DiskFull { path: path.to_owned() }
            }
            _ => HttpError::Io { path: path.to_owned(), error },
        }
    }
}
