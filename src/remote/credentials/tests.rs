use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

fn config(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, text).unwrap();
    (folder, path)
}

async fn find(text: &str, registry: &str) -> Option<Credential> {
    let (_folder, path) = config(text);
    Credentials::Files(vec![PathBuf::from("/nowhere/config.json"), path]).find(registry).await.unwrap()
}

fn password(user: &str, secret: &str) -> Option<Credential> {
    Some(Credential::Password { user: user.to_owned(), secret: Secret::new(secret) })
}

#[tokio::test]
async fn a_password_is_found_as_docker_and_podman_write_it() {
    // `me:pa:ss`
    let auth = r#"{"auth": "bWU6cGE6c3M="}"#;
    for (key, registry) in
        [("ghcr.io", "ghcr.io"), ("https://ghcr.io/v2/", "ghcr.io"), ("localhost:5000", "localhost:5000")]
    {
        let text = format!(r#"{{"auths": {{"other": {{}}, "{key}": {auth}}}, "HttpHeaders": {{}}}}"#);
        assert_eq!(find(&text, registry).await, password("me", "pa:ss"), "{key}");
        assert_eq!(find(&text, "example.org").await, None, "{key}");
    }
    let token = r#"{"auths": {"r.io": {"auth": "bWU6", "identitytoken": "t"}}}"#;
    assert_eq!(find(token, "r.io").await, Some(Credential::Identity(Secret::new("t"))));
    for nothing in ["{}", r#"{"auths": {"r.io": {}}}"#, r#"{"auths": {"r.io": {"auth": "???"}}}"#] {
        assert_eq!(find(nothing, "r.io").await, None, "{nothing}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_configuration_is_named_without_its_text() {
    let (_folder, path) = config("{\"auths\": {\"r.io\": {\"auth\": \"c2VjcmV0\"");
    let error = Credentials::Files(vec![path]).find("r.io").await.unwrap_err().to_string();
    assert!(error.contains("config.json cannot be read: line 1") && !error.contains("c2VjcmV0"), "{error}");
}

#[tokio::test]
async fn a_helper_is_a_name_and_no_path() {
    let (_folder, path) = config(r#"{"credsStore": "../../bin/evil"}"#);
    let error = Credentials::Files(vec![path]).find("r.io").await.unwrap_err().to_string();
    assert!(error.contains("no name of a helper"), "{error}");
}

#[tokio::test]
async fn a_login_leaves_the_rest_of_the_file_and_is_private() {
    let (folder, path) = config(r#"{"psFormat": "x", "auths": {"other": {"auth": "eDp5"}}}"#);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let kept = login("r.io", &password("me", "secret").unwrap(), Some(&path)).await.unwrap();
    assert_eq!(kept, Kept::File { path: path.clone() });
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("psFormat") && text.contains("eDp5") && !text.contains("secret"), "{text}");
    let files = Credentials::Files(vec![path]);
    assert_eq!(files.find("r.io").await.unwrap(), password("me", "secret"));

    let missing = folder.path().join("new/config.json");
    login("r.io", &password("me", "secret").unwrap(), Some(&missing)).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&missing), mode(missing.parent().unwrap())), (0o600, 0o700));
    let nowhere = login("r.io", &password("me", "secret").unwrap(), None).await;
    assert!(matches!(nowhere, Err(CredentialsError::NoFile)));
}

#[test]
fn a_secret_is_never_shown() {
    let shown = format!("{:?}", Credentials::Given(password("me", "hunter2").unwrap()));
    assert!(shown.contains("me") && !shown.contains("hunter2"), "{shown}");
}
