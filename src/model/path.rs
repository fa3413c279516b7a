//! Paths of the host and paths inside a container, as types that cannot be mistaken for each other.

use std::fmt;
use std::path::{Path, PathBuf};

/// A path on the machine that runs the tool.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct HostPath(PathBuf);

impl HostPath {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn as_path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, relative: impl AsRef<Path>) -> Self {
        Self(self.0.join(relative))
    }
}

impl fmt::Display for HostPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// An absolute path inside a container, always with `/` between its parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct GuestPath(String);

impl GuestPath {
    /// Makes a guest path.
    ///
    /// # Panics
    /// When `path` is not absolute: guest paths are written in this crate, never read from input.
    pub fn new(path: impl Into<String>) -> Self {
        let path = path.into();
        assert!(path.starts_with('/'), "guest path `{path}` is not absolute");
        Self(path)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn join(&self, relative: &str) -> Self {
        Self(format!("{}/{}", self.0.trim_end_matches('/'), relative.trim_start_matches('/')))
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
