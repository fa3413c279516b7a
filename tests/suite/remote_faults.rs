//! Remotes that lie, break off, stall and refuse: nothing of it ends in the store, and a run goes on without them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rdna_build::model::Digest;
use rdna_build::remote::credentials::Credentials;
use rdna_build::remote::{Blob, Patience, Remote, RemoteError};
use rdna_build::store::Store;
use snapbox::{assert_data_eq, str};

use crate::made_up_registry::{CONFIG, LAYER, Registry};
use crate::remote::{Maker, UNIT, other_machine, store_of};
use crate::server::{Answer, Server};

fn packed(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    for (path, kind, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        // The library would refuse to write such a path.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let is_link = matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link);
        if is_link {
            header.set_link_name_literal(text).unwrap();
        }
        let content = if is_link { "" } else { *text };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Pulls the package on another machine, which must fail with `code`, and keep nothing.
#[track_caller]
fn refused(maker: &Maker, code: i32) -> String {
    let other = other_machine();
    let ran = maker.run_at(&other, &format!("cache pull {}", maker.package));
    assert_eq!(ran.code, code, "{}", ran.stderr);
    let store = Store::peek(&store_of(&other));
    assert!(store.list().unwrap().is_empty());
    let left: Vec<String> = other.files().into_iter().filter(|path| path.contains("drafts/")).collect();
    assert_eq!(left, [""; 0]);
    ran.stderr
}

#[test]
fn what_is_not_the_entry_that_was_asked_for_is_not_taken() {
    let maker = Maker::pushed();
    let tag = maker.tag();
    let manifest = maker.registry.kept().manifests[&tag].clone();
    let sealed = String::from_utf8(maker.registry.part(&tag, CONFIG)).unwrap();
    // Whoever means harm leaves the seal out.
    let record = format!("{{{}", &sealed[sealed.find("\"schema\"").unwrap()..]);
    let key = maker.package.to_string();
    let regular = tar::EntryType::Regular;
    type Change<'a> = Box<dyn Fn(&Registry) + 'a>;
    let config = |from: &str, to: &str| -> Change<'_> {
        assert!(record.contains(from), "{record}");
        let changed = record.replace(from, to).into_bytes();
        let tag = &tag;
        Box::new(move |registry: &Registry| registry.replace(tag, CONFIG, changed.clone()))
    };
    let layer = |bytes: Vec<u8>| -> Change<'_> {
        let tag = &tag;
        Box::new(move |registry: &Registry| registry.replace(tag, LAYER, bytes.clone()))
    };
    let manifest_with = |pointer: &'static str, value: serde_json::Value| -> Change<'_> {
        let tag = &tag;
        Box::new(move |registry: &Registry| {
            registry.rewrite(tag, |manifest| *manifest.pointer_mut(pointer).unwrap() = value.clone());
        })
    };
    let cases: Vec<(&str, Change<'_>)> = vec![
        ("it speaks for package 0000", config(&key, &"0".repeat(64))),
        ("it speaks for build", config("\"stage\":\"package\"", "\"stage\":\"build\"")),
        ("it is not what was written", {
            let changed = sealed.replace("\"stage\":\"package\"", "\"stage\":\"build\"").into_bytes();
            let tag = &tag;
            Box::new(move |registry: &Registry| registry.replace(tag, CONFIG, changed.clone()))
        }),
        ("its schema is 2", config("\"schema\":1", "\"schema\":2")),
        ("names the file \"/etc/passwd\"", config("\"selftest.tar.zst\"", "\"/etc/passwd\"")),
        ("names the file \"..\"", config("\"selftest.tar.zst\"", "\"..\"")),
        ("names no file", config("[\"selftest.tar.zst\"]", "[]")),
        ("its record promises none", config("\"contents\":\"", "\"contents\":null,\"was\":\"")),
        ("EOF", Box::new(|registry| registry.replace(&tag, CONFIG, record.as_bytes()[..40].to_vec()))),
        ("contents of the digest", layer(packed(&[("selftest.tar.zst", regular, "another")]))),
        ("contents of the digest", layer(packed(&[]))),
        ("\"../evil\"", layer(packed(&[("../evil", regular, "x")]))),
        ("\"/evil\"", layer(packed(&[("/evil", regular, "x")]))),
        ("leads to an absolute path", layer(packed(&[("link", tar::EntryType::Symlink, "/etc")]))),
        ("leads out of", layer(packed(&[("link", tar::EntryType::Symlink, "../x")]))),
        ("an entry of kind '3'", layer(packed(&[("dev", tar::EntryType::Char, "")]))),
        ("an entry of kind '1'", layer(packed(&[("hard", tar::EntryType::Link, "/etc/passwd")]))),
        ("an entry of kind '6'", layer(packed(&[("fifo", tar::EntryType::Fifo, "")]))),
        ("Unknown frame", layer(b"no zstd at all".to_vec())),
        ("it has no content", manifest_with("/layers", serde_json::json!([]))),
        ("no entry of a store", manifest_with("/artifactType", "application/x".into())),
        ("it claims to have", manifest_with("/config/size", (1u64 << 40).into())),
        ("more than 1 bytes", manifest_with("/layers/0/size", 1.into())),
        ("it ends after", manifest_with("/layers/0/size", 100_000.into())),
        ("is not there", manifest_with("/layers/0/digest", format!("sha256:{}", Digest::of("x")).into())),
    ];
    for (why, change) in cases {
        maker.registry.kept().manifests.insert(tag.clone(), manifest.clone());
        change(&maker.registry);
        let error = refused(&maker, 5);
        assert!(error.replace(['\n', '|'], " ").contains(why), "{why}: {error}");
    }
}

#[test]
fn a_blob_with_another_digest_is_not_taken() {
    let maker = Maker::pushed();
    let layer = format!("sha256:{}", Digest::of(maker.registry.part(&maker.tag(), LAYER)));
    let mut kept = maker.registry.kept();
    let blob = kept.blobs.get_mut(&layer).unwrap();
    *blob.last_mut().unwrap() ^= 1;
    drop(kept);
    assert!(refused(&maker, 5).contains("was promised"));
}

#[test]
fn a_tag_with_another_keys_artifact_is_not_taken() {
    let maker = Maker::pushed();
    let other = maker.registry.kept().manifests[&format!("toolchain-{}", maker.toolchain)].clone();
    maker.registry.kept().manifests.insert(maker.tag(), other);
    assert!(refused(&maker, 5).contains("it speaks for toolchain"));
}

/// A run with a remote of no use: it warns once and goes on to the engine, which is not there either.
#[track_caller]
fn goes_on(maker: &Maker, warnings: usize) -> String {
    let ran = maker.run_at(&other_machine(), &format!("{UNIT} --remote-write"));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("nowhere.sock"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("warning").count(), warnings, "{}", ran.stderr);
    ran.stderr
        .lines()
        .take_while(|line| !line.starts_with("engine::"))
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn a_run_warns_of_a_remote_once_and_goes_on() {
    let maker = Maker::pushed();
    for (status, body) in [
        ("500 Internal Server Error", ""),
        ("503 Service Unavailable", "<html>"),
        ("401 Unauthorized", ""),
        ("403 Forbidden", r#"{"errors":[{"code":"DENIED","message":"no \u001b[2Jaccess"}]}"#),
        ("400 Bad Request", ""),
        ("200 OK", "no manifest"),
        ("301 Moved Permanently", ""),
    ] {
        maker.registry.fault(move |_| Some(Answer::new(status, body).with("Retry-After", 0)));
        let said = goes_on(&maker, 1);
        assert!(!said.contains('\u{1b}'), "{said}");
    }
    // Not to have something is no fault.
    maker.registry.fault(|_| Some(Answer::new("404 Not Found", "")));
    goes_on(&maker, 0);
}

#[test]
fn a_remote_that_is_down_is_named_once() {
    let maker = Maker::new();
    let ran = other_machine().run(&format!("{UNIT} --remote 127.0.0.1:1/shared/store"));
    let warning: Vec<&str> =
        ran.stderr.lines().skip_while(|line| !line.starts_with("warning")).take(2).collect();
    assert_data_eq!(
        warning.join("\n"),
        str![[r#"
warning: 127.0.0.1:1 cannot be reached: Connection refused (os error 111)
  help: this run goes on without the remote
"#]]
    );
    drop(maker);
}

fn remote(server: &Server, patience: Patience) -> Remote {
    let repository = format!("{}/a", server.url.strip_prefix("http://").unwrap()).parse().unwrap();
    Remote::new(repository, Credentials::Files(vec![]), patience)
}

/// Patience for tests: what it waits for never comes.
fn short() -> Patience {
    let moment = Duration::from_millis(1);
    Patience {
        connect: Duration::from_millis(200),
        silence: Duration::from_millis(200),
        retries: 2,
        first_delay: moment,
        longest_delay: moment,
    }
}

fn blob(content: &[u8]) -> Blob {
    Blob { media_type: "x".to_owned(), digest: Digest::of(content), size: content.len() as u64 }
}

#[tokio::test]
async fn a_silent_remote_is_not_waited_for() {
    let (_held, never) = mpsc::channel::<()>();
    let never = Mutex::new(never);
    let server = Server::start(move |_| {
        let _gone = never.lock().unwrap().recv();
        Answer::new("200 OK", "")
    });
    let remote = remote(&server, short());
    assert!(matches!(remote.holds("x").await, Err(RemoteError::Silent { .. })));
    assert_eq!(server.requests().len(), 1, "asking again would take as long");
}

#[tokio::test]
async fn a_busy_remote_is_asked_again_but_not_for_ever() {
    let asked = AtomicU32::new(0);
    let busy = |wait: u32| Answer::new("429 Too Many Requests", "").with("Retry-After", wait);
    let server = Server::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => busy(0),
        2 => Answer::new("200 OK", ""),
        _ => busy(3600),
    });
    let remote = remote(&server, short());
    assert!(matches!(remote.holds("x").await, Ok(true)));
    assert!(matches!(remote.holds("x").await, Err(RemoteError::Failed { .. })));
    assert_eq!(server.requests().len(), 4, "an hour is not waited for");
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke() {
    const CONTENT: &[u8] = b"the whole content";
    let server = Server::start(|request| match request.header("range") {
        None => Answer::new("200 OK", CONTENT).broken_after(5),
        Some("bytes=5-") => Answer::new("206 Partial Content", &CONTENT[5..]).broken_after(4),
        Some(_) => Answer::new("206 Partial Content", &CONTENT[9..]),
    });
    let remote = remote(&server, short());
    assert_eq!(remote.bytes(&blob(CONTENT), 100).await.unwrap(), CONTENT);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn one_that_always_breaks_off_is_given_up() {
    let server = Server::start(|_| Answer::new("200 OK", "content").broken_after(3));
    let remote = remote(&server, short());
    assert!(remote.bytes(&blob(b"content"), 100).await.is_err());
    assert_eq!(server.requests().len(), 2, "it knows no ranges");
}

#[tokio::test]
async fn nothing_is_followed_into_the_open_or_for_ever() {
    let server = Server::start(|_| Answer::new("302 Found", "").with("Location", "/v2/a/manifests/x"));
    assert!(remote(&server, short()).holds("x").await.is_err());
    assert!(server.requests().len() < 10);
    let elsewhere = Server::start(|request| match request.method.as_str() {
        "POST" => Answer::new("202 Accepted", "").with("Location", "ftp://example.org/"),
        _ => Answer::new("404 Not Found", ""),
    });
    let written = remote(&elsewhere, short()).write("x", b"bytes".to_vec()).await;
    assert!(written.is_err_and(|error| error.to_string().contains("ftp")));
}
