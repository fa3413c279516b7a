//! Git sources over http, served by git itself, and from this machine.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git2::{Oid, Repository, Signature};
use rdna_build::model::CommitId;
use rdna_build::source::git::{Checkout, GitError, GitRequest, fetch, install_transport, resolve};
use rdna_build::source::http::client;
use tokio_util::sync::CancellationToken;

use crate::server::{Answer, Request, Server};

/// A bare repository with two commits, the tag `v1.0` (annotated) on the first, `v1.1` on the second.
pub struct Upstream {
    pub folder: tempfile::TempDir,
    first: CommitId,
    pub second: CommitId,
}

fn signature() -> Signature<'static> {
    Signature::new("nobody", "nobody@example.org", &git2::Time::new(1_000_000_000, 0)).unwrap()
}

fn commit_id(id: Oid) -> CommitId {
    id.to_string().parse().unwrap()
}

/// Commits `entries` (name, content, mode) in folder `sub`, on top of `parent`.
fn commit(repository: &Repository, entries: &[(&str, &str, i32)], parent: Option<Oid>) -> Oid {
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

fn get(
    url: &str,
    commit: &CommitId,
    reference: Option<&str>,
    subdir: Option<&str>,
    into: &Path,
) -> Result<Checkout, GitError> {
    let request = GitRequest { url, commit, reference, subdir };
    fetch(&request, into, &mut |_, _| {}, &CancellationToken::new())
}

fn ask(url: &str, reference: &str) -> Result<CommitId, GitError> {
    resolve(url, Some(reference), &CancellationToken::new())
}

fn files(folder: &Path) -> Vec<String> {
    let tree = rdna_build::source::read_tree(folder, &CancellationToken::new()).unwrap();
    tree.nodes.keys().cloned().collect()
}

#[test]
fn names_are_resolved_to_commits() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let local = upstream.folder.path().join("repo.git").to_str().unwrap().to_owned();
    for url in [format!("{}/repo.git", server.url), format!("file://{local}"), local] {
        assert_eq!(ask(&url, "v1.0").unwrap(), upstream.first, "the commit behind an annotated tag");
        assert_eq!(ask(&url, "v1.1").unwrap(), upstream.second);
        assert_eq!(ask(&url, "main").unwrap(), upstream.second);
        let head = resolve(&url, None, &CancellationToken::new());
        assert_eq!(head.unwrap(), upstream.second);
        let error = ask(&url, "v1.O").unwrap_err();
        assert!(error.to_string().ends_with("near are v1.0, v1.1"), "{error}");
        let error = ask(&url, upstream.first.short()).unwrap_err();
        assert!(matches!(error, GitError::Abbreviated { .. }), "{error}");
    }
}

#[test]
fn a_tag_is_fetched_with_depth_one() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("source");
    let mut objects = 0;
    let request = GitRequest { url: &url, commit: &upstream.second, reference: Some("v1.1"), subdir: None };
    let mut progress = |_, total| objects = total;
    fetch(&request, &into, &mut progress, &CancellationToken::new()).unwrap();
    assert_eq!(files(&into), ["README", "sub/a.cpp", "sub/link"]);
    assert_eq!(fs::read_to_string(into.join("sub/link")).unwrap(), "two");
    // A commit, two trees and three blobs; with its history it would be more.
    assert_eq!(objects, 6);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left beside the source");
}

#[test]
fn content_is_what_git_holds_and_a_subfolder_is_enough() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("source");
    let checkout = get(&url, &upstream.first, None, Some("sub"), &into).unwrap();
    assert_eq!((checkout.files, checkout.bytes), (2, 7));
    assert_eq!(files(&into), ["a.cpp", "run"]);
    assert_eq!(fs::read_to_string(into.join("a.cpp")).unwrap(), "one\r\n");
    let error = get(&url, &upstream.first, None, Some("src"), &folder.path().join("x")).unwrap_err();
    assert!(matches!(error, GitError::NoSuchFolder { .. }), "{error}");
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

#[test]
fn a_moved_tag_is_refused() {
    let upstream = upstream();
    let moved = move_tag(&upstream);
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("source");
    let error = get(&url, &upstream.second, Some("v1.1"), None, &into).unwrap_err();
    assert!(
        matches!(&error, GitError::MovedTag { expected, found, .. } if *expected == upstream.second && *found == moved),
        "{error}"
    );
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("rdna-build.lock"), "{help}");
    assert!(!into.exists());
}

#[test]
fn a_server_that_gives_commits_by_id_does_not_need_the_tag() {
    let upstream = upstream();
    move_tag(&upstream);
    let repository = Repository::open(upstream.folder.path().join("repo.git")).unwrap();
    repository.config().unwrap().set_bool("uploadpack.allowAnySHA1InWant", true).unwrap();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let folder = tempfile::tempdir().unwrap();
    get(&url, &upstream.second, Some("v1.1"), None, &folder.path().join("source")).unwrap();
}

#[test]
fn a_commit_behind_a_branch_that_went_on_is_found_in_its_history() {
    let upstream = upstream();
    let repository = Repository::open(upstream.folder.path().join("repo.git")).unwrap();
    repository.tag_delete("v1.0").unwrap();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let folder = tempfile::tempdir().unwrap();
    get(&url, &upstream.first, Some("main"), None, &folder.path().join("source")).unwrap();
    let unknown = "0123456789012345678901234567890123456789".parse().unwrap();
    let error = get(&url, &unknown, Some("main"), None, &folder.path().join("other")).unwrap_err();
    assert!(matches!(error, GitError::NoSuchCommit { .. }), "{error}");
}

#[test]
fn a_redirected_repository_is_fetched_from_where_it_is() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let real = server.url.clone();
    let front = Server::start(move |request| {
        let target = request.target.replace("/old/name", "/repo.git");
        Answer::new("301 Moved Permanently", "").with("Location", format!("{real}{target}"))
    });
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}/old/name", front.url);
    get(&url, &upstream.second, Some("v1.1"), None, &folder.path().join("source")).unwrap();
}

#[test]
fn a_repository_of_this_machine_is_read_where_it_lies() {
    let upstream = upstream();
    let url = upstream.folder.path().join("repo.git").to_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("source");
    get(&url, &upstream.first, Some("v1.0"), None, &into).unwrap();
    assert_eq!(files(&into), ["README", "sub/a.cpp", "sub/run"]);
    let error = get(&url, &upstream.first, None, None, &into).unwrap_err();
    assert!(matches!(error, GitError::NotEmpty { .. }), "{error}");
}

#[test]
fn a_tree_that_leads_outside_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init_bare(folder.path().join("repo.git")).unwrap();
    let url = folder.path().join("repo.git").to_str().unwrap().to_owned();
    let into = folder.path().join("source");

    let link = commit(&repository, &[("z.c", "z", 0o100644), ("out", "../../etc", 0o120000)], None);
    let error = get(&url, &commit_id(link), None, None, &into).unwrap_err();
    assert!(matches!(&error, GitError::HostileSymlink { path, .. } if path == "sub/out"), "{error}");
    assert!(!into.exists());

    // libgit2 builds no such tree, so it is written byte by byte.
    let blob = repository.blob(b"x").unwrap();
    for name in ["..", ".git", "a/../../x"] {
        let mut raw = format!("100644 {name}\0").into_bytes();
        raw.extend_from_slice(blob.as_bytes());
        let tree = repository.odb().unwrap().write(git2::ObjectType::Tree, &raw).unwrap();
        let text = format!(
            "tree {tree}\nauthor n <n@example.org> 1 +0000\ncommitter n <n@example.org> 1 +0000\n\nx\n"
        );
        let commit = repository.odb().unwrap().write(git2::ObjectType::Commit, text.as_bytes()).unwrap();
        let error = get(&url, &commit_id(commit), None, None, &into).unwrap_err();
        assert!(matches!(error, GitError::HostilePath { .. } | GitError::Damaged { .. }), "{name}: {error}");
        assert!(!into.exists());
    }
}

#[test]
fn an_error_names_the_address_without_its_password() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/none.git", server.url).replace("http://", "http://user:hunter2@");
    let error = ask(&url, "v1.0").unwrap_err();
    let expected = format!("cannot reach {}/none.git: the server answered 404 Not Found", server.url);
    assert_eq!(error.to_string(), expected);
}
