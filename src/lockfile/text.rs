//! The lock file as text: TOML, sorted, the same for the same pins.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use miette::NamedSource;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use super::Pins;
use super::error::{LockFileError, Mistake};
use crate::model::{DebianPackage, Digest, LockedPackages, PackageSet, ToolchainId};

const HEADER: &str = "\
# What moving names (git tags, image tags) meant when rdna-build first used them. Commit this file: it makes the next
# build, here or elsewhere, start from the same sources. To follow a name that moved, delete its entry. The packages of a
# toolchain stand here once it was locked: `rdna-build toolchains lock ID`, which also takes what is there now.
";

const VERSION: i64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: i64,
    #[serde(default)]
    image: Vec<RawImage>,
    #[serde(default)]
    source: Vec<RawSource>,
    #[serde(default)]
    toolchain: Vec<RawToolchain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImage {
    reference: Spanned<String>,
    digest: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    url: Spanned<String>,
    reference: String,
    commit: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToolchain {
    id: Spanned<String>,
    request: Spanned<String>,
    date: Spanned<i64>,
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPackage {
    name: Spanned<String>,
    version: Spanned<String>,
    suite: Spanned<String>,
    size: Spanned<i64>,
    sha256: Spanned<String>,
    file: Spanned<String>,
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Pins, LockFileError> {
    // The version first: what a newer one holds besides is not a mistake.
    if let Ok(table) = text.parse::<toml::Table>()
        && let Some(version) = table.get("version").and_then(toml::Value::as_integer)
        && version != VERSION
    {
        return Err(LockFileError::Version { path: path.to_owned(), version });
    }
    let mut mistakes = Mistakes { text, found: Vec::new() };
    let mut pins = Pins::default();
    match toml::from_str::<Raw>(text) {
        Ok(raw) => {
            debug_assert_eq!(raw.version, VERSION);
            for image in raw.image {
                let digest = image.digest.get_ref();
                let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
                let Some(digest) = mistakes.value::<Digest>(hex, image.digest.span()) else { continue };
                let span = image.reference.span();
                if pins.pin_image(image.reference.get_ref(), &digest).is_err() {
                    mistakes.add("this image is pinned twice, to different digests".to_owned(), span);
                }
            }
            for toolchain in raw.toolchain {
                locked(toolchain, &mut pins, &mut mistakes);
            }
            for source in raw.source {
                let Some(commit) = mistakes.value(source.commit.get_ref(), source.commit.span()) else {
                    continue;
                };
                let span = source.url.span();
                if pins.pin_source(&(source.url.into_inner(), source.reference), &commit).is_err() {
                    mistakes.add("this source is pinned twice, to different commits".to_owned(), span);
                }
            }
        }
        Err(error) => mistakes.add(error.message().to_owned(), error.span().unwrap_or(0..0)),
    }
    match mistakes.found {
        found if found.is_empty() => Ok(pins),
        found => Err(LockFileError::Invalid {
            path: path.to_owned(),
            text: NamedSource::new(path.display().to_string(), text.to_owned()),
            mistakes: found,
        }),
    }
}

/// Reads what one toolchain is locked to, or adds every mistake in it.
fn locked(raw: RawToolchain, pins: &mut Pins, mistakes: &mut Mistakes<'_>) {
    let before = mistakes.found.len();
    let id = mistakes.value::<ToolchainId>(raw.id.get_ref(), raw.id.span());
    let request = mistakes.value::<Digest>(raw.request.get_ref(), raw.request.span());
    let date = mistakes.number(&raw.date);
    let mut packages = BTreeMap::new();
    for package in raw.packages {
        let words = [
            (&package.name, is_name as fn(&str) -> bool, "a package's name"),
            (&package.version, is_version, "a package's version"),
            (&package.suite, is_path, "a suite"),
            (&package.file, is_package_file, "a package's place on a mirror"),
        ];
        for (word, is_good, what) in words {
            if !is_good(word.get_ref()) {
                mistakes.add(format!("`{}` is not {what}", word.get_ref().escape_debug()), word.span());
            }
        }
        let size = mistakes.number(&package.size);
        let sha256 = mistakes.value::<Digest>(package.sha256.get_ref(), package.sha256.span());
        let (Some(size), Some(sha256)) = (size, sha256) else { continue };
        let span = package.name.span();
        let name = package.name.into_inner();
        let package = DebianPackage {
            name: name.clone(),
            version: package.version.into_inner(),
            suite: package.suite.into_inner(),
            file: package.file.into_inner(),
            size,
            sha256,
        };
        if packages.insert(name, package).is_some() {
            mistakes.add("this package is named twice".to_owned(), span);
        }
    }
    if let (Some(id), Some(request), Some(date), true) = (id, request, date, mistakes.found.len() == before) {
        let set = PackageSet { date, packages: packages.into_values().collect() };
        if pins.toolchains.insert(id, LockedPackages { request, set }).is_some() {
            mistakes.add("this toolchain is locked twice".to_owned(), raw.id.span());
        }
    }
}

/// Debian's policy, 5.6.1.
fn is_name(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    text.len() >= 2
        && text.len() <= 128
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(known)
}

/// Debian's policy, 5.6.12.
fn is_version(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b".+-~:".contains(&b);
    !text.is_empty() && text.len() <= 256 && text.bytes().all(known)
}

/// A path that stays below the mirror whose address it is put behind.
fn is_path(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b".+-~_".contains(&b);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(known);
    text.len() <= 1024 && text.split('/').all(is_part)
}

fn is_package_file(text: &str) -> bool {
    is_path(text) && text.ends_with(".deb")
}

pub(super) fn render(pins: &Pins) -> String {
    #[derive(Serialize)]
    struct File<'a> {
        version: i64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        image: Vec<Image<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        source: Vec<Source<'a>>,
    }
    #[derive(Serialize)]
    struct Image<'a> {
        reference: &'a str,
        digest: String,
    }
    #[derive(Serialize)]
    struct Source<'a> {
        url: &'a str,
        reference: &'a str,
        commit: &'a str,
    }
    let images = pins.images.iter();
    let sources = pins.sources.iter();
    let file = File {
        version: VERSION,
        image: images
            .map(|(reference, digest)| Image { reference, digest: format!("sha256:{digest}") })
            .collect(),
        source: sources
            .map(|((url, reference), commit)| Source { url, reference, commit: commit.as_str() })
            .collect(),
    };
    let mut text = format!("{HEADER}{}", toml::to_string(&file).expect("tables of texts are TOML"));
    // One package a line, which the serializer would not do: differences stay readable.
    for (id, locked) in &pins.toolchains {
        let LockedPackages { request, set } = locked;
        text += &format!(
            "\n[[toolchain]]\nid = \"{id}\"\nrequest = \"{request}\"\ndate = {}\npackages = [\n",
            set.date
        );
        for DebianPackage { name, version, suite, file, size, sha256 } in &set.packages {
            text += &format!(
                "    {{ name = \"{name}\", version = \"{version}\", suite = \"{suite}\", size = {size}, sha256 = \"{sha256}\", file = \"{file}\" }},\n"
            );
        }
        text += "]\n";
    }
    text
}

struct Mistakes<'a> {
    text: &'a str,
    found: Vec<Mistake>,
}

impl Mistakes<'_> {
    fn add(&mut self, message: String, at: Range<usize>) {
        let before = &self.text.as_bytes()[..at.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        self.found.push(Mistake { line, message, at: at.into() });
    }

    fn number(&mut self, number: &Spanned<i64>) -> Option<u64> {
        let read = u64::try_from(*number.get_ref()).ok();
        if read.is_none() {
            self.add(format!("{} is less than nothing", number.get_ref()), number.span());
        }
        read
    }

    fn value<T: FromStr<Err: ToString>>(&mut self, text: &str, at: Range<usize>) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error.to_string(), at);
                None
            }
        }
    }
}
