//! The store's remote: artifacts in a repository of any OCI registry.
//!
//! An artifact is a tag with a manifest of ours: a small configuration and layers that stream by. Everything that a
//! registry says is a stranger's word: sizes are bounded, each blob must have the digest that its manifest says, waits end
//! (`patience`), and what goes wrong says whether the remote is away or only this artifact is of no use. Passwords come from where
//! Docker keeps them (`credentials`) and go nowhere but to the registry.
//!
//! Left to others: what an entry's artifact holds and whether it fits its key (`execute::remote`), whether a remote is asked at all.

mod address;
mod artifact;
mod asked;
mod authorization;
pub mod credentials;
mod download;
mod error;
mod http;
mod patience;
mod reply;
mod upload;

use std::sync::Arc;

pub use address::{AddressError, Repository, check_host};
pub use artifact::{Artifact, Blob};
pub use error::RemoteError;
pub use patience::Patience;
pub use upload::Fill;

use asked::Asked;
use credentials::{Credential, Credentials};
use http::{Http, Operation};

/// A repository of a registry. Nothing is asked before the first question; cheap to clone.
#[derive(Clone, Debug)]
pub struct Remote {
    repository: Repository,
    http: Arc<Http>,
}

impl Remote {
    pub fn new(repository: Repository, credentials: Credentials, patience: Patience) -> Self {
        let http = Arc::new(Http::new(repository.clone(), credentials, patience));
        Self { repository, http }
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }
}

/// Asks a registry whether it takes a password.
pub async fn check_login(
    registry: &str,
    credential: Credential,
    patience: Patience,
) -> Result<(), RemoteError> {
    let repository = Repository::none(registry).map_err(|error| RemoteError::Unreachable {
        registry: registry.to_owned(),
        reason: error.to_string(),
    })?;
    let http = Http::new(repository, Credentials::Given(credential), patience);
    let asked = Asked::get(String::new(), "logging in".to_owned());
    http.must(&asked, Operation::Pull).await.map(drop)
}
