//! A TOML reader that goes on after a mistake: it notes what is wrong at its place and gives `None`.

use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::Mistakes;
use crate::model::nearest;

const LONGEST_TEXT: usize = 256 * 1024;

/// The keys a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// A table whose keys were checked against its [`Keys`].
#[derive(Debug)]
pub struct Section<'a> {
    path: String,
    keys: Keys,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    mistakes: &'a Mistakes,
}

/// A value with its place and the path of keys that leads to it.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    path: String,
    value: &'a Spanned<DeValue<'a>>,
    mistakes: &'a Mistakes,
}

/// Reads `bytes` as a TOML document with these keys at its top and hands it to `build`.
///
/// Syntax errors are all reported, and then nothing else: what was recovered around them would only mislead.
pub fn read<T>(
    bytes: &[u8],
    mistakes: &Mistakes,
    schema: i64,
    keys: Keys,
    build: impl FnOnce(&Section<'_>) -> Option<T>,
) -> Option<T> {
    if bytes.len() > LONGEST_TEXT {
        let message = format!("the file has {} bytes, {LONGEST_TEXT} are the most that is read", bytes.len());
        mistakes.add(0..0, message, None);
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            mistakes.add(
                error.valid_up_to()..error.valid_up_to(),
                "the file is not UTF-8 from here on",
                None,
            );
            return None;
        }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            mistakes.add(error.span().unwrap_or(0..0), error.message(), None);
        }
        return None;
    }
    // A newer schema has other keys: to call them unknown would send people the wrong way.
    if let Some(found) = table.get_ref().get("schema")
        && let Some(number) = integer(found.get_ref())
        && number != schema
    {
        let help = format!("this rdna-build reads schema {schema}; a newer one may read {number}");
        mistakes.add(found.span(), format!("schema {number} is not known"), Some(help));
        return None;
    }
    build(&Section::open(String::new(), keys, 0..0, table.get_ref(), mistakes))
}

impl<'a> Section<'a> {
    /// Notes keys that are missing or unknown.
    fn open(
        path: String,
        keys: Keys,
        span: Range<usize>,
        table: &'a DeTable<'a>,
        mistakes: &'a Mistakes,
    ) -> Self {
        let known = || keys.required.iter().chain(keys.optional).copied();
        let mut meant = Vec::new();
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known().any(|known| known == name) {
                let help = match nearest(name, known().filter(|known| !table.contains_key(*known))) {
                    Some(nearest) => {
                        meant.push(nearest);
                        format!("did you mean `{nearest}`?")
                    }
                    None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
                };
                mistakes.add(key.span(), format!("unknown key `{}`", join(&path, name)), Some(help));
            }
        }
        // A misspelt key is one mistake, not two.
        for key in keys.required.iter().filter(|key| !table.contains_key(**key) && !meant.contains(*key)) {
            mistakes.add(span.clone(), format!("`{}` is missing", join(&path, key)), None);
        }
        Self { path, keys, span, table, mistakes }
    }

    /// Where the table begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub fn mistakes(&self) -> &'a Mistakes {
        self.mistakes
    }

    /// The value of `key`, if the table has it.
    pub fn field(&self, key: &str) -> Option<Field<'a>> {
        debug_assert!(
            self.keys.required.contains(&key) || self.keys.optional.contains(&key),
            "`{key}` is read but not among the keys of `{}`",
            self.path
        );
        let value = self.table.get(key)?;
        Some(Field { path: join(&self.path, key), value, mistakes: self.mistakes })
    }

    /// Reads a required key; `None` means that a mistake was noted.
    pub fn required<T>(&self, key: &str, read: impl FnOnce(Field<'a>) -> Option<T>) -> Option<T> {
        debug_assert!(self.keys.required.contains(&key), "`{key}` is optional");
        self.field(key).and_then(read)
    }

    /// Reads an optional key; the outer `None` means that a mistake was noted.
    pub fn optional<T>(&self, key: &str, read: impl FnOnce(Field<'a>) -> Option<T>) -> Option<Option<T>> {
        match self.field(key) {
            Some(field) => read(field).map(Some),
            None => Some(None),
        }
    }

    /// Reads an optional key that stands for `absent` where it is not written.
    pub fn or<T>(&self, key: &str, absent: T, read: impl FnOnce(Field<'a>) -> Option<T>) -> Option<T> {
        self.field(key).map_or(Some(absent), read)
    }
}

impl<'a> Field<'a> {
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Notes a mistake at this value.
    pub fn wrong<T>(&self, message: impl AsRef<str>, help: Option<String>) -> Option<T> {
        self.mistakes.add(self.span(), message, help);
        None
    }

    /// Notes something doubtful at this value.
    pub fn warn(&self, message: impl AsRef<str>, help: Option<String>) {
        self.mistakes.warn(self.span(), message, help);
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.wrong(format!("`{}` is {}, {expected} is expected", self.path, kind(self.value.get_ref())), None)
    }

    pub fn text(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            _ => self.wrong_type("text in quotes"),
        }
    }

    pub fn switch(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// A whole number in `range`.
    pub fn number(&self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        match (integer(self.value.get_ref()), self.value.get_ref()) {
            (Some(number), _) if range.contains(&number) => Some(number),
            (_, DeValue::Integer(written)) => {
                let (low, high) = (range.start(), range.end());
                self.wrong(format!("`{}` is {written}, {low} to {high} is expected", self.path), None)
            }
            _ => self.wrong_type("a whole number"),
        }
    }

    /// A text that is a `T`.
    pub fn parse<T>(&self) -> Option<T>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match self.text()?.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(error.to_string(), None),
        }
    }

    /// The elements of a list.
    pub fn list(&self) -> Option<Vec<Field<'a>>> {
        let DeValue::Array(array) = self.value.get_ref() else { return self.wrong_type("a list") };
        Some(
            array
                .iter()
                .map(|value| Field { path: self.path.clone(), value, mistakes: self.mistakes })
                .collect(),
        )
    }

    /// All elements of a list, each read by `read`; `None` if one is wrong, after all were read.
    pub fn each<T>(&self, read: impl FnMut(Field<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items: Vec<Option<T>> = self.list()?.into_iter().map(read).collect();
        items.into_iter().collect()
    }

    /// A table with these keys.
    pub fn section(&self, keys: Keys) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value.get_ref() else { return self.wrong_type("a table") };
        Some(Section::open(self.path.clone(), keys, self.span(), table, self.mistakes))
    }

    /// The entries of a table whose keys are free: key, its place, value.
    pub fn entries(&self) -> Option<Vec<(&'a str, Range<usize>, Field<'a>)>> {
        let DeValue::Table(table) = self.value.get_ref() else { return self.wrong_type("a table") };
        let entries = table.iter().map(|(key, value)| {
            let path = join(&self.path, key.get_ref());
            (key.get_ref().as_ref(), key.span(), Field { path, value, mistakes: self.mistakes })
        });
        Some(entries.collect())
    }

    /// A table with free keys: `key` says whether a key is one, `read` reads its value.
    pub fn map<T, C: FromIterator<(String, T)>>(
        &self,
        key: impl Fn(&str) -> Result<(), String>,
        mut read: impl FnMut(Field<'a>) -> Option<T>,
    ) -> Option<C> {
        let entries: Vec<Option<(String, T)>> = self
            .entries()?
            .into_iter()
            .map(|(name, span, field)| {
                let checked = key(name).map_err(|message| self.mistakes.add(span, message, None));
                let value = read(field)?;
                checked.ok().map(|()| (name.to_owned(), value))
            })
            .collect();
        entries.into_iter().collect()
    }

    /// What the value is, for a reader that takes several types.
    pub fn value(&self) -> &'a DeValue<'a> {
        self.value.get_ref()
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
