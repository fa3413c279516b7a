//! An OCI registry in memory that can be made to lie, refuse and break off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rdna_build::model::Digest;

use crate::server::{Answer, Request, Server};

/// Answers before the registry does; nothing where it shall answer itself.
type Fault = Box<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

#[derive(Default)]
pub struct Kept {
    /// By digest, `sha256:…`.
    pub blobs: BTreeMap<String, Vec<u8>>,
    /// By tag.
    pub manifests: BTreeMap<String, Vec<u8>>,
    upload: Vec<u8>,
}

pub struct Registry {
    pub server: Server,
    kept: Arc<Mutex<Kept>>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Registry {
    pub fn start() -> Self {
        let (kept, fault): (Arc<Mutex<Kept>>, Arc<Mutex<Option<Fault>>>) = Default::default();
        let (seen, before) = (kept.clone(), fault.clone());
        let server = Server::start(move |request| {
            let faulty = before.lock().unwrap().as_ref().and_then(|fault| fault(&request));
            faulty.unwrap_or_else(|| answer(&request, &mut seen.lock().unwrap()))
        });
        Self { server, kept, fault }
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> &str {
        self.server.url.strip_prefix("http://").unwrap()
    }

    /// The repository that tests use.
    pub fn repository(&self) -> String {
        format!("{}/shared/store", self.host())
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// From now on this answers first.
    pub fn fault(&self, fault: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) {
        *self.fault.lock().unwrap() = Some(Box::new(fault));
    }

    /// Rewrites the manifest of a tag.
    pub fn rewrite(&self, tag: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let mut kept = self.kept();
        let manifest = kept.manifests.get_mut(tag).unwrap();
        let mut document = serde_json::from_slice(manifest).unwrap();
        change(&mut document);
        *manifest = serde_json::to_vec(&document).unwrap();
    }

    /// Puts other bytes in place of the configuration or the first layer of a tag, digests and sizes right again.
    pub fn replace(&self, tag: &str, part: &str, bytes: Vec<u8>) {
        let digest = format!("sha256:{}", Digest::of(&bytes));
        let size = bytes.len();
        self.kept().blobs.insert(digest.clone(), bytes);
        self.rewrite(tag, |manifest| {
            let blob = manifest.pointer_mut(part).unwrap();
            blob["digest"] = digest.into();
            blob["size"] = size.into();
        });
    }

    /// The bytes of a part of a tag.
    pub fn part(&self, tag: &str, part: &str) -> Vec<u8> {
        let kept = self.kept();
        let manifest: serde_json::Value = serde_json::from_slice(&kept.manifests[tag]).unwrap();
        kept.blobs[manifest.pointer(part).unwrap()["digest"].as_str().unwrap()].clone()
    }
}

pub const CONFIG: &str = "/config";
pub const LAYER: &str = "/layers/0";

fn answer(request: &Request, kept: &mut Kept) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let below = path.strip_prefix("/v2/").unwrap();
    if below.is_empty() {
        return Answer::new("200 OK", "{}");
    }
    let below = below.strip_prefix("shared/store/").expect("only one repository");
    match (request.method.as_str(), below.split_once('/').unwrap()) {
        ("GET" | "HEAD", ("manifests", tag)) => given(request, kept.manifests.get(tag)),
        ("GET" | "HEAD", ("blobs", digest)) => given(request, kept.blobs.get(digest)),
        ("POST", ("blobs", "uploads/")) => {
            kept.upload.clear();
            Answer::new("202 Accepted", "").with("Location", "/v2/shared/store/blobs/uploads/1?state=a%3D")
        }
        ("PATCH", ("blobs", "uploads/1")) => {
            kept.upload.extend(&request.body);
            // An absolute one this time.
            let host = request.header("host").unwrap();
            let place = format!("http://{host}/v2/shared/store/blobs/uploads/1?state=b%3D");
            Answer::new("202 Accepted", "").with("Location", place)
        }
        ("PUT", ("blobs", "uploads/1")) => {
            kept.upload.extend(&request.body);
            let digest = format!("sha256:{}", Digest::of(&kept.upload));
            assert!(query.starts_with("state=") && query.contains("%3D&digest="), "{query}");
            assert!(query.replace("%3A", ":").ends_with(&digest), "{query}");
            kept.blobs.insert(digest, std::mem::take(&mut kept.upload));
            Answer::new("201 Created", "")
        }
        ("PUT", ("manifests", tag)) => {
            assert_eq!(request.header("content-type"), Some("application/vnd.oci.image.manifest.v1+json"));
            kept.manifests.insert(tag.to_owned(), request.body.clone());
            Answer::new("201 Created", "")
        }
        other => panic!("not asked of a registry: {other:?}"),
    }
}

fn given(request: &Request, bytes: Option<&Vec<u8>>) -> Answer {
    let Some(bytes) = bytes else {
        let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
        return Answer::new("404 Not Found", if request.method == "HEAD" { "" } else { body });
    };
    let answer = match request.header("range").and_then(|range| range.strip_prefix("bytes=")) {
        Some(range) => {
            let from: usize = range.trim_end_matches('-').parse().unwrap();
            Answer::new("206 Partial Content", &bytes[from..])
        }
        None => Answer::new("200 OK", bytes.as_slice()),
    };
    // Of an answer to HEAD comes the head only.
    if request.method == "HEAD" { answer.broken_after(0) } else { answer }
}
