//! Images that are not what they should be: promises, Dockerfiles, packages and mirrors that cannot be trusted.

use std::process::Command;

use snapbox::{assert_data_eq, str};

use crate::debian_archive::{Archive, Item, TestKey};
use crate::home::Ran;
use crate::made_up::{Project, STATUS};
use crate::server::{Answer, Server};
use crate::support::{self, BUSYBOX};

const BUNDLED: &str = "bundled = \"source\"";
const FUTURE: &str = "Fri, 01 Jan 2100 00:00:00 UTC";

/// A project with a bundled source and a base image of this root file system.
fn project(status: Option<&str>, more: &str, dockerfile: &str) -> Option<Project> {
    let project = Project::new(BUNDLED)?;
    project.home.write("recipes/tiny/source/README", "read me");
    let base = project.import_base(&project.rootfs("made up", status));
    project.toolchain(&base, more, dockerfile);
    Some(project)
}

#[track_caller]
fn refused(project: &Project, ran: &Ran, code: i32) {
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{}", ran.stderr);
    assert_eq!(project.images(), [""; 0], "no image is left");
}

#[test]
fn an_image_that_keeps_its_promises_is_built_with() {
    let Some(project) = project(Some(STATUS), "", "FROM ${BASE}") else { return };
    let ran = project.build("-q");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(project.package()["marker"], "made up");
    assert_eq!(project.images().len(), 1);
}

#[test]
fn an_image_that_breaks_its_promises_is_refused_with_each_of_them() {
    let status = STATUS.replace("6.4.3", "6.4.1");
    let more = r#"llvm = { version = "21", package = "clang-21", file = "/usr/bin/clang-21" }"#;
    let Some(project) = project(Some(&status), more, "FROM ${BASE}") else { return };
    let path = format!("toolchains/{}/toolchain.toml", project.id);
    let toml = std::fs::read_to_string(project.home.path(&path)).unwrap();
    project.home.write(&path, toml.replace("/usr/bin/c++", "/usr/bin/clang++-21"));
    let ran = project.build("-q");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
toolchain::claims

  x the image of the toolchain `[ID]` is not what toolchain.toml promises
  help: correct the claims, or name the packages that hold them where they are installed; then the image is made anew

Error: 
  x hip 6.4.3 is claimed, but libamdhip64-dev is installed in version 6.4.1-2+b1

Error: 
  x llvm 21 is claimed, but its package clang-21 is not installed

Error: 
  x llvm 21 is claimed, but there is no /usr/bin/clang-21

Error: 
  x an image without the promised C++ compiler: there is no /usr/bin/clang++-21

"#]]
    );
    refused(&project, &ran, 3);
}

#[test]
fn an_image_without_a_package_database_is_no_toolchain() {
    let Some(project) = project(None, "", "FROM ${BASE}") else { return };
    let ran = project.build("-q");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
run::no_packages

  x the image of toolchain `[ID]` holds no package database
  help: only Debian-based images can be used as toolchains today

"#]]
    );
    refused(&project, &ran, 3);
}

#[test]
fn a_dockerfile_that_fails_is_shown_with_its_last_lines() {
    let dockerfile = "FROM ${BASE}\nRUN echo no such compiler; false";
    let Some(project) = project(Some(STATUS), "", dockerfile) else { return };
    let ran = project.build("-q");
    assert!(ran.stderr.starts_with("engine::image_build\n\n  x the image build failed: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("no such compiler"), "{}", ran.stderr);
    refused(&project, &ran, 3);
}

/// A project that is assembled from a made-up mirror, with the files of `archive`.
fn assembled(archive: Archive) -> Option<(Project, Server)> {
    let project = Project::new(BUNDLED)?;
    project.home.write("recipes/tiny/source/README", "read me");
    project.toolchain("127.0.0.1:1/base:1", "", "FROM ${BASE}");
    project.assembled("tool");
    let server = Server::start(move |request| {
        match request.target.strip_prefix("/debian/").and_then(|path| archive.files.get(path)) {
            Some(content) => Answer::new("200 OK", &content[..]),
            None => Answer::new("404 Not Found", ""),
        }
    });
    Some((project, server))
}

fn bootstrap(server: &Server) -> String {
    format!("-q --debian-mirror {}/debian", server.url)
}

/// Builds where `key` is one of Debian's own.
fn build_trusting(project: &Project, key: &TestKey, server: &Server) -> Option<Ran> {
    run_trusting(project, key, &project.arguments(&bootstrap(server)))
}

/// Runs where `key` is one of Debian's own: in a mount namespace with another folder of archive keys.
fn run_trusting(project: &Project, key: &TestKey, arguments: &str) -> Option<Ran> {
    project.home.write("keys/debian-archive-keyring.pgp", key.public());
    let mut command = Command::new("unshare");
    let script = "mount --bind keys /usr/share/keyrings && exec \"$@\"";
    command.args(["--mount", "--map-root-user", "sh", "-ec", script, "sh", env!("CARGO_BIN_EXE_rdna-build")]);
    command.args(arguments.split_whitespace());
    project.home.prepare(&mut command);
    let ran = project.named(project.home.finish(&mut command));
    if ran.stderr.starts_with("unshare:") || ran.stderr.starts_with("mount:") {
        return support::skip(&format!("no mount namespace: {}", ran.stderr.trim()));
    }
    Some(ran)
}

#[test]
fn a_mirror_without_the_suite_is_named() {
    let Some(project) = Project::new(BUNDLED) else { return };
    project.home.write("recipes/tiny/source/README", "read me");
    project.toolchain("", "", "");
    project.assembled("tool");
    let mirror = Server::start(|_| Answer::new("404 Not Found", ""));
    let ran = project.build(&format!("-q --debian-mirror {}/debian", mirror.url));
    assert_data_eq!(
        ran.stderr.replace(&mirror.url, "http://[MIRROR]"),
        str![[r#"
debian::download

  x cannot download http://[MIRROR]/debian/dists/sid/InRelease: the mirror answers 404 Not Found
  help: check the mirror and the network, or name another mirror: --debian-mirror URL

"#]]
    );
    assert_eq!(ran.code, 4);
    assert_eq!(mirror.requests(), ["GET /debian/dists/sid/InRelease"]);
    assert_eq!(project.images(), [""; 0]);
}

#[test]
fn a_mirror_that_is_not_signed_by_debian_is_never_accepted() {
    let key = TestKey::new();
    let Some((project, server)) = assembled(Archive::sample(&key, FUTURE)) else { return };
    let ran = project.build(&bootstrap(&server));
    let shown = ran.stderr.replace(&server.url, "http://[MIRROR]").replace(&key.fingerprint(), "[KEY]");
    assert_data_eq!(
        shown,
        str![[r#"
debian::signature

  x http://[MIRROR]/debian/dists/sid/InRelease is not signed by a key that may sign `sid`: [KEY]: not a key of the keyring
  help: a mirror of Debian itself is needed; if Debian has new keys, update debian-archive-keyring on this machine

"#]]
    );
    refused(&project, &ran, 4);
    assert_eq!(server.requests(), ["GET /debian/dists/sid/InRelease"], "nothing else is asked of it");
}

#[test]
fn what_was_changed_on_a_mirror_is_never_accepted() {
    let key = TestKey::new();
    for (file, code) in [
        ("dists/sid/InRelease", "debian::signature"),
        ("dists/sid/main/binary-amd64/Packages.xz", "debian::digest"),
        ("pool/tool_1-1_amd64.deb", "debian::digest"),
    ] {
        let mut archive = Archive::sample(&key, FUTURE);
        let content = archive.files.get_mut(file).unwrap();
        // In the signed text the codename, elsewhere any byte.
        match content.windows(3).position(|window| window == b"sid") {
            Some(at) if file.ends_with("InRelease") => content[at] = b'k',
            Some(_) | None => *content.last_mut().unwrap() ^= 1,
        }
        let Some((project, server)) = assembled(archive) else { return };
        let Some(ran) = build_trusting(&project, &key, &server) else { return };
        assert!(ran.stderr.starts_with(code), "{file}: {}", ran.stderr);
        refused(&project, &ran, 4);
    }
}

#[test]
fn a_locked_toolchain_is_made_of_what_was_locked_or_not_at_all() {
    let key = TestKey::new();
    let archive = |version: &str| {
        let mut archive = Archive::default();
        archive.package("base", "Essential: yes\n", &[Item::File("./etc/base", "b")]);
        archive.version("tool", version, "Depends: base\n", &[Item::File("./etc/tool", version)]);
        archive.publish(&key, FUTURE);
        archive
    };
    let Some((project, then)) = assembled(archive("1-1")) else { return };
    let Some((_, now)) = assembled(archive("2-1")) else { return };
    let lock =
        |server: &Server| format!("toolchains lock {} --debian-mirror {}/debian", project.id, server.url);
    let Some(ran) = run_trusting(&project, &key, &lock(&then)) else { return };
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("[ID]: 2 packages, "), "{}", ran.stdout);
    let locked = std::fs::read_to_string(project.home.path("rdna-build.lock")).unwrap();
    assert!(locked.contains(r#"name = "tool", version = "1-1", suite = "sid", size = "#), "{locked}");

    let Some(ran) = build_trusting(&project, &key, &now) else { return };
    assert!(ran.stderr.starts_with("debian::gone"), "{}", ran.stderr);
    assert!(ran.stderr.contains("tool 1-1: sid has 2-1"), "{}", ran.stderr);
    refused(&project, &ran, 4);

    // Locked again, it follows the mirror, and says what differs.
    let Some(ran) = run_trusting(&project, &key, &lock(&now)) else { return };
    assert!(ran.stdout.ends_with("\n  tool  1-1  2-1\n"), "{}", ran.stdout);
    project.assembled("tool base");
    let Some(ran) = build_trusting(&project, &key, &now) else { return };
    assert!(ran.stderr.starts_with("run::outdated_lock"), "{}", ran.stderr);
    refused(&project, &ran, 3);
}

#[test]
fn a_toolchain_that_cannot_be_configured_is_refused_with_what_was_said() {
    let key = TestKey::new();
    let mut archive = Archive::default();
    let busybox = std::fs::read(BUSYBOX).unwrap_or_default();
    let dpkg = b"#!/bin/sh\necho 'dpkg: error processing package tool (--configure)' >&2\nexit 3\n";
    let items = [Item::Program("./usr/bin/sh", &busybox), Item::Program("./usr/bin/dpkg", dpkg)];
    archive.package("base", "Essential: yes\n", &items);
    let applets = ["stat", "chmod"].map(|name| (format!("./usr/bin/{name}"), name));
    let links: Vec<_> = applets.iter().map(|(path, _)| Item::Symlink(path, "sh")).collect();
    archive.package("tool", "Depends: base\n", &links);
    archive.publish(&key, FUTURE);
    let Some((project, server)) = assembled(archive) else { return };
    let Some(ran) = build_trusting(&project, &key, &server) else { return };
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
run::configure

  x the image of toolchain `[ID]` could not be configured: exit code 1
  |   dpkg: package base-passwd is uninstalled or unknown

  help: the whole log: `rdna-build logs`

"#]]
    );
    refused(&project, &ran, 3);
}

#[test]
fn offline_an_image_that_is_not_here_is_named() {
    let Some(project) = Project::new(BUNDLED) else { return };
    project.home.write("recipes/tiny/source/README", "read me");
    project.toolchain("127.0.0.1:1/base:1", "", "FROM ${BASE}");
    let ran = project.build("-q --offline");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
run::offline

  x --offline, and the image of toolchain [ID] is not here
  help: run once without --offline; the next run needs no network

"#]]
    );
    refused(&project, &ran, 4);
}
