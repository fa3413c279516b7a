//! Sources that come after the image: archives and repositories that break, lie and move, with the real program.

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdna_build::model::Digest;
use snapbox::{assert_data_eq, str};

use crate::made_up::Project;
use crate::server::{Answer, Server};
use crate::support::{Entry, archive};

/// A source archive, large enough to break.
fn tarball() -> Vec<u8> {
    let noise: Vec<u8> =
        (0..200_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let file = |content| Entry::File { owner: 0, mode: 0o644, content };
    let files = archive([
        ("tiny-1.0/README".to_owned(), file(b"read me")),
        ("tiny-1.0/noise".to_owned(), file(&noise)),
    ]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&files).unwrap();
    packed.finish().unwrap()
}

fn lines(urls: &[String], sha256: Digest) -> String {
    format!("tarball = \"{}\"\nmirrors = {:?}\nsha256 = \"{sha256}\"", urls[0], &urls[1..])
}

#[test]
fn a_download_that_breaks_goes_on_and_a_mirror_stands_in() {
    let content = tarball();
    let sha256 = Digest::of(&content);
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        if request.target == "/gone.tar.gz" {
            return Answer::new("404 Not Found", "");
        }
        let from = request
            .header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let answer = match from {
            Some(from) => Answer::new("206 Partial Content", &content[from..])
                .with("Content-Range", format!("bytes {from}-{}/{}", content.len() - 1, content.len())),
            None => Answer::new("200 OK", &content[..]),
        };
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => answer.with("ETag", "\"one\"").broken_after(100_000),
            _ => answer.with("ETag", "\"one\""),
        }
    });
    let urls = ["gone", "there"].map(|name| format!("{}/{name}.tar.gz", server.url));
    let Some(project) = Project::with_toolchain(&lines(&urls, sha256)) else { return };
    let ran = project.build("-q");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
[HOME]/out/tiny-1.0-gfx1010-[ID].tar.zst

"#]]
    );
    assert_eq!(project.package()["README"], "read me");
    let requests = server.requests();
    assert_eq!(requests[..2], ["GET /gone.tar.gz", "GET /there.tar.gz"]);
    assert!(requests[2].starts_with("GET /there.tar.gz bytes=") && requests.len() == 3, "{requests:?}");

    // All of it is here now: the next run needs no network, and this one finds the package.
    let again = project.build("-q --offline");
    assert_eq!((again.code, &again.stdout), (0, &ran.stdout), "{}", again.stderr);
    let rebuilt = project.build("-q --offline --rebuild");
    assert_eq!((rebuilt.code, &rebuilt.stdout), (0, &ran.stdout), "{}", rebuilt.stderr);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn an_archive_of_other_bytes_is_refused_and_not_kept() {
    let server = Server::start(|_| Answer::new("200 OK", "not the archive"));
    let urls = [format!("{}/tiny.tar.gz", server.url)];
    let Some(project) = Project::with_toolchain(&lines(&urls, Digest::of("the archive"))) else { return };
    let ran = project.build("-q");
    assert_data_eq!(
        ran.stderr.replace(&server.url, "http://[SERVER]"),
        str![[r#"
http::wrong_digest

  x sha256 of http://[SERVER]/tiny.tar.gz is d8250fce32177cdb504fbe8f4fcf8d2af251c5caec93098b33693066b1462870, expected c8d18c54d108f4f0237eb4e1c4473cfd3dbd267afe97c2d967003bda0f546e08
  help: nothing was kept; if the new file is the right one, put its digest into the recipe, else ask upstream why it changed

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    let kept: Vec<_> = project.home.files().into_iter().filter(|path| path.contains("/downloads/")).collect();
    assert_eq!(kept, [""; 0]);
    assert!(project.home.run("cache list").stdout.lines().all(|line| !line.starts_with("source")));
}

#[test]
fn offline_an_archive_that_is_not_here_is_named() {
    let Some(project) = Project::with_toolchain("bundled = \"source\"") else { return };
    project.home.write("recipes/tiny/source/README", "bundled");
    assert_eq!(project.build("-q").code, 0);
    let url = "http://127.0.0.1:1/tiny.tar.gz";
    let ran = project.build(&format!("-q --offline --source {url}#sha256={}", Digest::of("x")));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
run::offline

  x --offline, and the archive http://127.0.0.1:1/tiny.tar.gz is not in the store
  help: run once without --offline; the next run needs no network

"#]]
    );
    assert_eq!(ran.code, 4);
    let ran = project.build("-q --offline --source http://127.0.0.1:1/tiny.git#v1.0");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
run::offline

  x --offline, and the commit of v1.0 of http://127.0.0.1:1/tiny.git is not in the lock file
  help: run once without --offline; the next run needs no network

"#]]
    );
    assert_eq!(ran.code, 4);
    assert!(!project.home.path("rdna-build.lock").exists());
}

#[test]
fn a_tag_that_moved_is_refused_and_the_lock_file_stays() {
    let upstream = crate::git_server::upstream();
    let Some(server) = crate::git_server::serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let Some(project) = Project::with_toolchain(&format!("git = \"{url}\"\ntag = \"v1.1\"")) else { return };
    let ran = project.build("-q");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lock = fs::read_to_string(project.home.path("rdna-build.lock")).unwrap();

    crate::git_server::move_tag(&upstream);
    // Another store, as on another machine: here the commit is in the store and nobody asks.
    let ran = project.build("-q --store other");
    assert_data_eq!(
        ran.stderr.replace(&server.url, "http://[SERVER]"),
        str![[r#"
git::moved_tag

  x tag `v1.1` of http://[SERVER]/repo.git is now a3ced5106231a1a67643cdbf12c08be97e886745, it was a485b811ecc7e6b79bb9925bad63a7662f81673c
  help: somebody moved the tag; if the new commit is the one you want, put it into the recipe, or remove the source's entry from rdna-build.lock

"#]]
    );
    assert_eq!(ran.code, 3);
    assert_eq!(fs::read_to_string(project.home.path("rdna-build.lock")).unwrap(), lock);
}
