//! What an installed package is called, and by which words a person means it.

use std::fmt;

use super::error::InstallError;
use crate::model::{GfxTarget, Manifest, RecipeName};

/// Name, version and target of a package: what tells two installed ones apart.
///
/// # Invariants
///
/// Each part can be part of a file's name, and begins with no dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Title {
    pub name: String,
    pub version: String,
    pub target: String,
}

impl Title {
    pub fn of(manifest: &Manifest) -> Result<Self, InstallError> {
        let wrong = |what: &'static str, text: &str| InstallError::BadTitle { what, text: text.to_owned() };
        let (name, version, target) = (&manifest.name, &manifest.version, &manifest.target);
        name.parse::<RecipeName>().map_err(|_| wrong("name", name))?;
        target.parse::<GfxTarget>().map_err(|_| wrong("target", target))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
        if version.is_empty() || version.starts_with('.') || version.len() > 64 || !version.chars().all(plain)
        {
            return Err(wrong("version", version));
        }
        Ok(Self { name: name.clone(), version: version.clone(), target: target.clone() })
    }

    /// The name of its folder.
    pub fn folder(&self) -> String {
        format!("{}-{}-{}", self.name, self.version, self.target)
    }

    /// The name of the link to the version that counts.
    pub fn link(&self) -> String {
        format!("{}-{}", self.name, self.target)
    }

    /// Whether a person's word means it: `NAME`, `NAME-VERSION`, `NAME-TARGET` or all three.
    pub(super) fn is_meant_by(&self, word: &str) -> bool {
        word == self.name
            || word == self.link()
            || word == self.folder()
            || word.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-')) == Some(&self.version)
    }

    /// Whether a word says the version, so that it can mean one that does not count.
    pub(super) fn is_named_with_version(&self, word: &str) -> bool {
        self.is_meant_by(word) && word != self.name && word != self.link()
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for {}", self.name, self.version, self.target)
    }
}
