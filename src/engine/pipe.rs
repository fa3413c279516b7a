//! From a thread that writes to a stream that the engine reads, with a few pieces in between and no file.

use std::io::{Error, ErrorKind, Result, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio_util::bytes::{Bytes, BytesMut};

use super::bytes_stream::ByteStream;

/// Bytes that are sent at once.
const PIECE: usize = 512 << 10;

/// Pieces that may wait.
const WAITING: usize = 8;

/// The writing end. The stream ends well only after [`PipeWriter::finish`]: where the writer is dropped before, it fails,
/// so that nobody takes half an archive for a whole one.
#[derive(Debug)]
pub struct PipeWriter {
    pieces: mpsc::Sender<Bytes>,
    piece: BytesMut,
    finished: Arc<AtomicBool>,
}

/// A writer and what is written to it. Write from a thread that may wait, never from a task.
pub fn pipe() -> (PipeWriter, ByteStream) {
    let (pieces, received) = mpsc::channel(WAITING);
    let finished = Arc::new(AtomicBool::new(false));
    let writer =
        PipeWriter { pieces, piece: BytesMut::with_capacity(PIECE), finished: Arc::clone(&finished) };
    let stream = futures_util::stream::unfold(Some(received), move |received| {
        let finished = Arc::clone(&finished);
        async move {
            let mut received = received?;
            match received.recv().await {
                Some(piece) => Some((Ok(piece), Some(received))),
                None if finished.load(Ordering::Acquire) => None,
                None => Some((Err(Error::other("what was to be sent was cut off")), None)),
            }
        }
    });
    (writer, Box::pin(stream))
}

impl PipeWriter {
    /// Sends what is left and ends the stream.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.finished.store(true, Ordering::Release);
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let piece = std::mem::replace(&mut self.piece, BytesMut::with_capacity(PIECE)).freeze();
        let gone = |_| Error::new(ErrorKind::BrokenPipe, "the engine reads no further");
        self.pieces.blocking_send(piece).map_err(gone)
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let length = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..length]);
        if self.piece.len() == PIECE {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> Result<()> {
        if self.piece.is_empty() { Ok(()) } else { self.send() }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn received(write: impl FnOnce(PipeWriter) + Send + 'static) -> (Vec<u8>, Option<String>) {
        let (writer, mut stream) = pipe();
        let thread = std::thread::spawn(move || write(writer));
        let (mut bytes, mut failure) = (Vec::new(), None);
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => failure = Some(error.to_string()),
            }
        }
        thread.join().unwrap();
        (bytes, failure)
    }

    #[tokio::test]
    async fn what_is_written_arrives_in_order_and_whole() {
        let sent: Vec<u8> = (0..20 * PIECE + 7).map(|n| (n % 251) as u8).collect();
        let expected = sent.clone();
        let write = move |mut writer: PipeWriter| {
            for part in sent.chunks(1_000_003) {
                writer.write_all(part).unwrap();
            }
            writer.finish().unwrap();
        };
        assert_eq!(received(write).await, (expected, None));
    }

    #[tokio::test]
    async fn a_writer_that_gives_up_is_no_end_of_the_archive() {
        let write = |mut writer: PipeWriter| {
            // As much as may wait, so that there is no room for a last word.
            writer.write_all(&vec![1; WAITING * PIECE]).unwrap();
        };
        let (bytes, failure) = received(write).await;
        assert_eq!(bytes.len(), WAITING * PIECE);
        assert_eq!(failure.as_deref(), Some("what was to be sent was cut off"));
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_ends_the_writing() {
        let (mut writer, stream) = pipe();
        drop(stream);
        let wrote = std::thread::spawn(move || writer.write_all(&vec![1; 2 * PIECE])).join().unwrap();
        assert_eq!(wrote.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
