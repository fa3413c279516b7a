//! Says what an error of the client library means for us.

use std::error::Error as _;
use std::io::ErrorKind;

use bollard::errors::Error;

use crate::engine::EngineError;
use crate::engine::lines::plain;

/// Names a failed request: no room, no engine any more, or a plain no.
pub(super) fn explain(doing: &str, error: Error) -> EngineError {
    let doing = doing.to_owned();
    let reason = server_text(&error);
    if is_disk_full(&reason) {
        return EngineError::DiskFull { doing, reason };
    }
    if is_connection(&error) {
        return EngineError::Lost { doing, reason };
    }
    EngineError::Refused { doing, reason }
}

pub(super) fn is_disk_full(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.contains("no space left on device") || reason.contains("disk quota exceeded")
}

pub(super) fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

pub(super) fn is_conflict(error: &Error) -> bool {
    status(error) == Some(409)
}

fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        // A foreign enum.
        _ => None,
    }
}

/// Whether the engine did not answer, rather than answer no.
fn is_connection(error: &Error) -> bool {
    matches!(
        error,
        Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
            | Error::IOError { .. }
            | Error::RequestTimeoutError
            | Error::SocketNotFoundError(_)
    )
}

/// What the engine said, else the deepest cause: the layers above it only repeat that there was an error.
pub(super) fn server_text(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { status_code, message } if message.trim().is_empty() => {
            format!("status {status_code} without a reason")
        }
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => "no answer in time".to_owned(),
        other => {
            let mut deepest: &dyn std::error::Error = other;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            deepest.to_string()
        }
    };
    // Engines quote containers and registries in their messages.
    plain(text.trim()).trim_end_matches('.').to_owned()
}

/// The operating system's reason at the root of an error, if that is what it is.
pub(super) fn io_kind(error: &Error) -> Option<ErrorKind> {
    let mut next = error.source();
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    while let Some(source) = next {
        if let Some(io) = source.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = source.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn a_full_disk_is_told_from_a_no() {
        let full = server(500, "write /var/lib/docker/tmp/x: no space left on device");
        assert!(matches!(explain("importing", full), EngineError::DiskFull { .. }));
        let no = explain("creating", server(400, "\u{1b}[31minvalid mount.\n"));
        assert_eq!(no.to_string(), "the engine refused while creating: invalid mount");
    }

    #[test]
    fn a_closed_connection_is_a_lost_engine() {
        let reset = Error::from(std::io::Error::from(ErrorKind::ConnectionReset));
        assert!(matches!(explain("running", reset), EngineError::Lost { .. }));
        assert!(matches!(explain("running", Error::RequestTimeoutError), EngineError::Lost { .. }));
    }
}
