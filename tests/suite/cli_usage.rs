//! Mistakes in the command line itself, for people and for programs.

use snapbox::{assert_data_eq, str};

use crate::home::{Home, fails};

#[test]
fn a_source_that_names_nothing_for_sure_is_refused() {
    let home = Home::new();
    home.write("MIOpen.tar.gz", "");
    let source = |source: &str| format!("miopen --target gfx1010 --source {source}");
    fails(
        &home,
        &source("../MIOpne"),
        2,
        str![[r#"
source::no_such_source

  x there is no folder `../MIOpne`, and it is not an address either
  help: give a folder, https://host/repository.git#tag, or https://host/file.tar.gz#sha256=<digest>

"#]],
    );
    fails(
        &home,
        &source("MIOpen.tar.gz"),
        2,
        str![[r#"
source::file_given

  x `MIOpen.tar.gz` is a file, not a folder
  help: an archive on this machine is unpacked first: mkdir source && tar -xf MIOpen.tar.gz --strip-components=1 -C source

"#]],
    );
    fails(
        &home,
        &source("https://example.org/MIOpen.git#2d1fd99"),
        2,
        str![[r#"
source::abbreviated_commit

  x `2d1fd99` looks like an abbreviated commit, which names no commit for sure
  help: give all 40 digits (`git rev-parse 2d1fd99`), a tag or a branch

"#]],
    );
    fails(
        &home,
        &source("https://example.org/MIOpen.tar.gz"),
        2,
        str![[r#"
source::no_digest

  x archive https://example.org/MIOpen.tar.gz has no digest
  help: say which bytes are meant: https://example.org/MIOpen.tar.gz#sha256=<64 hexadecimal digits>

"#]],
    );
    fails(
        &home,
        &source("https://example.org/MIOpen.tar.gz#sha256=12"),
        2,
        str![[r#"
source::bad_digest

  x archive https://example.org/MIOpen.tar.gz has a digest that is none: `12` is not a sha256 digest: it needs 64 hexadecimal digits
  help: `sha256sum` prints the digest of a file

"#]],
    );
    fails(
        &home,
        &source("git@example.org:ROCm/MIOpen.git"),
        2,
        str![[r#"
source::ssh

  x git@example.org:ROCm/MIOpen.git needs ssh, which is not supported
  help: use the repository's https address, or clone it and give the folder

"#]],
    );
    fails(
        &home,
        &source("https://example.org/MIOpen.git#-x"),
        2,
        str![[r#"
source::bad_reference

  x `-x` is not a git reference
  help: give a tag, a branch or a full commit id behind the `#`

"#]],
    );
}

#[test]
fn a_relative_source_is_one_of_the_current_folder() {
    let home = Home::new();
    home.write("project/src/CMakeLists.txt", "");
    let mut command = home.command("plan selftest --target gfx1010 --source src");
    let ran = home.finish(command.current_dir(home.path("project")));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    fails(
        &home,
        "plan selftest --target gfx1010 --source src",
        2,
        str![[r#"
source::no_such_source

  x there is no folder `src`, and it is not an address either
  help: give a folder, https://host/repository.git#tag, or https://host/file.tar.gz#sha256=<digest>

"#]],
    );
}

#[test]
fn mistakes_in_numbers_and_words_are_told_what_is_expected() {
    let home = Home::new();
    fails(
        &home,
        "miopen --target gfx1010 --jobs 0",
        2,
        str![[r#"
error: invalid value '0' for '--jobs <N>': a whole number from 1 is expected, e.g. `4`

For more information, try '--help'.

"#]],
    );
    fails(
        &home,
        "miopen --target gfx1010 --memory lots",
        2,
        str![[r#"
error: invalid value 'lots' for '--memory <SIZE>': a size is expected: a number and a unit, e.g. `6 GiB`, `512M` or `800 MB`

For more information, try '--help'.

"#]],
    );
    fails(
        &home,
        "miopen --target gfx1010 --debian-mirror ftp://example.org/debian",
        2,
        str![[r#"
error: invalid value 'ftp://example.org/debian' for '--debian-mirror <URL>': an address with `http://` or `https://` in front is expected

For more information, try '--help'.

"#]],
    );
    fails(
        &home,
        "biuld miopen",
        2,
        str![[r#"
error: unrecognized subcommand 'biuld'

  tip: a similar subcommand exists: 'build'

Usage: rdna-build [OPTIONS] <COMMAND>
       rdna-build <RECIPE> --target <GFX>

For more information, try '--help'.

"#]],
    );
    fails(
        &home,
        "miopen",
        2,
        str![[r#"
error: the following required arguments were not provided:
  --target <GFX>

Usage: rdna-build build --target <GFX> <RECIPE>

For more information, try '--help'.

"#]],
    );
}

#[test]
fn a_program_gets_every_error_as_one_document() {
    let home = Home::new();
    for (arguments, code, name) in [
        ("--json miopne --target gfx1010", 2, "cli::unknown_recipe"),
        ("miopen --target gfx101 --json", 2, "cli::usage"),
        ("miopen --target gfx1010 --toolchain debian-13 --json", 3, "toolchain::unfit"),
        ("man /dev/null/man1 --json", 4, "cli::write"),
    ] {
        let ran = home.run(arguments);
        let error = &ran.json()[0];
        assert_eq!((ran.code, ran.json().len()), (code, 1), "{arguments}");
        assert_eq!(error["event"], "error", "{arguments}");
        assert_eq!((&error["code"], &error["exit-code"]), (&name.into(), &code.into()), "{arguments}");
        assert_ne!(ran.stderr, "", "people read along");
    }
    let ran = home.run("miopen --target gfx101 --json");
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
{"event":"error","code":"cli::usage","message":"invalid value 'gfx101' for '--target <GFX>': `gfx101` is not a gfx target, did you mean `gfx1010`?","causes":[],"related":[],"help":null,"exit-code":2}

"#]]
    );
}
