//! Passwords of registries, from where Docker and Podman keep them: files, and helpers that those name.

mod error;
mod file;
mod helper;
mod login;

use std::fmt;
use std::path::PathBuf;

pub use error::CredentialsError;
pub use login::{Kept, login};

use file::ConfigFile;

/// Where a password comes from.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Files of Docker's kind; the first that knows the registry counts.
    Files(Vec<PathBuf>),
    /// One that a person just typed.
    Given(Credential),
}

/// What a registry is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Password {
        user: String,
        secret: Secret,
    },
    /// Stands for a person who logged in elsewhere; good only where tokens are given.
    Identity(Secret),
}

/// A text that appears in no log, event, error or plan.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For the wire and for the place where it is kept.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a user is called whose secret is the token of an identity.
const IDENTITY_USER: &str = "<token>";

impl Credential {
    fn new(user: String, secret: String) -> Option<Self> {
        match (user.as_str(), secret.is_empty()) {
            (_, true) => None,
            (IDENTITY_USER, false) => Some(Self::Identity(Secret(secret))),
            (_, false) => Some(Self::Password { user, secret: Secret(secret) }),
        }
    }
}

impl Credentials {
    /// The password for a registry, if one is known.
    pub(super) async fn find(&self, registry: &str) -> Result<Option<Credential>, CredentialsError> {
        let files = match self {
            Credentials::Given(credential) => return Ok(Some(credential.clone())),
            Credentials::Files(files) => files,
        };
        for path in files {
            let Some(file) = ConfigFile::read(path)? else { continue };
            if let Some(name) = file.helper(registry)
                && let Some(found) = helper::get(name, registry).await?
            {
                return Ok(Some(found));
            }
            if let Some(found) = file.credential(registry) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
