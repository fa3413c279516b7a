//! The real program under strace: killed as it begins a system call, or with its calls written down.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::home::Home;

/// Whether strace is here and may trace; says so where not.
pub fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args(["-o", "/dev/null", "true"]).stderr(Stdio::null());
    let can = command.status().is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: strace is not here, or may not trace");
    }
    can
}

/// Kills a command as one of its threads begins its `number`th call among `calls`; answers whether it ended before that.
pub fn killed_at(home: &Home, arguments: &str, calls: &str, number: usize) -> bool {
    let mut command = strace(home, Path::new("/dev/null"), calls);
    command.arg("-e").arg(format!("inject={calls}:signal=KILL:when={number}"));
    program(&mut command, arguments).status().unwrap().success()
}

/// Runs a command to its good end and gives its calls among `calls`, in order, descriptors with their paths.
pub fn traced(home: &Home, arguments: &str, calls: &str) -> Vec<String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = strace(home, log.path(), calls);
    command.args(["-y", "-s", "1"]);
    assert!(program(&mut command, arguments).status().unwrap().success());
    let text = std::fs::read_to_string(log.path()).unwrap();
    // A process number stands before each.
    text.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start().to_owned())).collect()
}

fn strace(home: &Home, log: &Path, calls: &str) -> Command {
    let mut command = Command::new("strace");
    home.prepare(&mut command);
    command.args(["-f", "-qq", "-o"]).arg(log).arg("-e").arg(format!("trace={calls}"));
    command
}

fn program<'a>(command: &'a mut Command, arguments: &str) -> &'a mut Command {
    command.arg(env!("CARGO_BIN_EXE_rdna-build")).args(arguments.split_whitespace());
    command.stdout(Stdio::null()).stderr(Stdio::null())
}
