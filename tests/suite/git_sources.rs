//! Git sources over http, served by git itself, and from this machine.

use std::fs;
use std::path::Path;

use git2::Repository;
use rdna_build::model::CommitId;
use rdna_build::source::git::{Checkout, CommitBase, GitError, GitRequest, fetch, resolve};
use rdna_build::source::patch::{Base as _, FolderBase, Found};
use tokio_util::sync::CancellationToken;

use crate::git_server::{commit, commit_id, move_tag, serve, upstream};
use crate::server::{Answer, Server};

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

#[test]
fn a_commit_is_read_without_a_checkout_as_its_checkout_would_be() {
    let upstream = upstream();
    let url = upstream.folder.path().join("repo.git").to_str().unwrap().to_owned();
    for (commit, subdir) in
        [(&upstream.first, None), (&upstream.second, None), (&upstream.first, Some("sub"))]
    {
        let folder = tempfile::tempdir().unwrap();
        get(&url, commit, None, subdir, &folder.path().join("tree")).unwrap();
        let tree = folder.path().join("tree");
        let base = CommitBase::open(&url, commit, subdir).unwrap();
        let listed = files(&tree);
        assert!(listed.len() >= 2, "{listed:?}");
        let odd = ["sub", "absent", "README/below", "sub/link/below", "sub/absent"].map(str::to_owned);
        for path in listed.iter().chain(&odd) {
            assert_eq!(base.read(path).unwrap(), FolderBase(&tree).read(path).unwrap(), "{path}");
        }
    }
    let base = CommitBase::open(&url, &upstream.first, Some("sub")).unwrap();
    assert_eq!(base.read("run").unwrap(), Found::File { bytes: b"#!".to_vec(), executable: true });
    let error = CommitBase::open(&url, &upstream.first, Some("../x")).unwrap_err();
    assert!(matches!(error, GitError::NoSuchFolder { .. }), "{error}");
    let error = CommitBase::open("https://example.org/x.git", &upstream.first, None).unwrap_err();
    assert!(matches!(error, GitError::NotLocal { .. }), "{error}");
}
