//! Git repositories as sources: which commit a name means, and the files of a commit.
//!
//! libgit2 does the protocol; http and https go through this program's own HTTP client ([`install_transport`]), so that
//! there is one TLS stack, one proxy setting and no OpenSSL. No credentials are asked for. Which commit is wanted is
//! decided by the recipe or the lock file; nothing here moves a pin.

mod checkout;
mod commit_base;
mod error;
mod fetch;
mod resolve;
mod transport;

use std::path::PathBuf;
use std::sync::Once;

pub use checkout::Checkout;
pub use commit_base::CommitBase;
pub use error::GitError;
pub use fetch::{GitRequest, fetch};
pub use resolve::resolve;
pub use transport::install_transport;

use super::address::redacted;
use crate::model::CommitId;

/// Settles libgit2's process-wide options once, before anything else is asked of it.
pub(super) fn prepare_library() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        // A checkout of another user is read, never written, and libgit2 runs no hooks or filters from it.
        #[allow(unsafe_code)]
        // SAFETY: called once, before this process has another thread inside libgit2.
        let _ = unsafe { git2::opts::set_verify_owner_validation(false) };
    });
}

/// What libgit2 says, in this program's manner: lowercase, no full stop.
pub(super) fn reason(error: &git2::Error) -> String {
    error.message().trim().trim_end_matches('.').to_owned()
}

pub(super) fn commit_id(id: git2::Oid) -> CommitId {
    id.to_string().parse().expect("libgit2 prints 40 hexadecimal digits")
}

/// Where a repository is.
enum Place {
    Remote,
    /// Opened where it lies: libgit2 cannot fetch one shallowly, and it need not be copied to be read.
    Local(PathBuf),
}

fn place(url: &str) -> Result<Place, GitError> {
    match url.split_once("://") {
        Some(("http" | "https" | "git", _)) => Ok(Place::Remote),
        Some(("file", _)) => match reqwest::Url::parse(url).ok().and_then(|url| url.to_file_path().ok()) {
            Some(path) => Ok(Place::Local(path)),
            None => Err(GitError::Scheme { url: redacted(url) }),
        },
        Some(_) => Err(GitError::Scheme { url: redacted(url) }),
        None if PathBuf::from(url).is_dir() => Ok(Place::Local(PathBuf::from(url))),
        None => Err(GitError::Scheme { url: redacted(url) }),
    }
}
