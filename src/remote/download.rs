//! Blobs on their way in: digested as they pass, gone on with where the connection broke, never kept in memory as a whole.

use std::io::{self, Read};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::bytes::{Buf as _, Bytes};

use super::Remote;
use super::artifact::Blob;
use super::asked::Asked;
use super::error::RemoteError;
use super::http::Operation;
use super::patience::Patience;
use super::reply::Reply;
use crate::model::Digester;

/// Pieces that may wait for the reader.
const WAITING: usize = 32;

impl Remote {
    /// A small blob as a whole.
    pub async fn bytes(&self, blob: &Blob, limit: u64) -> Result<Vec<u8>, RemoteError> {
        if blob.size > limit {
            return Err(self.damaged(blob, format!("it claims to have {} bytes", blob.size)));
        }
        let mut bytes = Vec::new();
        let mut download = Download::start(self, blob).await?;
        while let Some(piece) = download.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Lets blocking code read a blob on a thread of its own. What `read` returns counts only when the whole blob was what its
    /// digest says; `progress` hears how many bytes came.
    pub async fn read<T, E>(
        &self,
        blob: &Blob,
        progress: &mut (dyn FnMut(u64) + Send),
        read: impl FnOnce(&mut dyn Read) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, RemoteError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let mut download = Download::start(self, blob).await?;
        let (pieces, receiver) = mpsc::channel(WAITING);
        let reading = tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces { receiver, piece: Bytes::new() };
            let value = read(&mut pieces)?;
            // What lies behind the part that was of interest is digested as well.
            let _ = io::copy(&mut pieces, &mut io::sink());
            Ok(value)
        });
        let ended = loop {
            match download.next().await {
                Ok(Some(piece)) => {
                    progress(download.received);
                    if pieces.send(Ok(piece)).await.is_err() {
                        // The reader has seen enough: it failed.
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => {
                    let _ = pieces.send(Err(io::Error::other(error.to_string()))).await;
                    break Err(error);
                }
            }
        };
        drop(pieces);
        let value = reading.await.map_err(|error| RemoteError::Input {
            repository: self.repository.to_string(),
            reason: error.to_string(),
        });
        ended?;
        value
    }

    fn damaged(&self, blob: &Blob, reason: String) -> RemoteError {
        RemoteError::Damaged {
            repository: self.repository.to_string(),
            what: format!("the blob {}", blob.digest.short()),
            reason,
        }
    }
}

/// A blob that comes in.
struct Download<'a> {
    remote: &'a Remote,
    blob: &'a Blob,
    doing: String,
    reply: Reply,
    received: u64,
    digester: Digester,
    /// How often it may still be gone on with.
    retries: usize,
    /// When the pace was last looked at, and how far it was then.
    looked: (Instant, u64),
}

impl<'a> Download<'a> {
    async fn start(remote: &'a Remote, blob: &'a Blob) -> Result<Self, RemoteError> {
        let doing = format!("downloading {}", blob.digest.short());
        let reply = Self::ask(remote, blob, 0, &doing).await?;
        let retries = remote.http.patience.retries;
        let looked = (Instant::now(), 0);
        Ok(Self { remote, blob, doing, reply, received: 0, digester: Digester::new(), retries, looked })
    }

    async fn ask(remote: &Remote, blob: &Blob, from: u64, doing: &str) -> Result<Reply, RemoteError> {
        let asked = Asked::get(format!("blobs/sha256:{}", blob.digest), doing.to_owned()).from(from);
        let reply = remote.http.ask(&asked, Operation::Pull).await?;
        reply.ok_or_else(|| remote.damaged(blob, "it is not there".to_owned()))
    }

    /// The next piece. The end comes only after the right number of bytes with the right digest.
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        loop {
            let broken = match self.reply.piece(&self.doing).await {
                Ok(Some(piece)) => {
                    self.received += piece.len() as u64;
                    if self.received > self.blob.size {
                        return Err(self
                            .remote
                            .damaged(self.blob, format!("it has more than {} bytes", self.blob.size)));
                    }
                    self.digester.update(&piece);
                    self.check_pace()?;
                    return Ok(Some(piece));
                }
                Ok(None) if self.received == self.blob.size => return self.finish().map(|()| None),
                Ok(None) => {
                    let reason = format!("it ends after {} of {} bytes", self.received, self.blob.size);
                    self.remote.damaged(self.blob, reason)
                }
                Err(silent @ RemoteError::Silent { .. }) => return Err(silent),
                Err(broken) => broken,
            };
            // A connection may break at the last byte, too; without a first byte there is nothing to go on from.
            if self.retries == 0 || self.received == 0 || self.received == self.blob.size {
                return Err(broken);
            }
            self.retries -= 1;
            self.reply = Self::ask(self.remote, self.blob, self.received, &self.doing).await?;
            if !self.reply.is_partial() {
                return Err(broken);
            }
        }
    }

    fn finish(&mut self) -> Result<(), RemoteError> {
        let found = std::mem::take(&mut self.digester).finish();
        match found == self.blob.digest {
            true => Ok(()),
            false => Err(RemoteError::WrongDigest {
                repository: self.remote.repository.to_string(),
                expected: self.blob.digest,
                found,
            }),
        }
    }

    /// Whoever sends a byte now and then would otherwise keep us for ever.
    fn check_pace(&mut self) -> Result<(), RemoteError> {
        let (since, before) = self.looked;
        if since.elapsed() < self.remote.http.patience.silence {
            return Ok(());
        }
        if self.received - before < Patience::SLOWEST {
            return Err(self.remote.http.silent(&self.doing));
        }
        self.looked = (Instant::now(), self.received);
        Ok(())
    }
}

/// The reading end.
struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
