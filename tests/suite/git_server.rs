//! A repository made up on the spot, and git's own server for it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git2::{Oid, Repository, Signature};
use rdna_build::model::CommitId;
use rdna_build::source::git::install_transport;
use rdna_build::source::http::client;

use crate::server::{Answer, Request, Server};

/// A bare repository with two commits, the tag `v1.0` (annotated) on the first, `v1.1` on the second.
pub struct Upstream {
    pub folder: tempfile::TempDir,
    pub first: CommitId,
    pub second: CommitId,
}

fn signature() -> Signature<'static> {
    Signature::new("nobody", "nobody@example.org", &git2::Time::new(1_000_000_000, 0)).unwrap()
}

pub fn commit_id(id: Oid) -> CommitId {
    id.to_string().parse().unwrap()
}

/// Commits `entries` (name, content, mode) in folder `sub`, on top of `parent`.
pub fn commit(repository: &Repository, entries: &[(&str, &str, i32)], parent: Option<Oid>) -> Oid {
    let mut folder = repository.treebuilder(None).unwrap();
    for (name, content, mode) in entries {
        folder.insert(name, repository.blob(content.as_bytes()).unwrap(), *mode).unwrap();
    }
    let mut root = repository.treebuilder(None).unwrap();
    root.insert("sub", folder.write().unwrap(), 0o040000).unwrap();
    root.insert("README", repository.blob(b"read me").unwrap(), 0o100644).unwrap();
    let tree = repository.find_tree(root.write().unwrap()).unwrap();
    let parents: Vec<_> = parent.iter().map(|id| repository.find_commit(*id).unwrap()).collect();
    let parents: Vec<_> = parents.iter().collect();
    repository.commit(Some("refs/heads/main"), &signature(), &signature(), "change", &tree, &parents).unwrap()
}

pub fn upstream() -> Upstream {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init_bare(folder.path().join("repo.git")).unwrap();
    let first = commit(&repository, &[("a.cpp", "one\r\n", 0o100644), ("run", "#!", 0o100755)], None);
    let tagged = repository.find_object(first, None).unwrap();
    repository.tag("v1.0", &tagged, &signature(), "first", false).unwrap();
    let second = commit(&repository, &[("a.cpp", "two", 0o100644), ("link", "a.cpp", 0o120000)], Some(first));
    repository.tag_lightweight("v1.1", &repository.find_object(second, None).unwrap(), false).unwrap();
    repository.set_head("refs/heads/main").unwrap();
    Upstream { folder, first: commit_id(first), second: commit_id(second) }
}

/// git's own server, if this machine has it.
fn backend() -> Option<PathBuf> {
    let output = Command::new("git").arg("--exec-path").output().ok()?;
    let path = Path::new(String::from_utf8(output.stdout).ok()?.trim()).join("git-http-backend");
    path.exists().then_some(path)
}

/// Serves the repositories below `root`, or says that the test is skipped.
pub fn serve(root: &Path) -> Option<Server> {
    let Some(backend) = backend() else {
        eprintln!("skipped: git http-backend is not installed");
        return None;
    };
    install_transport(client().unwrap());
    let root = root.to_owned();
    Some(Server::start(move |request| cgi(&backend, &root, &request)))
}

fn cgi(backend: &Path, root: &Path, request: &Request) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut child = Command::new(backend)
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&request.body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output[..end].to_vec()).unwrap();
    let not_found = head.contains("Status: 404");
    let mut answer = Answer::new(if not_found { "404 Not Found" } else { "200 OK" }, &output[end + 4..]);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name != "Status" {
            answer = answer.with(name, value);
        }
    }
    answer
}

/// Moves the tag `v1.1` to a new commit that has nothing to do with the old ones.
pub fn move_tag(upstream: &Upstream) -> CommitId {
    let repository = Repository::open(upstream.folder.path().join("repo.git")).unwrap();
    let tree =
        repository.find_commit(Oid::from_str(upstream.first.as_str()).unwrap()).unwrap().tree().unwrap();
    let moved = repository.commit(None, &signature(), &signature(), "moved", &tree, &[]).unwrap();
    repository.tag_lightweight("v1.1", &repository.find_object(moved, None).unwrap(), true).unwrap();
    repository.reference("refs/heads/main", moved, true, "").unwrap();
    commit_id(moved)
}
