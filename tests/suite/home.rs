//! The real program in a home of its own: nothing of the person's settings, folders or variables reaches it.

use std::path::PathBuf;
use std::process::Command;

/// A folder that is home and current folder at once, gone with the test.
pub struct Home {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// Where git and its like are, whatever the person's own is.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    /// Standard output, the home folder written as `[HOME]`.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// The same with a variable set.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file and the folders above it.
    pub fn write(&self, below: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Everything below the home folder, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.folder.path()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        found
    }

    /// The program with `arguments` (words between spaces), to be started by the caller.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rdna-build"));
        command.args(arguments.split_whitespace());
        self.prepare(&mut command);
        command
    }

    /// Gives another program the same home and variables.
    pub fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env_clear().env("PATH", PATH).env("HOME", self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &str) -> Ran {
        self.finish(&mut self.command(arguments))
    }

    pub fn finish(&self, command: &mut Command) -> Ran {
        // A program that was just copied is busy while a process that another test begins still has the file open.
        let output = loop {
            match command.output() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                other => break other.unwrap(),
            }
        };
        let shown = |bytes: Vec<u8>| {
            String::from_utf8(bytes).unwrap().replace(&self.folder.path().display().to_string(), "[HOME]")
        };
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: shown(output.stdout),
            stderr: shown(output.stderr),
        }
    }
}

impl Ran {
    /// The documents of `--json`, one a line.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a command that must fail: `code`, nothing on standard output, and this on standard error.
#[track_caller]
pub fn fails(home: &Home, arguments: &str, code: i32, stderr: snapbox::data::Inline) {
    let ran = home.run(arguments);
    snapbox::assert_data_eq!(&ran.stderr, stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""));
}

/// A recipe as small as one can be; `source` are the lines that say where its version comes from.
pub fn tiny_recipe(source: &str) -> String {
    format!(
        r#"schema = 1
name = "tiny"
summary = "made up"
homepage = "https://example.org/"
license = "MIT"
default-version = "1.0"

[[versions]]
version = "1.0"
rocm = "6.4.3"
{source}

[targets]
supported = ["gfx1010"]

[build]
system = "cmake"
prefix = "/opt/{{name}}"
host-only = false
memory-per-job = "10 MiB"
disk = "1 MiB"
minutes = 1

[[outputs]]
path = "README"
kind = "file"
"#
    )
}
