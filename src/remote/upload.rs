//! Blobs on their way out: made, digested and sent at the same time, without a file or the whole in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::stream;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Body, Url};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::bytes::{Bytes, BytesMut};

use super::Remote;
use super::artifact::Blob;
use super::asked::Asked;
use super::error::RemoteError;
use super::http::{Operation, Setback};
use super::patience::Patience;
use super::reply::Reply;
use crate::model::{Digest, Digester};

const OCTETS: &str = "application/octet-stream";
/// Bytes that are sent at once.
const PIECE: usize = 512 << 10;
/// Pieces that may wait.
const WAITING: usize = 8;

/// Writes a blob; called again when it has to be sent again, so that it must write the same.
pub type Fill = Arc<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync>;

/// What was sent so far.
#[derive(Default)]
struct Sent {
    digester: Digester,
    size: u64,
}

impl Remote {
    /// Puts a small blob into the repository, unless it is there.
    pub async fn write(&self, media_type: &str, bytes: Vec<u8>) -> Result<Blob, RemoteError> {
        let digest = Digest::of(&bytes);
        let blob = Blob { media_type: media_type.to_owned(), digest, size: bytes.len() as u64 };
        let doing = format!("uploading {}", digest.short());
        let known = Asked::head(format!("blobs/sha256:{digest}"), doing.clone());
        if self.http.ask(&known, Operation::Push).await?.is_none() {
            let place = with_digest(self.begin(&doing).await?, &digest);
            self.http.must(&Asked::put_at(place, doing).sending(bytes, OCTETS), Operation::Push).await?;
        }
        Ok(blob)
    }

    /// Puts a blob into the repository as `fill` writes it; `progress` hears how many bytes went.
    pub async fn upload(
        &self,
        media_type: &str,
        fill: &Fill,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Blob, RemoteError> {
        let mut delays = self.http.patience.delays();
        loop {
            match self.stream(fill, progress).await {
                Ok((digest, size)) => {
                    return Ok(Blob { media_type: media_type.to_owned(), digest, size });
                }
                Err(setback) => self.http.pause(setback, &mut delays).await?,
            }
        }
    }

    /// Asks where to send a blob to.
    async fn begin(&self, doing: &str) -> Result<Url, RemoteError> {
        let asked = Asked::post("blobs/uploads/".to_owned(), doing.to_owned());
        let reply = self.http.must(&asked, Operation::Push).await?;
        self.http.place(&reply, doing)
    }

    async fn stream(
        &self,
        fill: &Fill,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(Digest, u64), Setback> {
        let doing = "uploading a layer";
        let place = self.begin(doing).await?;
        let sent = Arc::new(Mutex::new(Sent::default()));
        let (pieces, receiver) = mpsc::channel(WAITING);
        let fill = Arc::clone(fill);
        let filling = tokio::task::spawn_blocking(move || {
            let mut writer = Pieces { pieces, piece: BytesMut::new() };
            fill(&mut writer).and_then(|()| writer.flush())
        });
        let authorization = self.http.authorization(&place, Operation::Push).await;
        let mut request = self.http.client().await?.patch(place).header(CONTENT_TYPE, OCTETS);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answered = self.watch(request.body(body(receiver, Arc::clone(&sent))), &sent, progress).await;
        // The body is gone by now, so that nobody waits for the writer in vain.
        let filled = filling.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let reply = match (answered, filled) {
            // The writer could not go on either then.
            (Err(setback), Ok(()) | Err(_)) => return Err(setback),
            (Ok(_), Err(error)) => {
                let (repository, reason) = (self.repository.to_string(), error.to_string());
                return Err(RemoteError::Input { repository, reason }.into());
            }
            (Ok(reply), Ok(())) => reply,
        };
        let place = self.http.place(&reply, doing)?;
        let Sent { digester, size } = std::mem::take(&mut *lock(&sent));
        let digest = digester.finish();
        let end = Asked::put_at(with_digest(place, &digest), doing.to_owned()).sending(Bytes::new(), OCTETS);
        self.http.must(&end, Operation::Push).await?;
        Ok((digest, size))
    }

    /// Sends, as long as anything moves.
    async fn watch(
        &self,
        request: reqwest::RequestBuilder,
        sent: &Mutex<Sent>,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Reply, Setback> {
        const TOLD: std::time::Duration = std::time::Duration::from_millis(250);
        let doing = "uploading a layer";
        let mut sending = std::pin::pin!(request.send());
        let mut looked = (std::time::Instant::now(), 0);
        let response = loop {
            let patience = self.http.patience.silence.min(TOLD);
            match timeout(patience, &mut sending).await {
                Ok(answered) => break answered.map_err(|error| self.http.setback_of(error, doing))?,
                Err(_) => {
                    let size = lock(sent).size;
                    progress(size);
                    if size - looked.1 >= Patience::SLOWEST {
                        looked = (std::time::Instant::now(), size);
                    } else if looked.0.elapsed() >= self.http.patience.silence {
                        return Err(self.http.silent(doing).into());
                    }
                }
            }
        };
        self.http.judge(response, doing).await
    }
}

/// The pieces as a body. Where the writer gave up it ends early, and the upload is never finished.
fn body(receiver: mpsc::Receiver<Bytes>, sent: Arc<Mutex<Sent>>) -> Body {
    Body::wrap_stream(stream::unfold((receiver, sent), |(mut receiver, sent)| async {
        let piece = receiver.recv().await?;
        {
            let mut sent = lock(&sent);
            sent.digester.update(&piece);
            sent.size += piece.len() as u64;
        }
        Some((Ok::<_, io::Error>(piece), (receiver, sent)))
    }))
}

fn lock(sent: &Mutex<Sent>) -> std::sync::MutexGuard<'_, Sent> {
    // Nothing can be half done in it.
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_digest(mut place: Url, digest: &Digest) -> Url {
    place.query_pairs_mut().append_pair("digest", &format!("sha256:{digest}"));
    place
}

/// The writing end, on a thread that may wait.
struct Pieces {
    pieces: mpsc::Sender<Bytes>,
    piece: BytesMut,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.reserve(PIECE - self.piece.len());
        let length = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..length]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece).freeze();
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the registry takes no more");
        match piece.is_empty() {
            true => Ok(()),
            false => self.pieces.blocking_send(piece).map_err(gone),
        }
    }
}
