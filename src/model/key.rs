//! Keys of stages and the named ingredients they are made of.

use std::collections::BTreeMap;
use std::fmt;

use super::digest::{Digest, serde_as_text};

/// Names what a stage makes: the digest of everything that enters it. Made only by `plan::key`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Digest);

impl Key {
    pub(crate) fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    pub fn short(&self) -> String {
        self.0.short()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Key {
    type Err = super::digest::DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

serde_as_text!(Key);

/// What enters a key, by name, so that a miss can be explained ingredient by ingredient.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Ingredients(BTreeMap<String, String>);

/// How one ingredient differs between two sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    Added { name: String },
    Removed { name: String },
    Changed { name: String },
}

impl Ingredients {
    /// Adds an ingredient.
    ///
    /// # Panics
    /// When the name is there already: two ingredients under one name would hide one of them.
    pub fn add(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        let name = name.into();
        let old = self.0.insert(name.clone(), value.to_string());
        assert!(old.is_none(), "ingredient `{name}` added twice");
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What changed since `older`, in the order of the names.
    pub fn since(&self, older: &Ingredients) -> Vec<Difference> {
        let mut differences: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, value)| match older.0.get(name) {
                None => Some(Difference::Added { name: name.clone() }),
                Some(old) if old != value => Some(Difference::Changed { name: name.clone() }),
                Some(_) => None,
            })
            .collect();
        differences.extend(
            older
                .0
                .keys()
                .filter(|name| !self.0.contains_key(*name))
                .map(|name| Difference::Removed { name: name.clone() }),
        );
        differences
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Added { name } => write!(f, "{name} is new"),
            Difference::Removed { name } => write!(f, "{name} is gone"),
            Difference::Changed { name } => write!(f, "{name} changed"),
        }
    }
}
