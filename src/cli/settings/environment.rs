//! What the process was given: variables, current folder, terminal. Passed in, so that tests feed their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Everything about the surrounding process that decides settings.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    pub current_folder: PathBuf,
    pub terminal: Terminal,
}

/// Which of the standard streams a person sees, and how wide that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    pub stdout: bool,
    pub stderr: bool,
    /// Columns of the terminal, 0 while unknown.
    pub columns: u16,
}

/// Reads the process's environment: the one place that does.
pub fn from_process() -> Environment {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
    // Either may be a pipe while the other is the terminal.
    let columns = rustix::termios::tcgetwinsize(std::io::stdout())
        .or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr()))
        .map_or(0, |size| size.ws_col);
    Environment {
        variables,
        // A folder that was removed has no path; then only absolute paths work, and the first relative one says so.
        current_folder: std::env::current_dir().unwrap_or_default(),
        terminal: Terminal {
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            columns,
        },
    }
}

impl Environment {
    /// An environment with these variables, below `current_folder`, without a terminal.
    pub fn new<'a>(
        current_folder: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            current_folder: current_folder.into(),
            terminal: Terminal::default(),
        }
    }

    /// A variable as text; an empty one counts as unset.
    pub fn text(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .map(|value| value.to_string_lossy().into_owned())
            .filter(|value| !value.is_empty())
    }

    /// A variable as it is, were it no text.
    pub fn raw(&self, name: &str) -> Option<&std::ffi::OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    /// A variable that holds an absolute path. Others are ignored, as the XDG specification asks.
    pub fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.current_folder.join(path)
    }

    /// `$variable/rdna-build`, or `$HOME/below_home/rdna-build` when the variable is not set.
    pub(super) fn base_folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.folder(variable)
            .or_else(|| Some(self.folder("HOME")?.join(below_home)))
            .map(|folder| folder.join("rdna-build"))
    }

    /// The files in which Docker and Podman keep the passwords of registries.
    pub(super) fn credential_files(&self) -> Vec<PathBuf> {
        let below_home = |path: &str| self.folder("HOME").map(|home| home.join(path));
        let docker = self.folder("DOCKER_CONFIG").or_else(|| below_home(".docker"));
        let podman = |folder: PathBuf| folder.join("containers/auth.json");
        [
            docker.map(|folder| folder.join("config.json")),
            self.folder("REGISTRY_AUTH_FILE"),
            self.folder("XDG_RUNTIME_DIR").map(podman),
            self.folder("XDG_CONFIG_HOME").or_else(|| below_home(".config")).map(podman),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(in crate::cli) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

/// Shows no values: variables hold secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("current_folder", &self.current_folder)
            .field("terminal", &self.terminal)
            .finish()
    }
}
