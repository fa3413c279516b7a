//! What a registry is asked.

use reqwest::{Method, Url};
use tokio_util::bytes::Bytes;

/// A question that can be asked again.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub method: Method,
    pub place: Place,
    /// For errors: `looking for …`.
    pub doing: String,
    pub accept: Option<&'static str>,
    pub body: Option<(Bytes, &'static str)>,
    /// The first byte wanted.
    pub from: Option<u64>,
}

/// Where a question goes.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Below the repository's own address.
    Below(String),
    /// Where the registry sent us.
    Sent(Url),
}

impl Asked {
    pub fn get(below: String, doing: String) -> Self {
        Self::new(Method::GET, Place::Below(below), doing)
    }

    pub fn head(below: String, doing: String) -> Self {
        Self::new(Method::HEAD, Place::Below(below), doing)
    }

    pub fn put(below: String, doing: String) -> Self {
        Self::new(Method::PUT, Place::Below(below), doing)
    }

    pub fn post(below: String, doing: String) -> Self {
        Self::new(Method::POST, Place::Below(below), doing)
    }

    pub fn put_at(url: Url, doing: String) -> Self {
        Self::new(Method::PUT, Place::Sent(url), doing)
    }

    fn new(method: Method, place: Place, doing: String) -> Self {
        Self { method, place, doing, accept: None, body: None, from: None }
    }

    pub fn accepting(self, media_type: &'static str) -> Self {
        Self { accept: Some(media_type), ..self }
    }

    pub fn sending(self, body: impl Into<Bytes>, media_type: &'static str) -> Self {
        Self { body: Some((body.into(), media_type)), ..self }
    }

    pub fn from(self, first: u64) -> Self {
        Self { from: (first > 0).then_some(first), ..self }
    }
}
