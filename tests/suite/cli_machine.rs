//! Machines that are not ready: no engine, no right to it, moving tags, a server that is away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;

use snapbox::{assert_data_eq, str};

use crate::git_server::{move_tag, serve, upstream};
use crate::home::{Home, tiny_recipe};

/// Reaches no engine: everything before the first stage that needs one is done.
const NO_ENGINE: &str = "--engine unix:///nowhere/engine.sock";

/// A uid that owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn without_an_engine_the_error_says_how_to_get_one() {
    let home = Home::new();
    let ran = home.run(&format!("selftest --target gfx1010 -q {NO_ENGINE}"));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
engine::none

  x no container engine answers (unix:///nowhere/engine.sock: not there)
  help: install Docker (`apt-get install docker.io`) or Podman (`apt-get install podman`), start it, or name it: --engine unix:///path/to/docker.sock

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""));
    let ran = home.run(&format!("selftest --target gfx1010 --json {NO_ENGINE}"));
    let last = ran.json().pop().unwrap();
    assert_eq!((&last["event"], &last["code"]), (&"error".into(), &"engine::none".into()));
}

#[test]
fn an_address_that_is_no_engine_is_a_mistake_of_usage() {
    let ran = Home::new().run("selftest --target gfx1010 -q --engine dokcer");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
engine::address

  x `dokcer` is not an engine: it names no scheme
  help: use auto, docker, podman, unix:///path/to.sock or tcp://host:port

"#]]
    );
    assert_eq!(ran.code, 2);
}

#[test]
fn a_socket_without_the_right_to_it_says_how_to_get_the_right() {
    let home = Home::new();
    let socket = home.path("engine.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = format!("selftest --target gfx1010 -q --engine unix://{}", socket.display());
    let mut command = home.command(&arguments);
    if rustix::process::geteuid().is_root() {
        // Rights do not bind root: somebody else tries, with a copy of the program, wherever it was built.
        let program = home.path("rdna-build");
        fs::copy(env!("CARGO_BIN_EXE_rdna-build"), &program).unwrap();
        fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o777)).unwrap();
        command = std::process::Command::new(program);
        command.args(arguments.split_whitespace());
        home.prepare(&mut command);
        command.uid(NOBODY).gid(NOBODY);
    }
    let ran = home.finish(&mut command);
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
engine::denied

  x no right to use the container engine at unix://[HOME]/engine.sock: Permission denied (os error 13)
  help: add yourself to its group (`sudo usermod -aG docker $USER`, then log in again), or use rootless Podman: --engine podman

"#]]
    );
    assert_eq!(ran.code, 4);
}

/// A project with a recipe whose version is the tag `v1.1` of `url`, without a commit.
fn project(url: &str) -> Home {
    let home = Home::new();
    home.write("recipes/tiny/recipe.toml", tiny_recipe(&format!("git = \"{url}\"\ntag = \"v1.1\"")));
    home.write("rdna-build.toml", "recipes = [\"recipes\"]\n");
    home
}

#[test]
fn a_tag_is_looked_up_once_and_then_kept_to() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let url = format!("{}/repo.git", server.url);
    let home = project(&url);
    let first = home.run(&format!("tiny --target gfx1010 {NO_ENGINE}"));
    assert_eq!(first.code, 4, "{}", first.stderr);
    let lock = fs::read_to_string(home.path("rdna-build.lock")).unwrap();
    assert_data_eq!(
        lock.replace(&server.url, "http://[SERVER]"),
        str![[r##"
# What moving names (git tags, image tags) meant when rdna-build first used them. Commit this file: it makes the next
# build, here or elsewhere, start from the same sources. To follow a name that moved, delete its entry. The packages of a
# toolchain stand here once it was locked: `rdna-build toolchains lock ID`, which also takes what is there now.
version = 1

[[source]]
url = "http://[SERVER]/repo.git"
reference = "v1.1"
commit = "a485b811ecc7e6b79bb9925bad63a7662f81673c"

"##]]
    );
    assert!(lock.contains(upstream.second.as_str()));

    let asked = server.requests().len();
    move_tag(&upstream);
    let second = home.run(&format!("tiny --target gfx1010 {NO_ENGINE}"));
    assert_eq!(second.code, 4, "{}", second.stderr);
    assert_eq!(server.requests().len(), asked, "the lock file says what the tag means");
    assert_eq!(fs::read_to_string(home.path("rdna-build.lock")).unwrap(), lock);
}

#[test]
fn without_a_project_the_lock_file_lies_in_the_state_folder() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let home = project(&format!("{}/repo.git", server.url));
    fs::remove_file(home.path("rdna-build.toml")).unwrap();
    let ran = home.run(&format!("tiny --target gfx1010 --recipes recipes {NO_ENGINE}"));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let lock = fs::read_to_string(home.path(".local/state/rdna-build/rdna-build.lock")).unwrap();
    assert!(lock.contains(upstream.second.as_str()), "{lock}");
}

#[test]
fn a_tag_that_is_not_there_is_told_the_nearest() {
    let upstream = upstream();
    let Some(server) = serve(upstream.folder.path()) else { return };
    let home = project(&format!("{}/repo.git", server.url));
    let recipe = fs::read_to_string(home.path("recipes/tiny/recipe.toml")).unwrap();
    home.write("recipes/tiny/recipe.toml", recipe.replace("v1.1", "v1.2"));
    let ran = home.run(&format!("tiny --target gfx1010 -q {NO_ENGINE}"));
    assert_data_eq!(
        ran.stderr.replace(&server.url, "http://[SERVER]"),
        str![[r#"
git::unknown_reference

  x http://[SERVER]/repo.git has no tag or branch `v1.2`; near are v1.0, v1.1
  help: `git ls-remote http://[SERVER]/repo.git` lists what there is

"#]]
    );
    assert_eq!(ran.code, 3);
    assert!(!home.path("rdna-build.lock").exists());
}

#[test]
fn a_server_that_is_away_is_named() {
    let home = project("http://127.0.0.1:1/repo.git");
    let ran = home.run(&format!("tiny --target gfx1010 -q {NO_ENGINE}"));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
git::unreachable

  x cannot reach http://127.0.0.1:1/repo.git: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
  help: check the address and the network, or give a local clone: --source FOLDER

"#]]
    );
    assert_eq!(ran.code, 4);
}

#[test]
fn a_damaged_lock_file_is_an_error_and_stays_as_it_is() {
    let home = project("http://127.0.0.1:1/repo.git");
    let damaged = "version = 1\n\n[[source]]\nurl = \"https://example.org/a.git\"\nreference = \"v1\"\ncommit = \"12\"\n";
    home.write("rdna-build.lock", damaged);
    let ran = home.run(&format!("tiny --target gfx1010 -q {NO_ENGINE}"));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
lockfile::invalid

  x [HOME]/rdna-build.lock is not a lock file that can be used
  help: mend the lines named below, or delete the file: all pins are then resolved anew

Error: 
  x line 6: `12` is not a full commit id: it needs 40 hexadecimal digits, an abbreviated id names no commit for sure
   ,-[[HOME]/rdna-build.lock:6:10]
 5 | reference = "v1"
 6 | commit = "12"
   :          ^^^^
   `----

"#]]
    );
    assert_eq!(ran.code, 3);
    assert_eq!(fs::read_to_string(home.path("rdna-build.lock")).unwrap(), damaged);
}
