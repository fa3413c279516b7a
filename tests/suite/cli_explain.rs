//! `rdna-build explain`: what a conflict is, and which one a log shows.

use std::io::Write as _;
use std::process::Stdio;

use rdna_build::doctor::FINDINGS;
use rdna_build::toolchain::rules::RULES;
use rdna_build::verify::{CHECKS, FAILURES};
use snapbox::{assert_data_eq, str};

use crate::home::{Home, fails};

const LOG: &str = "\
[12/431] Building HIP object kernels.hip.o
FAILED: kernels.hip.o
clang++-17 -x hip --offload-arch=gfx1010 -c kernels.hip
fatal error: cannot open file '/dl/ocml.bc': Unknown attribute kind (102) (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6')
1 error generated when compiling for gfx1010.
";

#[test]
fn every_conflict_check_finding_and_failure_is_listed_and_explained() {
    let home = Home::new();
    let list = home.run("explain");
    assert_eq!((list.code, list.stderr.as_str()), (0, ""));
    let documents = home.run("explain --json").json().remove(0);
    let rules = RULES.iter().map(|rule| ("conflict", rule.id, rule.title, rule.remedies));
    let checks = CHECKS.iter().map(|check| ("check", check.id, check.title, check.remedies));
    let findings = FINDINGS.iter().map(|finding| ("finding", finding.id, finding.title, finding.remedies));
    let failures = FAILURES.iter().map(|failure| ("failure", failure.id, failure.title, failure.remedies));
    let topics: Vec<_> = rules.chain(checks).chain(findings).chain(failures).collect();
    for (kind, id, title, remedies) in &topics {
        assert!(list.stdout.contains(&format!("\n{id} ")), "{id}: {}", list.stdout);
        let one = home.run(&format!("explain {id}"));
        assert_eq!((one.code, one.stderr.as_str()), (0, ""), "{id}");
        assert!(one.stdout.starts_with(&format!("{id}\n{title}\n")), "{}", one.stdout);
        assert!(remedies.iter().all(|remedy| one.stdout.contains(remedy)), "{}", one.stdout);
        let is_it = |document: &&serde_json::Value| document["id"] == *id && document["kind"] == *kind;
        let document = documents.as_array().unwrap().iter().find(is_it);
        assert_eq!(document.unwrap()["title"], *title);
    }
    assert_eq!(documents.as_array().unwrap().len(), topics.len());
    assert_eq!(home.files(), [""; 0]);
}

#[test]
fn an_unknown_conflict_is_told_with_the_one_that_was_meant() {
    fails(
        &Home::new(),
        "explain device-lib-newer",
        2,
        str![[r#"
cli::usage

  x there is no conflict, check, finding or failure `device-lib-newer`
  help: did you mean `device-libs-newer`?

"#]],
    );
    fails(
        &Home::new(),
        "explain everything",
        2,
        str![[r#"
cli::usage

  x there is no conflict, check, finding or failure `everything`
  help: `rdna-build explain` lists those that are known, --log FILE reads a log

"#]],
    );
}

#[test]
fn a_log_is_told_with_its_line_what_clashes_and_what_to_do() {
    let home = Home::new();
    home.write("build.log", LOG);
    let ran = home.run("explain --log build.log");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_data_eq!(
        &ran.stdout,
        str![[r#"
build.log:4: device-libs-newer
  LLVM 21.1.8 made /dl/ocml.bc, which LLVM 17.0.6 must read

  | fatal error: cannot open file '/dl/ocml.bc': Unknown attribute kind (102) (Producer: 'LLVM21.1.8' Reader: 'LLVM 17.0.6')

  - compile with the clang of the device libraries' own LLVM: on Debian, clang-N goes with rocm-device-libs-N
  - let clang find its own set: unset HIP_DEVICE_LIB_PATH DEVICE_LIB_PATH ROCM_PATH
  - build in an isolated toolchain: rdna-build RECIPE --target GFX chooses one that fits
  rdna-build explain device-libs-newer

"#]]
    );
    let findings = home.run("explain --log build.log --json").json().remove(0);
    let finding = &findings[0];
    assert_eq!((&finding["rule"], &finding["line"]), (&"device-libs-newer".into(), &4.into()));
    assert_eq!(finding["caught"]["reader"], "17.0.6");
}

#[test]
fn a_log_may_come_from_standard_input() {
    let home = Home::new();
    let mut command = home.command("explain --log -");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(LOG.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("standard input:4: device-libs-newer\n"), "{shown}");
}

#[test]
fn a_log_without_any_is_no_error_and_one_that_cannot_be_read_is() {
    let home = Home::new();
    home.write("build.log", "error: use of undeclared identifier 'foo'\n");
    let ran = home.run("explain --log build.log");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_data_eq!(
        &ran.stderr,
        str![[r#"
build.log: none of the known conflicts shows in its 1 line
That does not prove that there is none. `rdna-build explain` lists what is known, `rdna-build toolchains inspect`
shows what a system holds.

"#]]
    );
    let ran = home.run("explain --log build.log --json");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "[]\n", ""));
    fails(
        &home,
        "explain --log gone.log",
        2,
        str![[r#"
cli::usage

  x the log gone.log cannot be read: No such file or directory (os error 2)
  help: give a file, or `-` for standard input

"#]],
    );
    assert_eq!(home.run("explain --log .").code, 2);
    assert_eq!(home.run("explain device-libs-newer --log build.log").code, 2);
}

#[test]
fn what_a_log_says_cannot_reach_the_terminal() {
    let home = Home::new();
    home.write("build.log", LOG.replace("/dl/", "/dl/\u{1b}]0;title\u{7}\u{9b}31m\u{202e}/"));
    let ran = home.run("explain --log build.log");
    assert!(ran.stdout.contains("LLVM 21.1.8 made"), "{}", ran.stdout);
    let is_obeyed = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!ran.stdout.contains(is_obeyed), "{}", ran.stdout);
}
