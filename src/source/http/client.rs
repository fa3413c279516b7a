//! The HTTP client that git, downloads and package lists share.

use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::redirect::{Attempt, Policy};

use super::error::HttpError;

const MOST_REDIRECTS: usize = 10;
/// How long a server may stay silent, while connecting and between two pieces of a body. Packing a large repository
/// takes a git server tens of seconds before its first byte.
const SILENCE: Duration = Duration::from_secs(120);

/// A redirect from https to http, which would drop what protects the transfer.
#[derive(Debug, thiserror::Error)]
#[error("the server redirects from https to plain http")]
pub(super) struct Downgrade;

/// Makes the client: the system's proxies, at most ten redirects and none from https to http.
pub fn client() -> Result<Client, HttpError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread installed one since, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        // Forges refuse requests without one.
        .user_agent(concat!("rdna-build/", env!("CARGO_PKG_VERSION"), " (git/2.0 compatible)"))
        .connect_timeout(Duration::from_secs(30))
        .timeout(SILENCE)
        .redirect(Policy::custom(follow))
        .build()
        .map_err(|error| HttpError::Client { reason: error.to_string() })
}

fn follow(attempt: Attempt) -> reqwest::redirect::Action {
    let was_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if was_secure && attempt.url().scheme() != "https" {
        return attempt.error(Downgrade);
    }
    match attempt.previous().len() > MOST_REDIRECTS {
        true => attempt.error("too many redirects"),
        false => attempt.follow(),
    }
}
