//! Downloads from servers that break, lie, refuse and redirect.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rdna_build::model::Digest;
use rdna_build::source::http::{Download, HttpError, Retries, client, download};
use tokio_util::sync::CancellationToken;

use crate::server::{Answer, Request, Server};

const SIZE: usize = 300_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|index| (index * 7 % 251) as u8).collect()
}

fn at_once() -> Retries {
    Retries { count: 3, first_delay: Duration::ZERO, longest_delay: Duration::ZERO }
}

fn fetch(urls: &[String], into: &Path) -> Result<u64, HttpError> {
    let sha256 = Digest::of(content());
    let request = Download { urls, sha256: &sha256, limit: 1 << 20, retries: at_once() };
    download(&client().unwrap(), &request, into, &mut |_, _| {}, &CancellationToken::new())
}

/// Serves `body` as a whole or from where the request says.
fn ranged(request: &Request, body: &[u8], etag: &str) -> Answer {
    let from = request
        .header("range")
        .filter(|_| request.header("if-range").is_none_or(|known| known == etag))
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    match from {
        Some(from) if from >= body.len() => Answer::new("416 Range Not Satisfiable", "")
            .with("Content-Range", format!("bytes */{}", body.len())),
        Some(from) => Answer::new("206 Partial Content", &body[from..])
            .with("Content-Range", format!("bytes {from}-{}/{}", body.len() - 1, body.len()))
            .with("ETag", etag),
        None => Answer::new("200 OK", body).with("ETag", etag),
    }
}

fn left_over(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_connection_that_breaks_three_times_is_gone_on_with() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let answer = ranged(&request, &content(), "\"one\"");
        match asked.fetch_add(1, Ordering::SeqCst) < 3 {
            true => answer.broken_after(50_000),
            false => answer,
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("file");
    assert_eq!(fetch(&[format!("{}/f", server.url)], &into).unwrap(), SIZE as u64);
    assert_eq!(fs::read(&into).unwrap(), content());
    assert_eq!(left_over(folder.path()), ["file"]);
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[0], "GET /f");
    assert!(requests[1..].iter().all(|request| request.starts_with("GET /f bytes=")), "{requests:?}");
}

#[test]
fn the_next_run_goes_on_where_this_one_stopped() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => ranged(&request, &content(), "\"one\"").broken_after(100_000),
        1..=3 => Answer::new("503 Service Unavailable", ""),
        _ => ranged(&request, &content(), "\"one\""),
    });
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("file");
    let urls = [format!("{}/f", server.url)];
    assert!(matches!(fetch(&urls, &into), Err(HttpError::AllFailed { .. })));
    assert_eq!(left_over(folder.path()), ["file.part", "file.part.from"]);
    let kept = fs::metadata(folder.path().join("file.part")).unwrap().len();
    assert!(kept > 0);
    fetch(&urls, &into).unwrap();
    assert_eq!(server.requests().last().unwrap(), &format!("GET /f bytes={kept}-"));
    assert_eq!(left_over(folder.path()), ["file"]);
}

#[test]
fn a_file_that_changed_meanwhile_is_begun_anew() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => ranged(&request, &vec![b'x'; SIZE], "\"old\"").broken_after(100_000),
        _ => ranged(&request, &content(), "\"new\""),
    });
    let folder = tempfile::tempdir().unwrap();
    fetch(&[format!("{}/f", server.url)], &folder.path().join("file")).unwrap();
}

#[test]
fn a_kept_beginning_of_another_file_does_not_spoil_the_download() {
    let server = Server::start(|request| ranged(&request, &content(), "\"one\""));
    let folder = tempfile::tempdir().unwrap();
    for length in [1000, SIZE, SIZE + 5] {
        fs::write(folder.path().join("file.part"), vec![b'x'; length]).unwrap();
        fetch(&[format!("{}/f", server.url)], &folder.path().join("file")).unwrap();
        fs::remove_file(folder.path().join("file")).unwrap();
    }
}

#[test]
fn a_wrong_digest_is_named_and_nothing_is_kept() {
    let server = Server::start(|_| Answer::new("200 OK", "not the file"));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}/f", server.url).replace("http://", "http://user:hunter2@");
    let error = fetch(&[url], &folder.path().join("file")).unwrap_err();
    let expected = format!(
        "sha256 of {}/f is {}, expected {}",
        server.url,
        Digest::of("not the file"),
        Digest::of(content())
    );
    assert_eq!(error.to_string(), expected);
    assert!(left_over(folder.path()).is_empty());
}

#[test]
fn a_mirror_without_the_file_is_left_for_the_next() {
    let server = Server::start(|request| match request.target.as_str() {
        "/away" => Answer::new("404 Not Found", "gone"),
        "/wrong" => Answer::new("200 OK", "an error page"),
        _ => ranged(&request, &content(), "\"one\""),
    });
    let folder = tempfile::tempdir().unwrap();
    let urls = ["away", "wrong", "right"].map(|path| format!("{}/{path}", server.url));
    fetch(&urls, &folder.path().join("file")).unwrap();
    assert_eq!(server.requests(), ["GET /away", "GET /wrong", "GET /right"]);
    let error = fetch(&urls[..1], &folder.path().join("other")).unwrap_err();
    assert!(error.to_string().contains("/away: the server answered 404 Not Found"), "{error}");
}

#[test]
fn a_busy_server_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::new("503 Service Unavailable", "").with("Retry-After", 86_400),
        1 => Answer::new("429 Too Many Requests", ""),
        _ => ranged(&request, &content(), "\"one\""),
    });
    let folder = tempfile::tempdir().unwrap();
    fetch(&[format!("{}/f", server.url)], &folder.path().join("file")).unwrap();
}

#[test]
fn a_file_larger_than_allowed_is_not_kept() {
    for announced in [true, false] {
        let server = Server::start(move |_| {
            let mut answer = Answer::new("200 OK", vec![0; 2 << 20]);
            if !announced {
                answer.headers.clear();
            }
            answer
        });
        let folder = tempfile::tempdir().unwrap();
        let error = fetch(&[format!("{}/f", server.url)], &folder.path().join("file")).unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { .. }), "{error}");
        assert!(left_over(folder.path()).is_empty());
    }
}

#[test]
fn a_redirect_is_followed_and_a_circle_is_not() {
    let server = Server::start(|request| match request.target.as_str() {
        "/f" => Answer::new("302 Found", "").with("Location", "/moved"),
        "/circle" => Answer::new("302 Found", "").with("Location", "/circle"),
        _ => ranged(&request, &content(), "\"one\""),
    });
    let folder = tempfile::tempdir().unwrap();
    fetch(&[format!("{}/f", server.url)], &folder.path().join("file")).unwrap();
    let error = fetch(&[format!("{}/circle", server.url)], &folder.path().join("other")).unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
}

#[test]
fn a_cancelled_download_keeps_its_beginning() {
    let server = Server::start(|request| ranged(&request, &content(), "\"one\""));
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("file");
    let cancel = CancellationToken::new();
    let (urls, sha256) = ([format!("{}/f", server.url)], Digest::of(content()));
    let request = Download { urls: &urls, sha256: &sha256, limit: 1 << 20, retries: at_once() };
    let mut stop = |_, _| cancel.cancel();
    let error = download(&client().unwrap(), &request, &into, &mut stop, &cancel).unwrap_err();
    assert!(matches!(error, HttpError::Cancelled { .. }), "{error}");
    assert_eq!(left_over(folder.path()), ["file.part", "file.part.from"]);
}
