//! What can go wrong with a remote.

use miette::Diagnostic;
use thiserror::Error;

use crate::model::Digest;

#[derive(Clone, Debug, Error, Diagnostic)]
pub enum RemoteError {
    #[error("the HTTP client for {registry} cannot be made: {reason}")]
    #[diagnostic(code(remote::client), help("check http_proxy, https_proxy and the system's certificates"))]
    Client { registry: String, reason: String },

    #[error("{registry} cannot be reached: {reason}")]
    #[diagnostic(
        code(remote::unreachable),
        help("check the address (`rdna-build config`) and the network; without a remote: --offline")
    )]
    Unreachable { registry: String, reason: String },

    #[error("{registry} was silent for {seconds} s while {doing}")]
    #[diagnostic(code(remote::silent), help("try again later"))]
    Silent { registry: String, seconds: u64, doing: String },

    #[error("{registry} lets nobody in without a password: {doing}")]
    #[diagnostic(
        code(remote::login),
        help("`rdna-build cache login {registry}`, or `docker login {registry}`")
    )]
    NoCredentials { registry: String, doing: String },

    #[error("{registry} denies it: {doing}: {reason}")]
    #[diagnostic(
        code(remote::denied),
        help("check what the account may do there, or log in anew: `rdna-build cache login {registry}`")
    )]
    Denied { registry: String, doing: String, reason: String },

    #[error("{registry} failed at {doing}: {reason}")]
    #[diagnostic(code(remote::failed), help("try again later; the registry's log may say more"))]
    Failed { registry: String, doing: String, reason: String },

    #[error("{registry} asks for a password in a way that is not followed: {reason}")]
    #[diagnostic(code(remote::challenge), help("the registry must ask for Basic or Bearer, over https"))]
    Challenge { registry: String, reason: String },

    #[error("the password for {registry} cannot be had: {reason}")]
    #[diagnostic(
        code(remote::credentials),
        help("look into Docker's configuration, or log in anew: `rdna-build cache login {registry}`")
    )]
    Credentials { registry: String, reason: String },

    #[error("{what} in {repository} is not what it must be: {reason}")]
    #[diagnostic(
        code(remote::damaged),
        help("`rdna-build cache push --force` puts a good one there; nothing of it was used")
    )]
    Damaged { repository: String, what: String, reason: String },

    #[error("a blob of {repository} has the digest {found}, and {expected} was promised")]
    #[diagnostic(
        code(remote::wrong_digest),
        help("`rdna-build cache push --force` puts a good one there; nothing of it was used")
    )]
    WrongDigest { repository: String, expected: Digest, found: Digest },

    #[error("what goes to {repository} cannot be read: {reason}")]
    #[diagnostic(code(remote::input), help("`rdna-build cache verify` looks whether the store is whole"))]
    Input { repository: String, reason: String },
}

impl RemoteError {
    /// Whether one artifact in the remote is of no use.
    pub fn is_damage(&self) -> bool {
        matches!(self, RemoteError::Damaged { .. } | RemoteError::WrongDigest { .. })
    }

    /// Whether the remote itself is of no use now, rather than one artifact in it.
    pub fn is_away(&self) -> bool {
        match self {
            RemoteError::Client { .. }
            | RemoteError::Unreachable { .. }
            | RemoteError::Silent { .. }
            | RemoteError::NoCredentials { .. }
            | RemoteError::Denied { .. }
            | RemoteError::Failed { .. }
            | RemoteError::Challenge { .. }
            | RemoteError::Credentials { .. } => true,
            RemoteError::Damaged { .. } | RemoteError::WrongDigest { .. } | RemoteError::Input { .. } => {
                false
            }
        }
    }
}
