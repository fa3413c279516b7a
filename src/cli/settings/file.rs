//! A settings file: its keys with their places, before any of them means anything.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use toml::de::{DeTable, DeValue};

use super::error::{Mistake, Place};
use super::table::ALL;
use super::value::{Raw, ValueError};
use crate::model::{HostPath, nearest};

const LIMIT: u64 = 64 << 10;

/// The keys of one file.
#[derive(Debug)]
pub struct File {
    pub path: HostPath,
    text: Arc<String>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    raw: Raw,
    span: Range<usize>,
}

/// The nearest `rdna-build.toml` in `folder` or above it.
pub fn find_project(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join("rdna-build.toml")).find(|path| path.is_file())
}

impl File {
    /// Reads a file; mistakes are added to the list, and what is right is kept.
    pub fn read(path: &Path, mistakes: &mut Vec<Mistake>) -> Option<File> {
        let host_path = HostPath::new(path);
        let mut text = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text));
        match read {
            Err(reason) => {
                mistakes.push(Mistake::Unreadable { path: host_path, reason });
                None
            }
            Ok(_) if text.len() as u64 > LIMIT => {
                mistakes.push(Mistake::TooLarge { path: host_path, limit: LIMIT });
                None
            }
            Ok(_) => Some(Self::parse(host_path, text, mistakes)),
        }
    }

    fn parse(path: HostPath, text: String, mistakes: &mut Vec<Mistake>) -> File {
        let mut file = File { path, text: Arc::new(text), entries: Vec::new() };
        let text = file.text.clone();
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            mistakes.push(Mistake::Syntax {
                place: file.place(span.start),
                reason: error.message().to_owned(),
                text: file.source(),
                span: span.into(),
            });
        }
        // A file that is not TOML says little about its keys: what was recovered would only add noise.
        if mistakes
            .iter()
            .any(|mistake| matches!(mistake, Mistake::Syntax { place, .. } if place.path == file.path))
        {
            return file;
        }
        let mut keys: Vec<_> = table.get_ref().iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        // `[remote]` with `registry` in it is the setting `remote.registry`.
        let mut settings = Vec::new();
        for (key, value) in keys {
            let name = key.get_ref().to_string();
            let begins = format!("{name}.");
            match value.get_ref() {
                DeValue::Table(inner) if ALL.iter().any(|about| about.name.starts_with(&begins)) => {
                    let inner = inner.iter().map(|(key, value)| (begins.clone() + key.get_ref(), key, value));
                    settings.extend(inner);
                }
                _ => settings.push((name, key, value)),
            }
        }
        settings.sort_by_key(|(_, key, _)| key.span().start);
        for (name, key, value) in settings {
            if !ALL.iter().any(|about| about.name == name) {
                let near = nearest(&name, ALL.iter().map(|about| about.name));
                mistakes.push(Mistake::UnknownKey {
                    place: file.place(key.span().start),
                    help: near.map(|near| format!("did you mean `{near}`?")),
                    key: name,
                    text: file.source(),
                    span: key.span().into(),
                });
                continue;
            }
            match raw(value.get_ref()) {
                Some(raw) => file.entries.push(Entry { key: name, raw, span: value.span() }),
                None => mistakes.push(file.value_mistake(&name, value.span(), ValueError::Shape)),
            }
        }
        file
    }

    /// The value of a key and the line it is on.
    pub fn get(&self, key: &str) -> Option<(&Raw, usize)> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some((&entry.raw, self.place(entry.span.start).line))
    }

    /// The folder that relative paths in the file are relative to.
    pub fn folder(&self) -> &Path {
        self.path.as_path().parent().unwrap_or(Path::new("/"))
    }

    pub fn wrong(&self, key: &str, reason: ValueError) -> Mistake {
        let span =
            self.entries.iter().find(|entry| entry.key == key).map_or(0..0, |entry| entry.span.clone());
        self.value_mistake(key, span, reason)
    }

    fn value_mistake(&self, key: &str, span: Range<usize>, reason: ValueError) -> Mistake {
        Mistake::Value {
            place: self.place(span.start),
            key: key.to_owned(),
            reason,
            text: self.source(),
            span: span.into(),
        }
    }

    fn source(&self) -> NamedSource<Arc<String>> {
        NamedSource::new(self.path.to_string(), self.text.clone())
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// Scalars become text, lists and tables lists of texts: a variable or a flag could not say it otherwise either.
fn raw(value: &DeValue<'_>) -> Option<Raw> {
    match value {
        DeValue::Array(values) => {
            let text = |value: &DeValue<'_>| match raw(value) {
                Some(Raw::Text(text)) => Some(text),
                Some(Raw::List(_)) | None => None,
            };
            values.iter().map(|value| text(value.get_ref())).collect::<Option<_>>().map(Raw::List)
        }
        DeValue::String(text) => Some(Raw::Text(text.to_string())),
        DeValue::Integer(number) => Some(Raw::Text(number.to_string())),
        DeValue::Float(number) => Some(Raw::Text(number.to_string())),
        DeValue::Boolean(switch) => Some(Raw::Text(switch.to_string())),
        // A table of texts or lists of texts: `miopen = ["a.patch"]` is `miopen=a.patch`.
        DeValue::Table(table) => {
            let mut texts = Vec::new();
            for (key, value) in table {
                match raw(value.get_ref())? {
                    Raw::Text(text) => texts.push(format!("{}={text}", key.get_ref())),
                    Raw::List(list) => {
                        texts.extend(list.iter().map(|text| format!("{}={text}", key.get_ref())))
                    }
                }
            }
            Some(Raw::List(texts))
        }
        DeValue::Datetime(_) => None,
    }
}
