//! The lock file as text: TOML, sorted, the same for the same pins.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use miette::NamedSource;
use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

use super::Pins;
use super::error::{LockFileError, Mistake};
use crate::model::Digest;

const HEADER: &str = "\
# What moving names (git tags, image tags) meant when rdna-build first used them. Commit this file: it makes the next
# build, here or elsewhere, start from the same sources. To follow a name that moved, delete its entry.
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
    let body = toml::to_string(&file).expect("tables of texts are TOML");
    format!("{HEADER}{body}")
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
