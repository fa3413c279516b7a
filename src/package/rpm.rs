//! `.rpm`: a package for rpm, dnf and zypper.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder, PackageReader, Timestamp,
};
use tokio_util::sync::CancellationToken;

use super::contents::{Contents, Member};
use super::error::PackageError;
use super::parcel::{Parcel, Part};
use super::sink::{self, DigestingWriter};
use super::tar_writer::LEVEL;
use super::walk::{Each, MOST_ENTRIES, Stop};
use super::{Listed, ListedKind, Progress, Written, plain_name, tree};
use crate::model::{About, Manifest, PackagedFile};

pub(super) const PARTS: &[Part] = &[Part::Runtime, Part::Development, Part::Symbols, Part::Default];

/// Builds run in x86-64 containers only.
const ARCHITECTURE: &str = "x86_64";
const GROUP: &str = "System Environment/Libraries";
const BUILD_HOST: &str = "localhost";

/// `NAME-VERSION-RELEASE.x86_64`, as rpm names it.
pub(super) fn stem(parcel: &Parcel<'_>) -> Result<String, PackageError> {
    let (manifest, about) = (&parcel.manifest, parcel.about()?);
    let (name, version) = (plain_name(&about.name)?, plain_name(&manifest.version)?);
    let end = suffix(parcel.part);
    Ok(format!("{name}{end}-{version}-{}.{ARCHITECTURE}", plain_name(&release(manifest, about))?))
}

fn suffix(part: Part) -> &'static str {
    match part {
        Part::Whole | Part::Runtime => "",
        Part::Development => "-devel",
        Part::Symbols => "-debuginfo",
        Part::Default => "-default",
    }
}

/// `1.debian.sid`: two toolchains give two releases, so that their files can lie in one folder.
fn release(manifest: &Manifest, about: &About) -> String {
    format!("{}.{}", about.revision, manifest.toolchain.id.replace('-', "."))
}

pub(super) fn write(
    parcel: &Parcel<'_>,
    archive: &Path,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Result<Written, PackageError> {
    let mut texts = vec![parcel.manifest_text.clone()];
    if parcel.part == Part::Default {
        texts.push(parcel.loader_configuration()?);
    }
    let contents = Contents::new(&parcel.manifest.files, texts, parcel.tree_root, parcel.epoch())?;
    let total = contents.bytes();
    progress(0, total);
    let refused = |error: rpm::Error| refused(archive, error);
    let (about, texts) = (parcel.about()?, Texts::of(parcel)?);
    let mut builder = builder(parcel, about, &texts, &contents).map_err(refused)?;
    let package = builder.build().map_err(refused)?;
    if cancel.is_cancelled() {
        return Err(PackageError::Cancelled);
    }
    check_digests(&package, &contents, archive)?;
    let written = sink::persist(archive, |file| {
        let mut sink = DigestingWriter::new(io::BufWriter::with_capacity(256 << 10, file));
        package.write(&mut sink).map_err(refused)?;
        let (mut file, size, sha256) = sink.finish();
        io::Write::flush(&mut file).map_err(PackageError::io("writing", archive))?;
        Ok(Written { size, sha256 })
    })?;
    progress(total, total);
    Ok(written)
}

/// What a person reads of it.
struct Texts {
    summary: String,
    description: String,
}

impl Texts {
    fn of(parcel: &Parcel<'_>) -> Result<Self, PackageError> {
        let synopsis = parcel.synopsis()?;
        let mut letters = synopsis.chars();
        let summary = match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => synopsis,
        };
        let paragraphs: Vec<String> = parcel.description()?.iter().map(|lines| lines.join("\n")).collect();
        Ok(Self { summary, description: paragraphs.join("\n\n") })
    }
}

fn refused(archive: &Path, error: rpm::Error) -> PackageError {
    match error {
        rpm::Error::Io(error) => PackageError::io("packing", archive)(error),
        other => PackageError::Refused { archive: archive.to_owned(), reason: other.to_string() },
    }
}

fn builder(
    parcel: &Parcel<'_>,
    about: &About,
    texts: &Texts,
    contents: &Contents<'_>,
) -> Result<PackageBuilder, rpm::Error> {
    let manifest = &parcel.manifest;
    let name = format!("{}{}", about.name, suffix(parcel.part));
    let mut builder =
        PackageBuilder::new(&name, &manifest.version, &about.license, ARCHITECTURE, &texts.summary);
    let time = Timestamp(u32::try_from(parcel.epoch()).unwrap_or(u32::MAX));
    builder
        .using_config(BuildConfig::v4().compression(CompressionWithLevel::Zstd(LEVEL)).source_date(time))
        .release(release(manifest, about))
        .description(&*texts.description)
        .group(GROUP)
        .add_changelog_entry(
            format!("{} - {}-{}", about.maintainer, manifest.version, release(manifest, about)),
            format!("- Built by {} for {}.", manifest.tool, manifest.target),
            time,
        )
        .url(&about.homepage)
        .packager(&about.maintainer)
        .vendor(&about.maintainer)
        .build_host(BUILD_HOST);
    relations(&mut builder, parcel, about);
    for (path, member) in &contents.members {
        let place = format!("/{path}");
        match member {
            // Only folders of its own, with those above it: `/opt` and `/etc` belong to the system.
            Member::Directory if is_own(path, parcel.prefix()) => {
                builder.with_dir_entry(FileOptions::dir(place).permissions(0o755))?;
            }
            Member::Directory => {}
            Member::Symlink { target } => {
                builder.with_symlink(FileOptions::symlink(place, *target))?;
            }
            Member::Text(text) => {
                let options = FileOptions::new(&*place).permissions(0o644).modified_at(time);
                let options = if path.starts_with("etc/") { options.config().noreplace() } else { options };
                builder.with_file_contents(text.clone(), options)?;
            }
            Member::File { executable, .. } => {
                // By rpm's convention: its tools pass over libraries that are not.
                let mode = if *executable || is_library(path) { 0o755 } else { 0o644 };
                let options = FileOptions::new(&*place).permissions(mode).modified_at(time);
                let options = if parcel.licenses.iter().any(|file| file.path() == path) {
                    options.license()
                } else {
                    options
                };
                builder.with_file(contents.tree_root.join(path), options)?;
            }
        }
    }
    Ok(builder)
}

fn is_library(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.ends_with(".so") || name.contains(".so."))
}

fn is_own(folder: &str, prefix: &str) -> bool {
    let below = |path: &str, above: &str| path == above || path.starts_with(&format!("{above}/"));
    below(folder, prefix) || (folder.contains('/') && below(prefix, folder))
}

fn relations(builder: &mut PackageBuilder, parcel: &Parcel<'_>, about: &About) {
    let same = || {
        Dependency::eq(
            format!("{}(x86-64)", about.name),
            format!("{}-{}", parcel.manifest.version, release(&parcel.manifest, about)),
        )
    };
    let any = |names: &[String]| names.iter().map(|name| relation(name)).collect::<Vec<_>>();
    let requires = match parcel.part {
        Part::Whole | Part::Runtime => needs(parcel).into_iter().chain(any(&about.rpm.depends)).collect(),
        Part::Development => std::iter::once(same()).chain(any(&about.rpm.dev_depends)).collect(),
        Part::Symbols | Part::Default => vec![same()],
    };
    for dependency in requires {
        builder.requires(dependency);
    }
    if parcel.part == Part::Default {
        for dependency in any(&about.rpm.replaces) {
            builder.conflicts(dependency.clone());
            builder.provides(dependency);
        }
        // The loader's cache is made anew.
        builder.post_install_script("/sbin/ldconfig\n");
        builder.post_uninstall_script("/sbin/ldconfig\n");
    }
}

/// Libraries by their sonames and symbol versions, as rpm's own dependency generator writes them.
fn needs(parcel: &Parcel<'_>) -> Vec<Dependency> {
    let mut needs = Vec::new();
    for need in &parcel.manifest.needs {
        needs.push(Dependency::any(format!("{}()(64bit)", need.soname)));
        for version in &need.versions {
            needs.push(Dependency::any(format!("{}({version})(64bit)", need.soname)));
        }
    }
    needs
}

/// `name`, or `name >= 1.2` and the like.
fn relation(text: &str) -> Dependency {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [name, "=", version] => Dependency::eq(*name, *version),
        [name, ">=", version] => Dependency::greater_eq(*name, *version),
        [name, "<=", version] => Dependency::less_eq(*name, *version),
        [name, ">", version] => Dependency::greater(*name, *version),
        [name, "<", version] => Dependency::less(*name, *version),
        _ => Dependency::any(text),
    }
}

/// Every file as it was read must be what the manifest says.
fn check_digests(
    package: &rpm::Package,
    contents: &Contents<'_>,
    archive: &Path,
) -> Result<(), PackageError> {
    let entries = package.metadata.get_file_entries().map_err(|error| refused(archive, error))?;
    let found: BTreeMap<String, String> = entries
        .into_iter()
        .filter_map(|entry| {
            let digest = entry.digest()?.as_hex().to_owned();
            Some((entry.path().to_string_lossy().trim_start_matches('/').to_owned(), digest))
        })
        .collect();
    for (path, member) in &contents.members {
        let Member::File { expected: PackagedFile::File { sha256, .. }, .. } = member else { continue };
        let read = found.get(path).and_then(|hex| hex.parse().ok());
        if read != Some(*sha256) {
            let (path, found) = (path.clone(), read.unwrap_or(crate::model::Digest::of("")));
            return Err(PackageError::Changed { path, found, expected: *sha256 });
        }
    }
    Ok(())
}

pub(super) fn walk(archive: &Path, each: Each<'_>) -> Result<(), PackageError> {
    let not_ours = |reason: &dyn std::fmt::Display| PackageError::not_ours(archive, reason);
    let mut reader = PackageReader::open(archive).map_err(|error| match error {
        rpm::Error::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            PackageError::io("opening", archive)(error)
        }
        other => not_ours(&other),
    })?;
    for _ in 0..MOST_ENTRIES {
        let Some(mut file) = reader.next_file().map_err(|error| not_ours(&error))? else {
            return Ok(());
        };
        let path = file.metadata.path().to_string_lossy().trim_start_matches('/').to_owned();
        if !tree::is_plain_path(&path) {
            return Err(not_ours(&format!("it holds the path {path:?}")));
        }
        let mode = file.metadata.mode();
        let kind = match mode.file_type() {
            rpm::FileType::Dir => ListedKind::Directory,
            rpm::FileType::Regular => ListedKind::File { size: file.metadata.size() as u64 },
            rpm::FileType::SymbolicLink => {
                ListedKind::Symlink { target: file.metadata.linkto().unwrap_or_default().to_owned() }
            }
            other => return Err(not_ours(&format!("it holds {path}, a {other:?}"))),
        };
        let listed = Listed { path, mode: u32::from(mode.permissions()), kind };
        match each(listed, &mut file) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Stop::Reason(reason)) => return Err(not_ours(&reason)),
            Err(Stop::Error(error)) => return Err(error),
        }
        file.finish().map_err(|error| not_ours(&error))?;
    }
    Err(not_ours(&format!("it has more than {MOST_ENTRIES} entries")))
}

#[cfg(test)]
mod tests;
