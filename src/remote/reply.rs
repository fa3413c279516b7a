//! What a registry answers: bodies that are bounded in size and time, and why it refuses.

use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;
use tokio_util::bytes::Bytes;

use super::error::RemoteError;
use crate::model::printable;

/// How much of a foreign text is repeated.
const LONGEST_REASON: usize = 200;

/// A good answer, whose body comes in pieces.
#[derive(Debug)]
pub(super) struct Reply {
    pub response: Response,
    pub registry: String,
    pub silence: Duration,
}

impl Reply {
    /// The body, unless it is larger than `limit`.
    pub async fn bytes(mut self, limit: u64, doing: &str) -> Result<Option<Vec<u8>>, RemoteError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece(doing).await? {
            if bytes.len() as u64 + piece.len() as u64 > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// The next piece of the body; nothing at its end.
    pub async fn piece(&mut self, doing: &str) -> Result<Option<Bytes>, RemoteError> {
        match timeout(self.silence, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(RemoteError::Failed {
                registry: self.registry.clone(),
                doing: doing.to_owned(),
                reason: format!("the connection broke: {}", innermost(&error)),
            }),
            Err(_) => Err(silent(&self.registry, self.silence, doing)),
        }
    }

    pub fn is_partial(&self) -> bool {
        self.response.status() == StatusCode::PARTIAL_CONTENT
    }
}

pub(super) fn silent(registry: &str, silence: Duration, doing: &str) -> RemoteError {
    RemoteError::Silent { registry: registry.to_owned(), seconds: silence.as_secs(), doing: doing.to_owned() }
}

pub(super) fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// The first error of a refusal, as the distribution specification writes them.
pub(super) fn refusal(body: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = document.get("errors")?.get(0)?;
    let text = |name| first.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    Some(printable(&format!("{} {}", text("code"), text("message")), LONGEST_REASON))
}

/// The innermost reason: what lies around it repeats the address, which may hold a signature.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.is::<reqwest::Error>() {
        true => "the request was not answered".to_owned(),
        false => printable(&innermost.to_string(), LONGEST_REASON),
    }
}
