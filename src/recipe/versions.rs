//! `[[versions]]`: each with one source, and only the keys that belong to it.

use std::collections::BTreeMap;

use super::keys::VERSION;
use crate::document::{Field, Section};
use crate::model::{FileSet, RecipeVersion, SourceSpec, Version};

/// What leads to the source, and the keys that go with it.
const SOURCES: [(&str, &[&str]); 3] =
    [("git", &["tag", "commit", "subdir"]), ("tarball", &["sha256", "mirrors"]), ("bundled", &[])];

pub(super) fn read(field: &Field<'_>, files: &FileSet) -> Option<Vec<RecipeVersion>> {
    let mut seen: Vec<Version> = Vec::new();
    let versions = field.each(|field| {
        let section = field.section(VERSION)?;
        let version = section.required("version", |field| {
            let version: Version = field.parse()?;
            if seen.contains(&version) {
                return field.wrong(format!("the version {version} is listed twice"), None);
            }
            seen.push(version.clone());
            Some(version)
        });
        let rocm = section.required("rocm", |field| field.parse());
        let source = source(&section, files);
        let requires = section.or("requires", BTreeMap::new(), |field| super::parse::ranges(&field));
        Some(RecipeVersion { version: version?, rocm: rocm?, source: source?, requires: requires? })
    })?;
    if versions.is_empty() {
        return field.wrong("a recipe needs a version", None);
    }
    Some(versions)
}

fn source(section: &Section<'_>, files: &FileSet) -> Option<SourceSpec> {
    let named: Vec<&str> =
        SOURCES.iter().map(|(key, _)| *key).filter(|key| section.field(key).is_some()).collect();
    let &[kind] = named.as_slice() else {
        let message = match named.as_slice() {
            [] => "this version has no source".to_owned(),
            several => format!("this version has several sources: {}", several.join(", ")),
        };
        section.mistakes().add(
            section.span(),
            message,
            Some("give one of `git`, `tarball`, `bundled`".to_owned()),
        );
        return None;
    };
    for (other, keys) in SOURCES.iter().filter(|(key, _)| *key != kind) {
        for field in keys.iter().filter_map(|key| section.field(key).map(|field| (key, field))) {
            let (key, field) = field;
            let message = format!("`{key}` means nothing here");
            field.wrong::<()>(message, Some(format!("it belongs to `{other}`, this version has `{kind}`")));
        }
    }
    match kind {
        "git" => git(section),
        "tarball" => tarball(section),
        _ => bundled(section, files),
    }
}

fn git(section: &Section<'_>) -> Option<SourceSpec> {
    let url = section.field("git")?.url(&["https", "http", "ssh", "file"]);
    let reference = section.optional("tag", |field| reference(&field));
    let commit = section.optional("commit", |field| field.parse());
    let subdir = section.optional("subdir", |field| field.relative_path());
    let (tagged, pinned) = (section.field("tag").is_some(), section.field("commit").is_some());
    if !tagged && !pinned {
        let help =
            "add `tag`, and `commit` to pin it: the default branch is something else tomorrow".to_owned();
        section.mistakes().add(section.span(), "nothing says which commit of the repository", Some(help));
        return None;
    }
    if !pinned {
        let help =
            "add `commit` with all 40 digits; until then rdna-build.lock keeps what the tag was at first";
        section.mistakes().warn(
            section.field("tag").map_or(section.span(), |field| field.span()),
            "a tag can be moved: this version has no commit",
            Some(help.to_owned()),
        );
    }
    Some(SourceSpec::Git { url: url?, reference: reference?, commit: commit?, subdir: subdir? })
}

/// A tag's name by the rules of git-check-ref-format, as far as they guard against being taken for something else.
fn reference(field: &Field<'_>) -> Option<String> {
    let text = field.line()?;
    let bad = text.starts_with(['-', '/', '.'])
        || text.ends_with(['/', '.'])
        || text.contains("..")
        || text.contains("@{")
        || text.contains(|c: char| c.is_whitespace() || "~^:?*[\\".contains(c));
    if bad { field.wrong(format!("`{text}` cannot be a tag"), None) } else { Some(text) }
}

fn tarball(section: &Section<'_>) -> Option<SourceSpec> {
    let schemes = ["https", "http", "file"];
    let url = section.field("tarball")?.url(&schemes);
    let mirrors = section.or("mirrors", Vec::new(), |field| field.each(|mirror| mirror.url(&schemes)));
    let Some(sha256) = section.field("sha256") else {
        let help = "add `sha256 = \"…\"`, as `sha256sum FILE` prints it".to_owned();
        section.mistakes().add(section.span(), "a tarball without `sha256` could be anything", Some(help));
        return None;
    };
    let sha256 = sha256.parse();
    let urls = std::iter::once(url?).chain(mirrors?).collect();
    Some(SourceSpec::Tarball { urls, sha256: sha256? })
}

fn bundled(section: &Section<'_>, files: &FileSet) -> Option<SourceSpec> {
    let field = section.field("bundled")?;
    let folder = field.relative_path()?;
    let source = files.below(&folder);
    if source.is_empty() {
        return field.wrong(format!("the recipe's folder has no files in `{folder}`"), None);
    }
    Some(SourceSpec::Bundled { folder, digest: source.digest() })
}
