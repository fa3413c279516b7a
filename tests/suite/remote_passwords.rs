//! Passwords of registries: from where Docker keeps them, to the registry and nowhere else.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use snapbox::{assert_data_eq, str};

use crate::home::{Home, Ran};
use crate::made_up_registry::Registry;
use crate::remote::Maker;
use crate::server::{Answer, Request, Server};

/// Base64 of `me:hunter2`.
const AUTH: &str = "bWU6aHVudGVyMg==";
const PASSWORD: &str = "hunter2";

/// Whoever does not show the password is asked for it.
fn ask_for_password(registry: &Registry) {
    registry.fault(|request| match request.header("authorization") {
        Some(shown) if shown == format!("Basic {AUTH}") => None,
        Some(_) | None => {
            Some(Answer::new("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"x\""))
        }
    });
}

fn write_config(home: &Home, registry: &Registry, auth: &str) {
    let config = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, registry.host());
    home.write(".docker/config.json", config);
}

/// Neither what was said nor what is kept of the run may hold the password.
#[track_caller]
fn is_kept_secret(home: &Home, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains(AUTH), "{text}");
    }
    for path in home.files().into_iter().filter(|path| path.contains(".cache/")) {
        let text = String::from_utf8_lossy(&std::fs::read(home.path(&path)).unwrap()).into_owned();
        assert!(!text.contains(PASSWORD) && !text.contains(AUTH), "{path}");
    }
}

#[test]
fn a_registry_that_asks_gets_the_password_of_dockers_configuration() {
    let maker = Maker::new();
    ask_for_password(&maker.registry);
    let without = maker.run("cache push --all");
    assert_eq!(without.code, 4);
    assert!(without.stderr.contains("rdna-build cache login [REGISTRY]"), "{}", without.stderr);

    write_config(&maker.home, &maker.registry, "bWU6d3Jvbmc=");
    let wrong = maker.run("cache push --all");
    assert_eq!(wrong.code, 4);
    assert!(wrong.stderr.contains("[REGISTRY] denies it"), "{}", wrong.stderr);

    write_config(&maker.home, &maker.registry, AUTH);
    let right = maker.run("cache push --all -v");
    assert_eq!(right.code, 0, "{}", right.stderr);
    is_kept_secret(&maker.home, &right);
    is_kept_secret(&maker.home, &maker.run("config --json"));
}

#[test]
fn a_helper_is_asked_as_docker_asks_it() {
    let maker = Maker::new();
    ask_for_password(&maker.registry);
    let host = maker.registry.host().to_owned();
    maker.home.write(".docker/config.json", format!(r#"{{"credHelpers": {{"{host}": "made-up"}}}}"#));
    let helper = maker.home.write(
        "bin/docker-credential-made-up",
        format!(
            "#!/bin/sh\n[ \"$1\" = get ] && [ \"$(cat)\" = {host} ] || exit 1\n\
             echo '{{\"ServerURL\":\"{host}\",\"Username\":\"me\",\"Secret\":\"{PASSWORD}\"}}'\n"
        ),
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let missing = maker.run("cache push --all");
    assert_eq!(missing.code, 4);
    assert!(missing.stderr.contains("docker-credential-made-up failed"), "{}", missing.stderr);

    let mut command =
        maker.home.command(&format!("cache push --all --remote {}", maker.registry.repository()));
    command.env("PATH", format!("{}:/usr/bin:/bin", helper.parent().unwrap().display()));
    let ran = maker.home.finish(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    is_kept_secret(&maker.home, &ran);
}

#[test]
fn a_token_is_asked_for_where_the_registry_says_with_the_rights_that_are_needed() {
    let maker = Maker::new();
    write_config(&maker.home, &maker.registry, AUTH);
    let tokens = Server::start(|request: Request| {
        assert_eq!(request.header("authorization"), Some(format!("Basic {AUTH}").as_str()));
        let rights = if request.target.contains("pull%2Cpush") { "push" } else { "pull" };
        assert!(request.target.contains("scope=repository%3Ashared%2Fstore%3Apull"), "{}", request.target);
        assert!(request.target.contains("service=made+up"), "{}", request.target);
        Answer::new("200 OK", format!(r#"{{"token": "may-{rights}"}}"#))
    });
    let challenge = format!("Bearer realm=\"{}/token\",service=\"made up\"", tokens.url);
    maker.registry.fault(move |request| {
        let needed =
            if matches!(request.method.as_str(), "GET") { "Bearer may-pull" } else { "Bearer may-push" };
        let shown = request.header("authorization").unwrap_or_default();
        let is_enough =
            shown == needed || shown == "Bearer may-push" || (request.method == "HEAD" && !shown.is_empty());
        (!is_enough).then(|| Answer::new("401 Unauthorized", "").with("WWW-Authenticate", &challenge))
    });
    let ran = maker.run("cache push --all");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    is_kept_secret(&maker.home, &ran);
    // One for each kind of right, however many questions there were.
    assert_eq!(tokens.requests().len(), 2, "{:?}", tokens.requests());
}

#[test]
fn a_password_goes_to_no_other_place() {
    let maker = Maker::new();
    write_config(&maker.home, &maker.registry, AUTH);
    for realm in ["http://example.org/token", "ftp://127.0.0.1/token", "no address"] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        maker
            .registry
            .fault(move |_| Some(Answer::new("401 Unauthorized", "").with("WWW-Authenticate", &challenge)));
        let ran = maker.run("cache push --all");
        assert_eq!(ran.code, 4);
        assert!(ran.stderr.contains("in a way that is not followed"), "{}", ran.stderr);
    }
    // Nor does an upload that is sent elsewhere take it along.
    let elsewhere = Server::start(|request: Request| {
        assert_eq!(request.header("authorization"), None);
        Answer::new("403 Forbidden", "")
    });
    let place = format!("{}/upload", elsewhere.url);
    maker.registry.fault(move |request| match (request.header("authorization"), request.method.as_str()) {
        (None, _) => Some(Answer::new("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"x\"")),
        (Some(_), "POST") => Some(Answer::new("202 Accepted", "").with("Location", &place)),
        (Some(_), _) => None,
    });
    assert_eq!(maker.run("cache push --all").code, 4);
    assert!(!elsewhere.requests().is_empty());
}

fn login(home: &Home, registry: &Registry, words: &str, password: &str) -> Ran {
    let mut command = home.command(&format!("cache login {} {words}", registry.host()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap().replace(registry.host(), "[REGISTRY]");
        text.replace(&home.path("").display().to_string(), "[HOME]/")
    };
    Ran { code: output.status.code().unwrap(), stdout: shown(output.stdout), stderr: shown(output.stderr) }
}

#[test]
fn a_login_is_tried_and_kept_as_docker_keeps_it() {
    let home = Home::new();
    let registry = Registry::start();
    ask_for_password(&registry);
    let words = "--username me --password-stdin";
    let wrong = login(&home, &registry, words, "wrong\n");
    assert_eq!(wrong.code, 4, "{}", wrong.stderr);
    assert_eq!(home.files(), [""; 0]);

    let right = login(&home, &registry, words, &format!("{PASSWORD}\n"));
    assert_data_eq!(
        &right.stderr,
        str![[r#"
[REGISTRY] takes the password; it is kept in [HOME]/.docker/config.json, readable for whoever may read that file

"#]]
    );
    assert_eq!(right.code, 0);
    let path = home.path(".docker/config.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(config["auths"][registry.host()]["auth"], AUTH);

    assert_data_eq!(
        login(&home, &registry, "--password-stdin", "x").stderr,
        str![[r#"
cli::usage

  x --password-stdin takes the password, not the name
  help: add --username NAME

"#]]
    );
    assert_data_eq!(
        login(&home, &registry, "--username me", "x").stderr,
        str![[r#"
cli::usage

  x there is no terminal to ask for the password at
  help: pipe it in: --password-stdin

"#]]
    );
    assert_data_eq!(
        home.run("cache login https://example.org/x").stderr,
        str![[r#"
error: invalid value 'https://example.org/x' for '<REGISTRY>': `https://example.org/x` is no host with or without a port, e.g. ghcr.io or localhost:5000

For more information, try '--help'.

"#]]
    );
}
