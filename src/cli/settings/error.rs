//! Everything wrong with the settings, all at once.

use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use super::value::ValueError;
use crate::model::HostPath;

/// The settings cannot be used; every mistake in every file and variable is listed.
#[derive(Debug, Error, Diagnostic)]
#[error("{}", match mistakes.len() { 1 => "a setting is wrong".to_owned(), n => format!("{n} settings are wrong") })]
#[diagnostic(code(settings::invalid), help("`rdna-build config --help` lists every setting"))]
pub struct SettingsError {
    #[related]
    pub mistakes: Vec<Mistake>,
}

/// One thing wrong with a file or variable.
#[derive(Debug, Error, Diagnostic)]
pub enum Mistake {
    #[error("{path} cannot be read: {reason}")]
    #[diagnostic(code(settings::unreadable))]
    Unreadable { path: HostPath, reason: std::io::Error },

    #[error("{path} is larger than {limit} bytes, which no settings file is")]
    #[diagnostic(code(settings::too_large))]
    TooLarge { path: HostPath, limit: u64 },

    #[error("{place} is not TOML: {reason}")]
    #[diagnostic(code(settings::syntax))]
    Syntax {
        place: Place,
        reason: String,
        #[source_code]
        text: NamedSource<Arc<String>>,
        #[label("here")]
        span: SourceSpan,
    },

    #[error("{place}: there is no setting `{key}`")]
    #[diagnostic(code(settings::unknown))]
    UnknownKey {
        place: Place,
        key: String,
        #[help]
        help: Option<String>,
        #[source_code]
        text: NamedSource<Arc<String>>,
        #[label("unknown")]
        span: SourceSpan,
    },

    #[error("{place}: `{key}`: {reason}")]
    #[diagnostic(code(settings::value))]
    Value {
        place: Place,
        key: String,
        reason: ValueError,
        #[source_code]
        text: NamedSource<Arc<String>>,
        #[label("this value")]
        span: SourceSpan,
    },

    #[error("the environment variable {name} cannot be used: {reason}")]
    #[diagnostic(code(settings::variable), help("correct it, or `unset {name}`"))]
    Variable { name: String, reason: ValueError },

    #[error("no folder for the {name} is known: neither {variable} nor HOME is set")]
    #[diagnostic(code(settings::no_home), help("name one: {own}=/path/to/folder"))]
    NoHome { name: &'static str, variable: &'static str, own: &'static str },
}

impl Mistake {
    /// Where in a file it is, for those that are in one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Mistake::Syntax { place, .. }
            | Mistake::UnknownKey { place, .. }
            | Mistake::Value { place, .. } => Some(place),
            Mistake::Unreadable { .. }
            | Mistake::TooLarge { .. }
            | Mistake::Variable { .. }
            | Mistake::NoHome { .. } => None,
        }
    }
}

/// Where in a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub path: HostPath,
    pub line: usize,
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}
