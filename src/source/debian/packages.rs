//! The index of a suite's packages, kept small: one text of the needed fields and spans into it.
//!
//! An index is some 70 000 stanzas and 60 MB of text; three quarters of it (descriptions, tags, maintainers) are
//! dropped while reading. Which package satisfies what is not decided here.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use crate::model::{DebianPackage, Digest};

use super::relation;
use super::release::Rank;

/// No line of an index is near this long.
const LONGEST_LINE: u64 = 4 << 20;

/// A package's place in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(u32);

/// The fields that are kept as text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Name,
    Version,
    Depends,
    PreDepends,
    Provides,
    Conflicts,
    Breaks,
    Filename,
}

const FIELDS: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Debug)]
struct Record {
    spans: [Span; FIELDS],
    size: u64,
    installed_kib: u64,
    digest: Digest,
    essential: bool,
    priority: Priority,
    /// Position of its suite, and that suite's rank.
    suite: (usize, Rank),
}

/// Debian's priorities, most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    Required,
    Important,
    Standard,
    Optional,
    Extra,
}

/// All packages of the components that were read, by name; of each suite the highest version.
#[derive(Debug, Default)]
pub(super) struct Packages {
    text: String,
    records: Vec<Record>,
}

impl Packages {
    /// Reads one index and adds its packages; call [`Packages::sort`] after the last.
    pub fn read(
        &mut self,
        mut reader: impl BufRead,
        architecture: &str,
        suite: (usize, Rank),
    ) -> Result<(), String> {
        let mut line = Vec::new();
        let mut stanza = Stanza::default();
        loop {
            line.clear();
            let length = reader
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| error.to_string())?;
            if length as u64 == LONGEST_LINE {
                return Err("a line has no end".to_owned());
            }
            let content = line.trim_ascii_end();
            if content.is_empty() {
                if let Some(record) = stanza.take(&self.text, architecture)? {
                    self.records.push(Record { suite, ..record });
                }
                if length == 0 {
                    return Ok(());
                }
            } else {
                stanza.line(content, &mut self.text)?;
            }
        }
    }

    /// Puts the packages in order of their names, what apt would take of each first, and drops all but the highest version
    /// of each suite.
    pub fn sort(&mut self) {
        let mut records = std::mem::take(&mut self.records);
        records.sort_by(|a, b| {
            let by_name = self.slice(a, Field::Name).cmp(self.slice(b, Field::Name));
            by_name.then_with(|| b.suite.1.cmp(&a.suite.1)).then_with(|| {
                let version = |record| relation::version(self.slice(record, Field::Version));
                version(b).cmp(&version(a))
            })
        });
        // Of one name there are as many neighbours as suites, at most.
        let mut kept: Vec<Record> = Vec::with_capacity(records.len());
        for record in records {
            let name = self.slice(&record, Field::Name);
            let same = kept.iter().rev().take_while(|kept| self.slice(kept, Field::Name) == name);
            if same.into_iter().all(|kept| kept.suite.0 != record.suite.0) {
                kept.push(record);
            }
        }
        let records = kept;
        self.records = records;
        self.records.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    /// Keeps of each package the version that apt would take, or the one that `instead` has for its name.
    pub fn keep(&mut self, instead: &HashMap<String, PackageId>) {
        let mut position = 0;
        let mut last = None;
        let text = &self.text;
        self.records.retain(|record| {
            let span = record.spans[Field::Name as usize];
            let name = &text[span.start as usize..span.end as usize];
            let is_first = last.replace(name) != Some(name);
            let keep = match instead.get(name) {
                Some(id) => id.0 == position,
                None => is_first,
            };
            position += 1;
            keep
        });
    }

    /// Finds a package by its name: of several versions the one apt would take.
    pub fn find(&self, name: &str) -> Option<PackageId> {
        let first = self.records.partition_point(|record| self.slice(record, Field::Name) < name);
        (self.slice(self.records.get(first)?, Field::Name) == name).then_some(PackageId(first as u32))
    }

    /// Finds a package's version in the suite at this position.
    pub fn find_in(&self, name: &str, suite: usize) -> Option<PackageId> {
        let PackageId(first) = self.find(name)?;
        let versions = self.records[first as usize..].iter();
        let mut versions = versions.take_while(|record| self.slice(record, Field::Name) == name);
        versions.position(|record| record.suite.0 == suite).map(|at| PackageId(first + at as u32))
    }

    /// All versions of a package.
    pub fn versions(&self, name: &str, suites: &[String]) -> Vec<DebianPackage> {
        let Some(PackageId(first)) = self.find(name) else { return Vec::new() };
        let ids = (first..self.records.len() as u32).map(PackageId);
        ids.take_while(|id| self.name(*id) == name).map(|id| self.package(id, suites)).collect()
    }

    /// A package as it is known outside; `suites` are the names of the suites.
    pub fn package(&self, id: PackageId, suites: &[String]) -> DebianPackage {
        DebianPackage {
            name: self.name(id).to_owned(),
            version: self.field(id, Field::Version).to_owned(),
            suite: suites[self.record(id).suite.0].clone(),
            file: self.field(id, Field::Filename).to_owned(),
            size: self.record(id).size,
            sha256: self.record(id).digest,
        }
    }

    /// All packages in order of their names.
    pub fn ids(&self) -> impl Iterator<Item = PackageId> + use<> {
        (0..self.records.len() as u32).map(PackageId)
    }

    pub fn field(&self, id: PackageId, field: Field) -> &str {
        self.slice(self.record(id), field)
    }

    pub fn name(&self, id: PackageId) -> &str {
        self.field(id, Field::Name)
    }

    /// What it says it takes when installed, in bytes.
    pub fn installed_size(&self, id: PackageId) -> u64 {
        self.record(id).installed_kib.saturating_mul(1024)
    }

    pub fn is_essential(&self, id: PackageId) -> bool {
        self.record(id).essential
    }

    pub fn priority(&self, id: PackageId) -> Priority {
        self.record(id).priority
    }

    fn record(&self, id: PackageId) -> &Record {
        &self.records[id.0 as usize]
    }

    fn slice(&self, record: &Record, field: Field) -> &str {
        let span = record.spans[field as usize];
        &self.text[span.start as usize..span.end as usize]
    }
}

/// A stanza while it is read; its texts are already in the index's text.
#[derive(Debug, Default)]
struct Stanza {
    begun: bool,
    spans: [Span; FIELDS],
    folded: Option<Field>,
    size: Option<u64>,
    installed_kib: u64,
    digest: Option<Digest>,
    essential: bool,
    priority: Option<Priority>,
    architecture: String,
}

impl Stanza {
    fn line(&mut self, line: &[u8], text: &mut String) -> Result<(), String> {
        self.begun = true;
        if line[0] == b' ' || line[0] == b'\t' {
            if let Some(field) = self.folded {
                text.push_str(utf8(line)?);
                self.spans[field as usize].end = position(text)?;
            }
            return Ok(());
        }
        self.folded = None;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(format!("`{}` is not a field", String::from_utf8_lossy(&line[..line.len().min(60)])));
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let kept = match name {
            b"Package" => Field::Name,
            b"Version" => Field::Version,
            b"Depends" => Field::Depends,
            b"Pre-Depends" => Field::PreDepends,
            b"Provides" => Field::Provides,
            b"Conflicts" => Field::Conflicts,
            b"Breaks" => Field::Breaks,
            b"Filename" => Field::Filename,
            b"Architecture" => {
                utf8(value)?.clone_into(&mut self.architecture);
                return Ok(());
            }
            b"Size" => {
                self.size = Some(utf8(value)?.parse().map_err(|_| "a Size is not a number".to_owned())?);
                return Ok(());
            }
            b"Installed-Size" => {
                self.installed_kib = utf8(value)?.parse().unwrap_or(0);
                return Ok(());
            }
            b"SHA256" => {
                self.digest = Some(utf8(value)?.parse().map_err(|error| format!("{error}"))?);
                return Ok(());
            }
            b"Essential" => {
                self.essential = value == b"yes";
                return Ok(());
            }
            b"Priority" => {
                self.priority = match value {
                    b"required" => Some(Priority::Required),
                    b"important" => Some(Priority::Important),
                    b"standard" => Some(Priority::Standard),
                    b"extra" => Some(Priority::Extra),
                    _ => Some(Priority::Optional),
                };
                return Ok(());
            }
            _ => return Ok(()),
        };
        let start = position(text)?;
        text.push_str(utf8(value)?);
        self.spans[kept as usize] = Span { start, end: position(text)? };
        self.folded = Some(kept);
        Ok(())
    }

    fn take(&mut self, text: &str, architecture: &str) -> Result<Option<Record>, String> {
        let stanza = std::mem::take(self);
        if !stanza.begun {
            return Ok(None);
        }
        let of = |field: Field| {
            let span = stanza.spans[field as usize];
            &text[span.start as usize..span.end as usize]
        };
        if stanza.architecture != "all" && stanza.architecture != architecture {
            return Ok(None);
        }
        let name = of(Field::Name);
        let missing = |what: &str| format!("package `{name}` has no {what}");
        if !is_name(name) {
            return Err(format!("`{name}` is not a package's name"));
        }
        if of(Field::Version).is_empty() {
            return Err(missing("Version"));
        }
        if of(Field::Filename).is_empty() {
            return Err(missing("Filename"));
        }
        Ok(Some(Record {
            spans: stanza.spans,
            size: stanza.size.ok_or_else(|| missing("Size"))?,
            installed_kib: stanza.installed_kib,
            digest: stanza.digest.ok_or_else(|| missing("SHA256"))?,
            essential: stanza.essential,
            priority: stanza.priority.unwrap_or(Priority::Optional),
            suite: Default::default(),
        }))
    }
}

/// Whether Debian's policy allows `name` for a package; such a name is safe as part of a file's name.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.');
    name.len() >= 2 && name.as_bytes()[0].is_ascii_alphanumeric() && name.bytes().all(allowed)
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a field is not UTF-8".to_owned())
}

fn position(text: &str) -> Result<u32, String> {
    u32::try_from(text.len()).map_err(|_| "it is larger than 4 GiB".to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An index of `name version; field: value; …` lines.
    pub(crate) fn index(lines: &[&str]) -> Packages {
        index_of(&[(lines, Default::default())])
    }

    /// The same for several suites.
    pub(crate) fn index_of(suites: &[(&[&str], (usize, Rank))]) -> Packages {
        let mut packages = Packages::default();
        for (lines, suite) in suites {
            let mut text = String::new();
            for line in *lines {
                let mut parts = line.split("; ");
                let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
                let digest = Digest::of(name);
                text += &format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\nSize: 1\n");
                text += &format!("SHA256: {digest}\nFilename: pool/{name}.deb\nDescription: none\n said\n");
                parts.for_each(|field| text += &format!("{field}\n"));
                text += "\n";
            }
            packages.read(text.as_bytes(), "amd64", *suite).unwrap();
        }
        packages.sort();
        packages
    }

    #[test]
    fn the_highest_version_of_a_package_wins() {
        let packages = index(&["aa 1.9", "bb 1", "aa 1.10"]);
        assert_eq!(packages.ids().count(), 2);
        assert_eq!(packages.field(packages.find("aa").unwrap(), Field::Version), "1.10");
    }

    #[test]
    fn folded_fields_are_joined_and_other_architectures_left_out() {
        let stanza = |architecture: &str| {
            let digest = Digest::of("x");
            format!(
                "Package: aa\nVersion: 1\nArchitecture: {architecture}\nSize: 1\nSHA256: {digest}\nFilename: f\nDepends: x,\n y\n"
            )
        };
        let mut packages = Packages::default();
        packages.read(stanza("i386").as_bytes(), "amd64", Default::default()).unwrap();
        assert_eq!(packages.ids().count(), 0);
        packages.read(stanza("all").as_bytes(), "amd64", Default::default()).unwrap();
        packages.sort();
        assert_eq!(packages.field(packages.find("aa").unwrap(), Field::Depends), "x, y");
    }

    #[test]
    fn a_stanza_without_a_digest_is_refused_by_name() {
        let text = "Package: aa\nVersion: 1\nArchitecture: all\nSize: 1\nFilename: f\n";
        assert_eq!(
            Packages::default().read(text.as_bytes(), "amd64", Default::default()),
            Err("package `aa` has no SHA256".to_owned())
        );
    }

    #[test]
    fn a_name_cannot_be_a_path() {
        for bad in ["../x", "a/b", "A1", "", "a"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_name("libstdc++-14-dev") && is_name("7zip"));
    }
}
