//! Questions to one registry: authorized when it asks for it, tried again when that may help, and never waited for too long.
//!
//! Not by the crate `oci-client`: docs/decisions/0020.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RANGE, RETRY_AFTER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::timeout;

use super::address::Repository;
use super::asked::{Asked, Place};
use super::credentials::{Credential, Credentials};
use super::error::RemoteError;
use super::patience::Patience;
use super::reply::{Reply, header, innermost, refusal, silent};

const MOST_REDIRECTS: usize = 5;

/// How much of a refusal's text is read.
const LARGEST_REFUSAL: u64 = 16 << 10;

/// Which of a repository's rights a question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Pull,
    Push,
}

#[derive(Debug)]
pub(super) struct Http {
    pub(super) repository: Repository,
    pub(super) patience: Patience,
    client: OnceCell<Client>,
    credentials: Credentials,
    /// Looked up when it is first asked for.
    credential: OnceCell<Option<Credential>>,
    /// What the registry let us in with, for pulling and for pushing.
    authorized: Mutex<[Option<HeaderValue>; 2]>,
}

/// Why an attempt came to nothing.
pub(super) enum Setback {
    /// Asking again may help, after so long if the registry said so.
    Passing {
        error: RemoteError,
        wait: Option<Duration>,
    },
    Lasting(RemoteError),
}

impl From<RemoteError> for Setback {
    fn from(error: RemoteError) -> Self {
        Setback::Lasting(error)
    }
}

impl Http {
    pub fn new(repository: Repository, credentials: Credentials, patience: Patience) -> Self {
        Self {
            repository,
            patience,
            client: OnceCell::new(),
            credentials,
            credential: OnceCell::new(),
            authorized: Mutex::default(),
        }
    }

    /// The client. Made when it is first needed: a run that finds everything here has no time for it.
    pub async fn client(&self) -> Result<&Client, RemoteError> {
        let make = || async {
            if rustls::crypto::CryptoProvider::get_default().is_none() {
                // An error means that another thread installed one since, which is as good.
                let _ = rustls::crypto::ring::default_provider().install_default();
            }
            let mut builder = Client::builder()
                .user_agent(concat!("rdna-build/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(self.patience.connect)
                .redirect(Policy::custom(follow));
            if self.repository.is_loopback() {
                // No proxy knows the way to this machine.
                builder = builder.no_proxy();
            }
            let registry = self.repository.registry().to_owned();
            builder.build().map_err(|error| RemoteError::Client { registry, reason: error.to_string() })
        };
        self.client.get_or_try_init(make).await
    }

    /// Asks, again if need be. Nothing where the registry has no such thing.
    pub async fn ask(&self, asked: &Asked, operation: Operation) -> Result<Option<Reply>, RemoteError> {
        let mut delays = self.patience.delays();
        loop {
            match self.attempt(asked, operation).await {
                Ok(reply) => return Ok(reply),
                Err(setback) => self.pause(setback, &mut delays).await?,
            }
        }
    }

    /// Asks for what must be there.
    pub async fn must(&self, asked: &Asked, operation: Operation) -> Result<Reply, RemoteError> {
        self.ask(asked, operation).await?.ok_or_else(|| self.failed(&asked.doing, "there is no such thing"))
    }

    /// Waits before the next attempt, or gives up.
    pub async fn pause(
        &self,
        setback: Setback,
        delays: &mut impl Iterator<Item = Duration>,
    ) -> Result<(), RemoteError> {
        let (error, wait) = match setback {
            Setback::Passing { error, wait } => (error, wait),
            Setback::Lasting(error) => return Err(error),
        };
        let Some(delay) = delays.next() else { return Err(error) };
        match wait {
            Some(wait) if wait > self.patience.longest_delay => return Err(error),
            Some(wait) => tokio::time::sleep(wait).await,
            None => tokio::time::sleep(delay).await,
        }
        Ok(())
    }

    async fn attempt(&self, asked: &Asked, operation: Operation) -> Result<Option<Reply>, Setback> {
        let url = match &asked.place {
            Place::Below(path) => self.own_url(path)?,
            Place::Sent(url) => url.clone(),
        };
        let send = async |authorization| {
            let request = self.request(asked, url.clone(), authorization).await?;
            let patience = self.patience.connect + self.patience.silence;
            match timeout(patience, request.send()).await {
                Ok(sent) => sent.map_err(|error| self.setback_of(error, &asked.doing)),
                Err(_) => Err(self.silent(&asked.doing).into()),
            }
        };
        let mut response = send(self.authorization(&url, operation).await).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.is_own(response.url()) {
            let authorization = self.authorize(&response, operation, &asked.doing).await?;
            response = send(Some(authorization)).await?;
        }
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => self.judge(response, &asked.doing).await.map(Some),
        }
    }

    async fn request(
        &self,
        asked: &Asked,
        url: Url,
        authorization: Option<HeaderValue>,
    ) -> Result<RequestBuilder, RemoteError> {
        let mut request = self.client().await?.request(asked.method.clone(), url);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(accept) = asked.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(from) = asked.from {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        Ok(match &asked.body {
            Some((body, media_type)) => request.header(CONTENT_TYPE, *media_type).body(body.clone()),
            // Some registries refuse a request without a length.
            None if asked.method == Method::POST => request.header(reqwest::header::CONTENT_LENGTH, 0),
            None => request,
        })
    }

    /// A good answer, or what a bad one means.
    pub async fn judge(&self, response: Response, doing: &str) -> Result<Reply, Setback> {
        let status = response.status();
        let wait = header(&response, RETRY_AFTER)
            // The other form, a date, would need a trusted clock; the growing delay does as well.
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs);
        let registry = self.repository.registry().to_owned();
        let reply = Reply { response, registry: registry.clone(), silence: self.patience.silence };
        if status.is_success() {
            return Ok(reply);
        }
        let reason = match reply.bytes(LARGEST_REFUSAL, doing).await {
            Ok(Some(body)) => {
                refusal(&body).map_or(format!("it answers {status}"), |why| format!("{status}: {why}"))
            }
            Ok(None) | Err(_) => format!("it answers {status}"),
        };
        let doing = doing.to_owned();
        let is_passing = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let known = self.credential().await?;
                Setback::Lasting(match known {
                    Some(_) => RemoteError::Denied { registry, doing, reason },
                    None => RemoteError::NoCredentials { registry, doing },
                })
            }
            _ if is_passing => {
                Setback::Passing { error: RemoteError::Failed { registry, doing, reason }, wait }
            }
            _ => Setback::Lasting(RemoteError::Failed { registry, doing, reason }),
        })
    }

    pub fn own_url(&self, below: &str) -> Result<Url, RemoteError> {
        let text = format!("{}{below}", self.repository.url());
        Url::parse(&text).map_err(|error| self.failed(&text, &error.to_string()))
    }

    /// Whether an address is the registry's own: a password never goes to another.
    fn is_own(&self, url: &Url) -> bool {
        self.own_url("").is_ok_and(|own| own.origin() == url.origin())
    }

    /// What to say of ourselves at an address.
    pub async fn authorization(&self, url: &Url, operation: Operation) -> Option<HeaderValue> {
        match self.is_own(url) {
            true => self.authorized.lock().await[operation as usize].clone(),
            false => None,
        }
    }

    pub async fn remember(&self, operation: Operation, authorization: HeaderValue) {
        self.authorized.lock().await[operation as usize] = Some(authorization);
    }

    /// The password for this registry, if there is one.
    pub async fn credential(&self) -> Result<Option<&Credential>, RemoteError> {
        let find = || async {
            let registry = self.repository.registry();
            let found = self.credentials.find(registry).await;
            found.map_err(|error| RemoteError::Credentials {
                registry: registry.to_owned(),
                reason: error.to_string(),
            })
        };
        Ok(self.credential.get_or_try_init(find).await?.as_ref())
    }

    /// Where the registry sends us: on the way no password or content may get into the open.
    pub fn place(&self, reply: &Reply, doing: &str) -> Result<Url, RemoteError> {
        let location = header(&reply.response, reqwest::header::LOCATION)
            .ok_or_else(|| self.failed(doing, "it does not say where to go on"))?;
        let url = reply.response.url().join(location);
        let url = url.map_err(|error| self.failed(doing, &format!("it sends us nowhere: {error}")))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.repository.is_loopback() => Ok(url),
            other => Err(self.failed(doing, &format!("it sends us on by {other}"))),
        }
    }

    pub fn failed(&self, doing: &str, reason: &str) -> RemoteError {
        RemoteError::Failed {
            registry: self.repository.registry().to_owned(),
            doing: doing.to_owned(),
            reason: reason.to_owned(),
        }
    }

    pub fn silent(&self, doing: &str) -> RemoteError {
        silent(self.repository.registry(), self.patience.silence, doing)
    }

    pub fn setback_of(&self, error: reqwest::Error, doing: &str) -> Setback {
        let reason = innermost(&error);
        match (error.is_connect() || error.is_timeout(), error.is_redirect() || error.is_builder()) {
            // Who is not there now will not be in a second either; a build does not wait for it.
            (true, _) => Setback::Lasting(RemoteError::Unreachable {
                registry: self.repository.registry().to_owned(),
                reason,
            }),
            (false, true) => Setback::Lasting(self.failed(doing, &reason)),
            (false, false) => Setback::Passing { error: self.failed(doing, &reason), wait: None },
        }
    }
}

/// Never from https to plain http; a password goes to no other host, which the client sees to.
fn follow(attempt: Attempt<'_>) -> Action {
    let was_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if was_secure && attempt.url().scheme() != "https" {
        return attempt.error("it redirects from https to plain http");
    }
    match attempt.previous().len() > MOST_REDIRECTS {
        true => attempt.error("it redirects for ever"),
        false => attempt.follow(),
    }
}
