//! Downloads: several at once, repeated when a mirror stumbles, each checked by size and digest before it is kept.
//!
//! The cache holds files named by their digest. What is in it is trusted no more than the network: a file is digested
//! again before it is used.

use std::io::{Read as _, Write as _};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::model::{Digest, Digester};

use super::DebianError;

const PARALLEL: usize = 8;

/// A mirror that sends nothing for this long has lost us.
const STALLED: Duration = Duration::from_secs(60);

/// A file to download; it is known before what it holds.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Where it may be: the first that the mirror has counts.
    pub urls: Vec<String>,
    pub size: u64,
    pub digest: Digest,
}

/// Downloads into a cache.
#[derive(Debug)]
pub(super) struct Fetcher<'a> {
    pub client: &'a reqwest::Client,
    pub cache: &'a Path,
    pub cancel: &'a CancellationToken,
    pub pauses: ExponentialBuilder,
}

/// A failed attempt, and whether another may do better.
struct Attempt {
    error: DebianError,
    again: bool,
    missing: bool,
}

impl<'a> Fetcher<'a> {
    pub fn new(client: &'a reqwest::Client, cache: &'a Path, cancel: &'a CancellationToken) -> Self {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(300))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(4);
        Self { client, cache, cancel, pauses }
    }

    /// Downloads a small file whose digest nobody knows yet.
    pub async fn text(&self, url: &str, limit: usize) -> Result<Vec<u8>, DebianError> {
        let attempt = || async move {
            let mut response = self.get(url).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = chunk(&mut response, url).await? {
                if bytes.len() + chunk.len() > limit {
                    return Err(Attempt::last(download(url, format!("it is larger than {limit} bytes"))));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        };
        let work = attempt.retry(self.pauses).when(|attempt: &Attempt| attempt.again);
        self.or_cancelled(async move { work.await.map_err(|attempt| attempt.error) }).await
    }

    /// Makes sure that all `wanted` are in the cache and returns their paths, in the same order.
    pub async fn files(
        &self,
        wanted: &[Wanted],
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<PathBuf>, DebianError> {
        let paths = std::sync::Mutex::new(vec![PathBuf::new(); wanted.len()]);
        let arrived = |index: usize, path| paths.lock().expect("no one panics here")[index] = path;
        self.each(wanted, progress, &arrived).await?;
        Ok(paths.into_inner().expect("no one panicked there"))
    }

    /// Makes sure that all `wanted` are in the cache; `arrived` is told of each one as it comes, in any order.
    pub async fn each(
        &self,
        wanted: &[Wanted],
        progress: &(dyn Fn(u64, u64) + Sync),
        arrived: &(dyn Fn(usize, PathBuf) + Sync),
    ) -> Result<(), DebianError> {
        tokio::fs::create_dir_all(self.cache)
            .await
            .map_err(|error| DebianError::io("make the folder", self.cache, &error))?;
        let total = wanted.iter().map(|file| file.size).sum();
        let done = AtomicU64::new(0);
        let report = |bytes: u64| progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes, total);
        let take_back = |bytes: u64| {
            done.fetch_sub(bytes, Ordering::Relaxed);
        };
        progress(0, total);
        // Collected, as a lazy iterator of closures over references is not `Send` enough for spawned tasks.
        let downloads: Vec<_> = wanted
            .iter()
            .enumerate()
            .map(|(index, file)| {
                let download = self.file(file, &report, &take_back);
                async move {
                    arrived(index, download.await?);
                    Ok(())
                }
            })
            .collect();
        let work = futures_util::stream::iter(downloads).buffer_unordered(PARALLEL).try_collect();
        self.or_cancelled(work).await
    }

    async fn file(
        &self,
        wanted: &Wanted,
        report: &(dyn Fn(u64) + Sync),
        take_back: &(dyn Fn(u64) + Sync),
    ) -> Result<PathBuf, DebianError> {
        let path = self.cache.join(wanted.digest.to_string());
        if is_cached(path.clone(), wanted.size, wanted.digest).await {
            report(wanted.size);
            return Ok(path);
        }
        let mut missing = None;
        for url in &wanted.urls {
            let attempt = || async {
                let received = AtomicU64::new(0);
                let count = |bytes: u64| {
                    received.fetch_add(bytes, Ordering::Relaxed);
                    report(bytes);
                };
                let result = self.download(url, wanted, &path, &count).await;
                if result.is_err() {
                    take_back(received.into_inner());
                }
                result
            };
            match attempt.retry(self.pauses).when(|attempt: &Attempt| attempt.again).await {
                Ok(()) => return Ok(path),
                Err(attempt) if attempt.missing => missing = Some(attempt.error),
                Err(attempt) => return Err(attempt.error),
            }
        }
        Err(missing.expect("a wanted file has at least one address"))
    }

    async fn download(
        &self,
        url: &str,
        wanted: &Wanted,
        path: &Path,
        count: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Attempt> {
        let failed = |doing, error: &std::io::Error| Attempt::last(DebianError::io(doing, path, error));
        let mut response = self.get(url).await?;
        let draft = tempfile::Builder::new().prefix(".draft-").tempfile_in(self.cache);
        let mut draft = draft.map_err(|error| failed("write", &error))?;
        let mut digester = Digester::new();
        let mut size = 0;
        // Chunks are some ten kilobytes: digesting and writing one is too short to hand to another thread.
        while let Some(chunk) = chunk(&mut response, url).await? {
            size += chunk.len() as u64;
            if size > wanted.size {
                return Err(Attempt::again(wrong_size(url, wanted, "more".to_owned())));
            }
            digester.update(&chunk);
            draft.write_all(&chunk).map_err(|error| failed("write", &error))?;
            count(chunk.len() as u64);
        }
        if size != wanted.size {
            return Err(Attempt::again(wrong_size(url, wanted, size.to_string())));
        }
        let found = digester.finish();
        if found != wanted.digest {
            let expected = wanted.digest;
            return Err(Attempt::again(DebianError::WrongDigest { url: url.to_owned(), expected, found }));
        }
        draft.persist(path).map_err(|error| failed("write", &error.error))?;
        Ok(())
    }

    async fn get(&self, url: &str) -> Result<reqwest::Response, Attempt> {
        let sent = tokio::time::timeout(STALLED, self.client.get(url).send()).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Attempt::again(download(url, innermost(&error)))),
            Err(_elapsed) => return Err(Attempt::again(download(url, "no answer".to_owned()))),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let error = download(url, format!("the mirror answers {status}"));
        let again = status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS;
        Err(Attempt { error, again, missing: status == reqwest::StatusCode::NOT_FOUND })
    }

    async fn or_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, DebianError>>,
    ) -> Result<T, DebianError> {
        match self.cancel.run_until_cancelled(work).await {
            Some(result) => result,
            None => Err(DebianError::Cancelled),
        }
    }
}

impl Attempt {
    fn again(error: DebianError) -> Self {
        Self { error, again: true, missing: false }
    }

    fn last(error: DebianError) -> Self {
        Self { error, again: false, missing: false }
    }
}

async fn chunk(
    response: &mut reqwest::Response,
    url: &str,
) -> Result<Option<impl Deref<Target = [u8]> + use<>>, Attempt> {
    match tokio::time::timeout(STALLED, response.chunk()).await {
        Ok(Ok(chunk)) => Ok(chunk),
        Ok(Err(error)) => Err(Attempt::again(download(url, innermost(&error)))),
        Err(_elapsed) => Err(Attempt::again(download(url, "the mirror fell silent".to_owned()))),
    }
}

async fn is_cached(path: PathBuf, size: u64, digest: Digest) -> bool {
    let check = move || {
        let Ok(mut file) = std::fs::File::open(path) else { return false };
        if file.metadata().map_or(0, |metadata| metadata.len()) != size {
            return false;
        }
        let mut digester = Digester::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return digester.finish() == digest,
                Ok(length) => digester.update(&buffer[..length]),
                Err(_) => return false,
            }
        }
    };
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}

fn download(url: &str, reason: String) -> DebianError {
    DebianError::Download { url: url.to_owned(), reason }
}

fn wrong_size(url: &str, wanted: &Wanted, found: String) -> DebianError {
    DebianError::WrongSize { url: url.to_owned(), expected: wanted.size, found }
}

/// The cause that says something: outer errors of the client only repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
