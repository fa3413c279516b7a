//! `rdna-build install` and what goes with it, in folders of a home of their own.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};
use tar::EntryType;

use crate::home::{Home, fails};
use crate::packages::{Entry, Recipe, archive};

fn entry<'a>(kind: EntryType, path: &'a str, bytes: &'a [u8], link: &'a str) -> Entry<'a> {
    Entry { kind, path, bytes, link }
}

const BASE: &str = ".local/opt/rdna-build";

fn of_version(version: &'static str) -> Recipe<'static> {
    let text: &'static [u8] = Box::leak(version.as_bytes().to_vec().into_boxed_slice());
    let files = vec![("lib/libtiny.so.1", text), ("bin/tiny", b"#!/bin/sh\n" as &[u8])];
    Recipe { version, files: Box::leak(files.into_boxed_slice()), ..Recipe::PLAIN }
}

/// A home with `v1.tar.zst` and `v2.tar.zst`, two versions.
fn home() -> Home {
    let home = Home::new();
    for (version, name) in [("1.0", "one"), ("2.0", "two")] {
        of_version(version).pack(&home.path(name));
    }
    home
}

const ONE: &str = "one/tiny-1.0-gfx1010-debian-sid.tar.zst";
const TWO: &str = "two/tiny-2.0-gfx1010-debian-sid.tar.zst";

fn install(home: &Home, package: &str) {
    let ran = home.run(&format!("install --user {package}"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// The folder that the link leads to.
fn current(home: &Home) -> Option<String> {
    let link = fs::read_link(home.path(BASE).join("tiny-gfx1010")).ok()?;
    Some(link.to_str().unwrap().to_owned())
}

/// What is in the home but the packages that it began with.
fn made(home: &Home) -> Vec<String> {
    let mut files = home.files();
    files.retain(|file| !file.starts_with("one/") && !file.starts_with("two/"));
    files
}

#[test]
fn a_package_is_put_where_programs_find_it_and_goes_without_a_trace() {
    let home = home();
    let before = home.files();
    let ran = home.run(&format!("install --user {ONE}"));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
warning: no verification report came with the package: nothing is proven of it, see `rdna-build verify`
installed tiny 1.0 for gfx1010, 1.7 KiB
  signed by    nobody
  a program    rdna-build run tiny --user -- COMMAND
  a shell      . [HOME]/.local/opt/rdna-build/tiny-gfx1010.env.sh

"#]]
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "[HOME]/.local/opt/rdna-build/tiny-1.0-gfx1010\n"));
    let files = made(&home);
    let shown: Vec<&String> = files.iter().filter(|file| !file.contains("/records/")).collect();
    assert_data_eq!(
        format!("{shown:#?}"),
        str![[r#"
[
    ".local/opt/rdna-build/.rdna-build/lock",
    ".local/opt/rdna-build/.rdna-build/made.json",
    ".local/opt/rdna-build/tiny-1.0-gfx1010/bin/tiny",
    ".local/opt/rdna-build/tiny-1.0-gfx1010/lib/libtiny.so",
    ".local/opt/rdna-build/tiny-1.0-gfx1010/lib/libtiny.so.1",
    ".local/opt/rdna-build/tiny-1.0-gfx1010/share/rdna-build/manifest.json",
    ".local/opt/rdna-build/tiny-gfx1010",
    ".local/opt/rdna-build/tiny-gfx1010.env.sh",
]
"#]]
    );
    assert_eq!(current(&home).as_deref(), Some("tiny-1.0-gfx1010"));
    assert_eq!(fs::metadata(home.path(BASE).join("tiny-gfx1010/bin/tiny")).unwrap().mode() & 0o777, 0o755);

    let ran = home.run("uninstall --user tiny");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
removed tiny 1.0 for gfx1010, 1.7 KiB

"#]]
    );
    assert_eq!(home.files(), before);
    assert!(!home.path(".local").exists(), "the folders above were made as well");
}

#[test]
fn a_package_can_be_read_by_all_whatever_the_mask() {
    let home = home();
    let mut command = Command::new("sh");
    home.prepare(&mut command);
    let script = "umask 077; exec \"$0\" install --prefix base \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_rdna-build"), ONE]);
    assert_eq!(home.finish(&mut command).code, 0);
    let mode =
        |path: &str| fs::metadata(home.path("base/tiny-1.0-gfx1010").join(path)).unwrap().mode() & 0o777;
    let modes =
        ["", "lib", "bin", "bin/tiny", "lib/libtiny.so.1", "share/rdna-build/manifest.json"].map(mode);
    assert_eq!(modes, [0o755, 0o755, 0o755, 0o755, 0o644, 0o644]);
}

#[test]
fn folders_that_were_there_before_stay() {
    let home = home();
    fs::create_dir_all(home.path(".local/opt")).unwrap();
    install(&home, ONE);
    assert_eq!(home.run("uninstall --user tiny").code, 0);
    assert!(home.path(".local/opt").is_dir() && !home.path(BASE).exists());
    fs::create_dir_all(home.path(BASE)).unwrap();
    install(&home, ONE);
    assert_eq!(home.run("uninstall --user tiny").code, 0);
    assert_eq!(fs::read_dir(home.path(BASE)).unwrap().count(), 0);
}

#[test]
fn versions_stand_side_by_side_and_the_way_back_is_known() {
    let home = home();
    install(&home, ONE);
    install(&home, TWO);
    assert_eq!(current(&home).as_deref(), Some("tiny-2.0-gfx1010"));
    let ran = home.run("installed --user");
    assert_data_eq!(
        ran.stdout,
        str![[r#"
package  version  target   toolchain   size     current  verified   folder
tiny     1.0      gfx1010  debian-sid  1.7 KiB           no report  [HOME]/.local/opt/rdna-build/tiny-1.0-gfx1010
tiny     2.0      gfx1010  debian-sid  1.7 KiB  yes      no report  [HOME]/.local/opt/rdna-build/tiny-2.0-gfx1010

"#]]
    );
    let listed = home.run("installed --user --json").json().remove(0);
    let current_ones: Vec<bool> =
        listed.as_array().unwrap().iter().map(|one| one["current"].as_bool().unwrap()).collect();
    assert_eq!(current_ones, [false, true]);

    let ran = home.run("rollback --user tiny");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
tiny 1.0 for gfx1010 is current again, instead of tiny-2.0-gfx1010

"#]]
    );
    assert_eq!(current(&home).as_deref(), Some("tiny-1.0-gfx1010"));
    fails(
        &home,
        "rollback --user tiny",
        2,
        str![[r#"
install::no_earlier

  x no version of tiny-gfx1010 was current before tiny-1.0-gfx1010
  help: `rdna-build installed` lists what there is; installing a version makes it current

"#]],
    );

    install(&home, TWO);
    let ran = home.run("uninstall --user tiny-2.0");
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
removed tiny 2.0 for gfx1010, 1.7 KiB
  current now  tiny-1.0-gfx1010

"#]]
    );
    assert_eq!(current(&home).as_deref(), Some("tiny-1.0-gfx1010"));
}

#[test]
fn the_same_package_again_changes_nothing_unless_it_was_changed() {
    let home = home();
    install(&home, ONE);
    let library = home.path(BASE).join("tiny-1.0-gfx1010/lib/libtiny.so.1");
    let number = fs::metadata(&library).unwrap().ino();
    let ran = home.run(&format!("install --user {ONE} --json")).json().remove(0);
    assert_eq!((ran["outcome"].as_str(), ran["why"].as_str()), (Some("already-installed"), None));
    assert_eq!(fs::metadata(&library).unwrap().ino(), number, "it is the same file");

    fs::write(&library, "damaged").unwrap();
    let ran = home.run(&format!("install --user {ONE}"));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
warning: no verification report came with the package: nothing is proven of it, see `rdna-build verify`
reinstalled tiny 1.0 for gfx1010, 1.7 KiB: lib/libtiny.so.1 was changed
  signed by    nobody
  a program    rdna-build run tiny --user -- COMMAND
  a shell      . [HOME]/.local/opt/rdna-build/tiny-gfx1010.env.sh

"#]]
    );
    assert_eq!(fs::read_to_string(&library).unwrap(), "1.0");

    // Another build of the same version.
    let other = Recipe { files: &[("lib/libtiny.so.1", b"other")], ..Recipe::PLAIN }.pack(&home.path("two"));
    let ran = home.run(&format!("install --user {} --json", other.display())).json().remove(0);
    assert_eq!(ran["why"], "another build of the same version was there");
    assert_eq!(fs::read_to_string(&library).unwrap(), "other");
    assert_eq!(fs::read_dir(home.path(BASE).join(".rdna-build/records")).unwrap().count(), 1);
}

#[test]
fn the_report_that_lies_beside_a_package_is_kept() {
    let home = Home::new();
    let package = Recipe { verified: true, ..Recipe::PLAIN }.pack(&home.path("one"));
    let ran = home.run(&format!("install --user {}", package.display()));
    assert_eq!((ran.code, ran.stderr.contains("warning")), (0, false), "{}", ran.stderr);
    let listed = home.run("installed --user --json").json().remove(0);
    assert_eq!(listed[0]["verified"]["tiers"], serde_json::json!(["static"]));
}

#[test]
fn what_others_put_there_is_not_removed_unless_forced() {
    let home = home();
    install(&home, ONE);
    let folder = home.path(BASE).join("tiny-1.0-gfx1010");
    fs::write(folder.join("lib/mine"), "precious").unwrap();
    fs::write(folder.join("bin/tiny"), "changed").unwrap();
    fails(
        &home,
        "uninstall --user tiny",
        2,
        str![[r#"
install::changed

  x [HOME]/.local/opt/rdna-build/tiny-1.0-gfx1010 holds what was not installed:
  |   bin/tiny was changed
  |   lib/mine was added
  help: move away what you need of it; `--force` removes all the same

"#]],
    );
    assert_eq!(fs::read_to_string(folder.join("lib/mine")).unwrap(), "precious");
    assert_eq!(current(&home).as_deref(), Some("tiny-1.0-gfx1010"));
    assert_eq!(home.run("uninstall --user tiny --force").code, 0);
    assert_eq!(made(&home), [""; 0]);

    // What lies beside a package is nobody's of ours.
    install(&home, ONE);
    home.write(&format!("{BASE}/mine"), "precious");
    assert_eq!(home.run("uninstall --user tiny").code, 0);
    assert_eq!(made(&home), [format!("{BASE}/mine")]);
}

#[test]
fn a_word_that_means_nothing_or_too_much_is_refused() {
    let home = home();
    fails(
        &home,
        "uninstall --user tiny",
        2,
        str![[r#"
install::nothing

  x nothing is installed in [HOME]/.local/opt/rdna-build
  help: install a package: rdna-build install PACKAGE; or name the folder it is in: --prefix DIR, --user

"#]],
    );
    fails(
        &home,
        "rollback --user tiny",
        2,
        str![[r#"
install::nothing

  x nothing is installed in [HOME]/.local/opt/rdna-build
  help: install a package: rdna-build install PACKAGE; or name the folder it is in: --prefix DIR, --user

"#]],
    );
    fails(
        &home,
        "run --user -- true",
        2,
        str![[r#"
install::nothing

  x nothing is installed in [HOME]/.local/opt/rdna-build
  help: install a package: rdna-build install PACKAGE; or name the folder it is in: --prefix DIR, --user

"#]],
    );
    assert_eq!(home.run("installed --user").stderr, "nothing is installed in [HOME]/.local/opt/rdna-build\n");
    assert_eq!(made(&home), [""; 0]);
    install(&home, ONE);
    install(&home, TWO);
    fails(
        &home,
        "uninstall --user tiny",
        2,
        str![[r#"
install::ambiguous

  x `tiny` can mean tiny-1.0-gfx1010, tiny-2.0-gfx1010
  help: name one of them

"#]],
    );
    fails(
        &home,
        "uninstall --user tinny",
        2,
        str![[r#"
install::unknown

  x no installed package is meant by `tinny`
  help: did you mean `tiny`?

"#]],
    );
    fails(
        &home,
        "install --user",
        2,
        str![[r#"
cli::usage

  x nothing was built here that could be installed
  help: name a package: rdna-build install PACKAGE.tar.zst

"#]],
    );
    fails(
        &home,
        "install --user gone.tar.zst",
        2,
        str![[r#"
cli::usage

  x there is no package [HOME]/gone.tar.zst
  help: a build says where it put its package: `rdna-build logs`

"#]],
    );
    fails(
        &home,
        "install --prefix a:b one.tar.zst",
        2,
        str![[r#"
install::prefix

  x [HOME]/a:b cannot be installed into: the loader cannot be told of a path with `:`, `;`, `$` or control characters
  help: choose another folder with --prefix DIR

"#]],
    );
}

#[test]
fn a_program_is_started_with_the_libraries_first_and_ends_as_itself() {
    let home = home().with("LD_LIBRARY_PATH", "/before");
    install(&home, ONE);
    install(&home, TWO);
    let printed = |arguments: &str| {
        let mut command = home.command(arguments);
        command.args(["--", "sh", "-c", "printf %s \"$LD_LIBRARY_PATH\"; exit 7"]);
        let ran = home.finish(&mut command);
        assert_eq!(ran.code, 7, "{}", ran.stderr);
        (ran.stdout, ran.stderr)
    };
    let of = |version: &str| format!("[HOME]/{BASE}/tiny-{version}-gfx1010/lib:/before");
    assert_eq!(printed("run --user"), (of("2.0"), String::new()));
    assert_eq!(printed("run --user tiny"), (of("2.0"), String::new()));
    assert_eq!(printed("run --user tiny-1.0").0, of("1.0"));
    let said = format!("LD_LIBRARY_PATH={}\n", of("2.0"));
    assert_eq!(printed("run --user -v").1, said);

    let mut command = home.command("run --user --");
    let killed = command.args(["sh", "-c", "kill -TERM $$"]).status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed), Some(15));
    fails(
        &home,
        "run --user -- no-such-program",
        2,
        str![[r#"
cli::program

  x no-such-program cannot be started: No such file or directory (os error 2)
  `-> No such file or directory (os error 2)
  help: behind `--` comes the program, as you would type it

"#]],
    );
    fails(
        &home,
        "run --user other -- true",
        2,
        str![[r#"
install::unknown

  x no installed package is meant by `other`
  help: installed: tiny-1.0-gfx1010, tiny-2.0-gfx1010

"#]],
    );
}

#[test]
fn a_shell_that_reads_the_file_has_the_libraries_first() {
    let home = home();
    install(&home, ONE);
    let file = home.path(BASE).join("tiny-gfx1010.env.sh");
    let mut command = Command::new("sh");
    home.prepare(&mut command);
    command.args(["-euc", ". \"$1\"; . \"$1\"; printf %s \"$LD_LIBRARY_PATH\"", "sh"]).arg(file);
    assert_eq!(home.finish(&mut command).stdout, format!("[HOME]/{BASE}/tiny-gfx1010/lib"));
}

#[test]
fn archives_that_lead_elsewhere_or_are_not_what_they_say_change_nothing() {
    let home = home();
    install(&home, ONE);
    let before = made(&home);
    let (manifest, manifest_path) = (of_version("3.0").bare_manifest(), of_version("3.0").manifest_path());
    let own = Entry { kind: EntryType::Regular, path: &manifest_path, bytes: &manifest, link: "" };
    let prefix = "opt/rdna-build/tiny-3.0-gfx1010";
    let (library, link, outside) =
        (format!("{prefix}/lib/x"), format!("{prefix}/lib/y"), "opt/rdna-build/other/x".to_owned());
    for (bad, reason) in [
        (entry(EntryType::Regular, "../../escaped", b"x", ""), "it holds the path \"../../escaped\""),
        (entry(EntryType::Regular, "/etc/escaped", b"x", ""), "it holds the path"),
        (entry(EntryType::Symlink, &link, b"", "/etc/passwd"), "leads to an absolute path"),
        (entry(EntryType::Symlink, &link, b"", "../../../../../../etc"), "leads out of the package"),
        (entry(EntryType::Char, "dev/null", b"", ""), "kind '3'"),
        (entry(EntryType::Link, &link, b"", &library), "kind '1'"),
        (entry(EntryType::Regular, &outside, b"x", ""), "is not below its prefix"),
        (entry(EntryType::Regular, &library, b"x", ""), "which its manifest does not list"),
    ] {
        let path = archive(&home.path("two/bad.tar.zst"), &[bad, Entry { ..own }]);
        let ran = home.run(&format!("install --user {}", path.display()));
        assert_eq!(ran.code, 5, "{reason}: {}", ran.stderr);
        assert!(ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
        assert_eq!(made(&home), before, "{reason}");
    }
    for (listed, there, reason) in [
        ("lib/x", Some(&b"other"[..]), "the sha256 of"),
        ("lib/x", Some(b"short and long"), "the sha256 of"),
        ("lib/x", None, "it lacks"),
    ] {
        let manifest = of_version("3.0").manifest_of(listed, b"right");
        let own = entry(EntryType::Regular, &manifest_path, &manifest, "");
        let file = there.map(|bytes| entry(EntryType::Regular, &library, bytes, ""));
        let entries: Vec<Entry<'_>> = file.into_iter().chain([own]).collect();
        let path = archive(&home.path("two/bad.tar.zst"), &entries);
        let ran = home.run(&format!("install --user {}", path.display()));
        assert!(ran.code == 5 && ran.stderr.contains(reason), "{reason}: {}", ran.stderr);
        assert_eq!(made(&home), before, "{reason}");
    }
    // The first install of all leaves nothing either.
    let ran = home.run("install --prefix new/base two/bad.tar.zst");
    assert_eq!((ran.code, home.path("new").exists()), (5, false));
}

#[test]
fn a_changed_or_cut_package_is_refused_with_its_digest() {
    let home = home();
    let path = home.path(ONE);
    let whole = fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for (bytes, reason) in
        [(&changed[..], ""), (&whole[..whole.len() / 2], ""), (b"text", "Unknown frame descriptor")]
    {
        fs::write(&path, bytes).unwrap();
        let ran = home.run(&format!("install --user {ONE}"));
        assert!(ran.code == 5 && ran.stderr.contains(reason), "{}", ran.stderr);
    }
    fs::write(&path, &whole).unwrap();
    fs::write(home.path(&format!("{ONE}.sha256")), "00  x\n").unwrap();
    let ran = home.run(&format!("install --user {ONE}"));
    assert_eq!(ran.code, 5);
    assert!(ran.stderr.contains("the file beside it says 00"), "{}", ran.stderr);
    assert_eq!(made(&home), [""; 0]);
}

#[test]
fn what_stands_in_the_way_is_named_and_stays() {
    let home = home();
    for name in ["tiny-1.0-gfx1010/keep", "tiny-gfx1010/keep", "tiny-gfx1010.env.sh/keep"] {
        let kept = home.write(&format!("base/{name}"), "precious");
        let ran = home.run(&format!("install --prefix base {ONE}"));
        assert_eq!(ran.code, 4, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("is in the way"), "{}", ran.stderr);
        assert_eq!(fs::read_to_string(kept).unwrap(), "precious");
        assert_eq!(fs::read_dir(home.path("base")).unwrap().count(), 1, "{name}");
        fs::remove_dir_all(home.path("base")).unwrap();
    }
}

#[test]
fn a_folder_that_may_not_be_written_to_is_refused_by_name() {
    let home = home();
    // What no rights of any user allow.
    let ran = home.run(&format!("install --prefix /proc/base {ONE}"));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("/proc/base"), "{}", ran.stderr);
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may write to a folder without rights");
        return;
    }
    let folder = home.path("readonly");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    fails(&home, &format!("install --prefix readonly {ONE}"), 4, str![]);
}

/// A file system in memory at a folder, as long as it lives.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(folder: &'a Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_leaves_what_was_there_and_says_so() {
    let home = home();
    let folder = home.path("full");
    let Some(_mounted) = Mounted::new(&folder, "size=1m") else {
        eprintln!("skipped: only root can mount a small file system");
        return;
    };
    let noise: Vec<u8> = (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large = Recipe { version: "9.0", files: &[("lib/libtiny.so.1", &noise)], ..Recipe::PLAIN }
        .pack(&home.path("two"));
    assert_eq!(home.run(&format!("install --prefix full {ONE}")).code, 0);
    let ran = home.run(&format!("install --prefix full {}", large.display()));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("no room left") && ran.stderr.contains("--prefix DIR"), "{}", ran.stderr);
    let listed = home.run("installed --prefix full --json").json().remove(0);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["current"]), (1, &serde_json::json!(true)));
    assert!(!folder.join(".rdna-build/work").exists_with_content());
    assert_eq!(home.run("uninstall --prefix full tiny").code, 0);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

trait Content {
    fn exists_with_content(&self) -> bool;
}

impl Content for std::path::PathBuf {
    fn exists_with_content(&self) -> bool {
        fs::read_dir(self).is_ok_and(|mut entries| entries.next().is_some())
    }
}

#[test]
fn two_installs_at_once_wait_for_each_other_and_both_are_there() {
    let home = home();
    fs::create_dir_all(home.path(BASE).join(".rdna-build")).unwrap();
    let path = home.path(BASE).join(".rdna-build/lock");
    fs::write(&path, "process 1, which installs something").unwrap();
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let start = |package: &str| {
        let mut command = home.command(&format!("install --user {package}"));
        command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    };
    let (one, two) = (start(ONE), start(TWO));
    std::thread::sleep(std::time::Duration::from_millis(400));
    drop(held);
    for child in [one, two] {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("waiting for process 1, which installs something"), "{said}");
    }
    let listed = home.run("installed --user --json").json().remove(0);
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[test]
fn a_link_of_somebody_in_the_place_of_a_package_is_not_followed() {
    let home = home();
    let precious = home.write("precious/keep", "precious");
    fs::create_dir_all(home.path(BASE)).unwrap();
    symlink(precious.parent().unwrap(), home.path(BASE).join("tiny-1.0-gfx1010")).unwrap();
    assert_eq!(home.run(&format!("install --user {ONE}")).code, 4);
    assert_eq!(fs::read_dir(precious.parent().unwrap()).unwrap().count(), 1);
}
