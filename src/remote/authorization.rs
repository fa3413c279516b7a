//! What a registry is told when it asks who is there: a password, or a token that another place gives for one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_auth::ChallengeRef;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use tokio::time::timeout;

use super::credentials::Credential;
use super::error::RemoteError;
use super::http::{Http, Operation, Setback};

/// More than any token takes.
const LARGEST_TOKEN: u64 = 1 << 20;

/// What a registry asks for.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    /// A token of `realm`.
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Http {
    /// Answers the registry's question who is there.
    pub(super) async fn authorize(
        &self,
        refusal: &Response,
        operation: Operation,
        doing: &str,
    ) -> Result<HeaderValue, Setback> {
        let asked = refusal.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|text| text.to_str().ok());
        let challenge = challenge(asked).ok_or_else(|| self.unfollowed("it does not say how"))?;
        let authorization = match challenge {
            Challenge::Basic => match self.credential().await? {
                Some(Credential::Password { user, secret }) => basic(user, secret.expose()),
                // A token of an identity cannot be sent as a password.
                Some(Credential::Identity(_)) | None => {
                    let registry = self.repository.registry().to_owned();
                    return Err(RemoteError::NoCredentials { registry, doing: doing.to_owned() }.into());
                }
            },
            Challenge::Bearer { realm, service } => {
                format!("Bearer {}", self.token(&realm, service.as_deref(), operation, doing).await?)
            }
        };
        let mut header =
            HeaderValue::from_str(&authorization).map_err(|_| self.unfollowed("its token is no text"))?;
        header.set_sensitive(true);
        self.remember(operation, header.clone()).await;
        Ok(header)
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        operation: Operation,
        doing: &str,
    ) -> Result<String, Setback> {
        let url = self.realm(realm)?;
        let rights = match operation {
            Operation::Pull => "pull",
            Operation::Push => "pull,push",
        };
        let mut words = Vec::new();
        if !self.repository.path().is_empty() {
            words.push(("scope", format!("repository:{}:{rights}", self.repository.path())));
        }
        words.extend(service.map(|service| ("service", service.to_owned())));
        let credential = self.credential().await?;
        let request = match credential {
            Some(Credential::Identity(secret)) => {
                words.push(("grant_type", "refresh_token".to_owned()));
                words.push(("client_id", "rdna-build".to_owned()));
                words.push(("refresh_token", secret.expose().to_owned()));
                let form = "application/x-www-form-urlencoded";
                self.client().await?.post(url.clone()).header(CONTENT_TYPE, form).body(query(&url, &words))
            }
            Some(Credential::Password { user, secret }) => {
                let request = self.client().await?.get(with_query(url, &words));
                request.header(AUTHORIZATION, basic(user, secret.expose()))
            }
            None => self.client().await?.get(with_query(url, &words)),
        };
        let doing = format!("asking for a token for {doing}");
        let sent = timeout(self.patience.connect + self.patience.silence, request.send()).await;
        let response = match sent {
            Ok(sent) => sent.map_err(|error| self.setback_of(error, &doing))?,
            Err(_) => return Err(self.silent(&doing).into()),
        };
        if response.status() == StatusCode::NOT_FOUND {
            return Err(self.unfollowed("there is nothing where its tokens are given").into());
        }
        let body =
            self.judge(response, &doing).await?.bytes(LARGEST_TOKEN, &doing).await?.unwrap_or_default();
        let token: Option<Token> = serde_json::from_slice(&body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        Ok(token.ok_or_else(|| self.unfollowed("what should be a token is none"))?)
    }

    /// Where tokens are given: a password is not shown to whoever listens on the way there.
    fn realm(&self, realm: &str) -> Result<Url, RemoteError> {
        let url = Url::parse(realm).map_err(|_| self.unfollowed("its realm is no address"))?;
        let is_here = || url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127."));
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.repository.is_loopback() && is_here() => Ok(url),
            _ => Err(self.unfollowed("its realm is not https")),
        }
    }

    fn unfollowed(&self, reason: &str) -> RemoteError {
        RemoteError::Challenge { registry: self.repository.registry().to_owned(), reason: reason.to_owned() }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn with_query(mut url: Url, words: &[(&str, String)]) -> Url {
    url.query_pairs_mut().extend_pairs(words);
    url
}

/// The words as a form; written by the one who knows how addresses are escaped.
fn query(url: &Url, words: &[(&str, String)]) -> String {
    let mut url = url.clone();
    url.set_query(None);
    with_query(url, words).query().unwrap_or_default().to_owned()
}

/// The best of what is offered.
fn challenge<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for text in headers {
        for challenge in http_auth::parse_challenges(text).unwrap_or_default() {
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                let realm = parameter(&challenge, "realm")?;
                return Some(Challenge::Bearer { realm, service: parameter(&challenge, "service") });
            }
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let found = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_unescaped())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_preferred_to_a_password() {
        let bearer = "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"x\"";
        let expected = Challenge::Bearer {
            realm: "https://ghcr.io/token".to_owned(),
            service: Some("ghcr.io".to_owned()),
        };
        assert_eq!(challenge(["basic realm=\"x\"", bearer].into_iter()), Some(expected));
        assert_eq!(challenge(["Basic realm=\"x\""].into_iter()), Some(Challenge::Basic));
        for unusable in ["", "Negotiate", "Bearer service=\"x\"", "\u{1}"] {
            assert_eq!(challenge([unusable].into_iter()), None, "{unusable}");
        }
    }
}
