//! One file from one of several mirrors, gone on with after every break.

use std::error::Error as _;
use std::io::Read as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use tokio_util::sync::CancellationToken;

use super::super::address::{redacted, scrubbed};
use super::client::Downgrade;
use super::error::HttpError;
use super::partial::{Origin, Partial};
use crate::model::Digest;

/// What to download.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Mirrors of the same bytes, tried in this order.
    pub urls: &'a [String],
    pub sha256: &'a Digest,
    /// The most bytes the file may have.
    pub limit: u64,
    pub retries: Retries,
}

/// How often and how patiently one mirror is asked again. A try that brought more than a megabyte starts the count
/// anew: a large file may come in many pieces.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    pub count: usize,
    pub first_delay: Duration,
    /// Bounds the growing delays and what a server asks for with Retry-After.
    pub longest_delay: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { count: 5, first_delay: Duration::from_millis(500), longest_delay: Duration::from_secs(60) }
    }
}

impl Retries {
    fn delays(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.longest_delay)
            .with_max_times(self.count)
            .build()
    }
}

const PROGRESS_WORTH_A_FRESH_START: u64 = 1 << 20;

/// Why one try came to nothing.
enum Setback {
    /// Asking again may help, after so long if the server said so.
    Passing { reason: String, wait: Option<Duration> },
    /// This mirror will not give the file.
    Lasting { reason: String },
    /// The kept beginning is of another file.
    Stale,
    /// Nothing will help.
    Fatal(HttpError),
}

impl From<HttpError> for Setback {
    fn from(error: HttpError) -> Self {
        Setback::Fatal(error)
    }
}

/// Downloads a file to `into`; returns its size. `progress` gets the bytes so far and, when known, of how many (else 0).
///
/// A broken download stays beside `into` as `.part` and is gone on with by the next call. A file with the wrong digest is
/// never kept.
pub fn download(
    client: &Client,
    request: &Download<'_>,
    into: &Path,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<u64, HttpError> {
    let mut tried = Vec::new();
    let mut wrong = None;
    for url in request.urls {
        match from_mirror(client, request, url, into, progress, cancel) {
            Ok(size) => return Ok(size),
            Err(HttpError::Failed { url, reason }) => tried.push(format!("{url}: {reason}")),
            Err(error @ (HttpError::WrongDigest { .. } | HttpError::TooLarge { .. })) => {
                // A mirror that gives other bytes is worse news than one that is away.
                wrong.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match (wrong, request.urls) {
        (Some(error), _) => Err(error),
        (None, []) => Err(HttpError::NoAddress { into: into.to_owned() }),
        (None, _) => Err(HttpError::AllFailed { tried }),
    }
}

fn from_mirror(
    client: &Client,
    request: &Download<'_>,
    url: &str,
    into: &Path,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<u64, HttpError> {
    let shown = redacted(url);
    let mut delays = request.retries.delays();
    let mut partial = Partial::open(into)?;
    let mut went_on = partial.length > 0;
    loop {
        let before = partial.length;
        let setback = match attempt(client, request, url, &mut partial, progress, cancel) {
            Ok(()) if partial.digest() == *request.sha256 => {
                let size = partial.length;
                partial.finish(into)?;
                return Ok(size);
            }
            // The beginning may be of another file: once more from the start before the mirror is blamed.
            Ok(()) if went_on => Setback::Stale,
            Ok(()) => {
                let found = partial.digest();
                partial.discard();
                return Err(HttpError::WrongDigest { url: shown, expected: *request.sha256, found });
            }
            Err(setback) => setback,
        };
        let (reason, wait) = match setback {
            Setback::Passing { reason, wait } => (reason, wait),
            Setback::Lasting { reason } => return Err(HttpError::Failed { url: shown, reason }),
            Setback::Fatal(error @ HttpError::TooLarge { .. }) => {
                partial.discard();
                return Err(error);
            }
            Setback::Fatal(error) => return Err(error),
            Setback::Stale => {
                partial.restart()?;
                ("the file changed while it was downloaded".to_owned(), Some(Duration::ZERO))
            }
        };
        if partial.length > before.saturating_add(PROGRESS_WORTH_A_FRESH_START) {
            delays = request.retries.delays();
        }
        went_on = partial.length > 0;
        let Some(delay) = delays.next() else { return Err(HttpError::Failed { url: shown, reason }) };
        let delay = wait.unwrap_or(delay).min(request.retries.longest_delay);
        pause(delay, cancel).map_err(|()| HttpError::Cancelled { url: shown.clone() })?;
    }
}

fn attempt(
    client: &Client,
    request: &Download<'_>,
    url: &str,
    partial: &mut Partial,
    progress: &mut dyn FnMut(u64, u64),
    cancel: &CancellationToken,
) -> Result<(), Setback> {
    let cancelled = || Setback::Fatal(HttpError::Cancelled { url: redacted(url) });
    if cancel.is_cancelled() {
        return Err(cancelled());
    }
    // Compressed on the way, ranges would count other bytes.
    let mut get = client.get(url).header(ACCEPT_ENCODING, "identity");
    if partial.length > 0 {
        get = get.header(RANGE, format!("bytes={}-", partial.length));
        if let Some(validator) = partial.validator_for(url) {
            get = get.header(IF_RANGE, validator);
        }
    }
    let mut response = get.send().map_err(|error| setback_of(error, url))?;
    let total = accept(&response, partial)?;
    let too_large = || Setback::Fatal(HttpError::TooLarge { url: redacted(url), limit: request.limit });
    if total.is_some_and(|total| total > request.limit) {
        return Err(too_large());
    }
    partial.note(origin(url, response.headers()).as_ref());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        let count = response.read(&mut buffer).map_err(|error| Setback::Passing {
            reason: scrubbed(&format!("the connection broke: {error}"), url),
            wait: None,
        })?;
        if count == 0 {
            break;
        }
        if partial.length + count as u64 > request.limit {
            return Err(too_large());
        }
        partial.append(&buffer[..count])?;
        progress(partial.length, total.unwrap_or(0));
    }
    match total {
        Some(total) if partial.length < total => Err(Setback::Passing {
            reason: format!("the body ended after {} of {total} bytes", partial.length),
            wait: None,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Judges the head of the answer and makes the partial file fit it; returns the size of the whole file if it is known.
fn accept(response: &Response, partial: &mut Partial) -> Result<Option<u64>, Setback> {
    let status = response.status();
    match status {
        StatusCode::PARTIAL_CONTENT => match content_range(response.headers()) {
            Some((start, total)) if start == partial.length => Ok(total),
            Some(_) | None => Err(Setback::Stale),
        },
        StatusCode::OK => {
            // The file changed, or the server knows no ranges.
            partial.restart()?;
            Ok(response.content_length())
        }
        StatusCode::RANGE_NOT_SATISFIABLE if partial.length > 0 => {
            // Nothing behind the end: what is kept may be the whole file, which its digest shows.
            match unsatisfied_range(response.headers()) {
                Some(total) if total == partial.length => Ok(Some(total)),
                Some(_) | None => Err(Setback::Stale),
            }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(passing(response)),
        status if status.is_server_error() => Err(passing(response)),
        status => Err(Setback::Lasting { reason: format!("the server answered {status}") }),
    }
}

fn passing(response: &Response) -> Setback {
    // The other form, a date, would need a trusted clock; the growing delay does as well.
    let wait = header(response.headers(), RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    Setback::Passing {
        reason: format!("the server answered {}", response.status()),
        wait: wait.map(Duration::from_secs),
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// `bytes 100-199/200` → 100 and, unless it is `*`, 200.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(headers, CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    Some((start.parse().ok()?, total))
}

/// `bytes */200` → 200.
fn unsatisfied_range(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_RANGE)?.strip_prefix("bytes */")?.parse().ok()
}

/// A weak ETag does not promise equal bytes, so it is none.
fn origin(url: &str, headers: &HeaderMap) -> Option<Origin> {
    let etag = header(headers, ETAG).filter(|etag| !etag.starts_with("W/"));
    let validator = etag.or_else(|| header(headers, LAST_MODIFIED))?;
    Some(Origin { url: url.to_owned(), validator: validator.to_owned() })
}

fn setback_of(error: reqwest::Error, url: &str) -> Setback {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut downgrade = false;
    let mut source = error.source();
    while let Some(cause) = source {
        downgrade |= cause.is::<Downgrade>();
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    let reason = scrubbed(&reason, url);
    match downgrade || error.is_redirect() || error.is_builder() {
        true => Setback::Lasting { reason },
        false => Setback::Passing { reason, wait: None },
    }
}

/// Waits, looking for a cancellation ten times a second.
fn pause(delay: Duration, cancel: &CancellationToken) -> Result<(), ()> {
    let mut left = delay;
    while !left.is_zero() {
        if cancel.is_cancelled() {
            return Err(());
        }
        let slice = left.min(Duration::from_millis(100));
        thread::sleep(slice);
        left -= slice;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn ranges_are_read_as_servers_write_them() {
        let range = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, HeaderValue::from_static(text));
            (content_range(&headers), unsatisfied_range(&headers))
        };
        assert_eq!(range("bytes 5-9/10"), (Some((5, Some(10))), None));
        assert_eq!(range("bytes 5-9/*"), (Some((5, None)), None));
        assert_eq!(range("bytes */10"), (None, Some(10)));
        assert_eq!(range("items 5-9/10"), (None, None));
    }

    #[test]
    fn a_weak_etag_does_not_prove_that_a_file_is_the_same() {
        let mut headers = HeaderMap::new();
        headers.insert(ETAG, HeaderValue::from_static("W/\"x\""));
        assert_eq!(origin("u", &headers), None);
        headers.insert(LAST_MODIFIED, HeaderValue::from_static("Mon, 23 Nov 2026 10:00:00 GMT"));
        assert_eq!(origin("u", &headers).unwrap().validator, "Mon, 23 Nov 2026 10:00:00 GMT");
    }
}
