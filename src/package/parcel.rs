//! The packages that one unit is split into, and what each of them holds.

use std::path::Path;

use super::error::PackageError;
use super::{MANIFEST, MANIFESTS_OF_PARTS};
use crate::model::{About, Manifest, PackagedFile};

/// What lists of packages have room for.
const LONGEST_SYNOPSIS: usize = 60;
const LONGEST_LINE: usize = 76;

/// Which of a unit's packages one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything in one.
    Whole,
    /// What programs need.
    Runtime,
    /// What compilers need.
    Development,
    /// What debuggers need: the symbols that were taken out of the others.
    Symbols,
    /// What makes the system's loader find this library first. Holds no file of the build.
    Default,
}

/// A package that is to be written.
#[derive(Debug)]
pub(super) struct Parcel<'a> {
    pub part: Part,
    /// Its files are those of this part.
    pub manifest: Manifest,
    /// Path and text of the manifest inside. Each package has its own, at another place.
    pub manifest_text: (String, Vec<u8>),
    pub tree_root: &'a Path,
    /// The licences among the files of the whole unit.
    pub licenses: Vec<PackagedFile>,
}

impl<'a> Parcel<'a> {
    /// The part of a unit's files; nothing where it would be empty.
    pub fn new(part: Part, whole: &Manifest, tree_root: &'a Path) -> Result<Option<Self>, PackageError> {
        let mut manifest = whole.clone();
        manifest.files.retain(|file| part.holds(file, &whole.build.prefix));
        let is_there = match part {
            Part::Whole | Part::Runtime => true,
            Part::Development | Part::Symbols => !manifest.files.is_empty(),
            Part::Default => {
                let about = whole.about.as_ref();
                about.is_some_and(|about| !about.debian.replaces.is_empty() || !about.rpm.replaces.is_empty())
            }
        };
        if !is_there {
            return Ok(None);
        }
        let manifest_text = (manifest_path(&manifest, part)?, manifest.text());
        let licenses = whole.files.iter().filter(|file| is_license(file)).cloned().collect();
        Ok(Some(Self { part, manifest, manifest_text, tree_root, licenses }))
    }

    /// What package managers are told of it.
    pub fn about(&self) -> Result<&About, PackageError> {
        self.manifest
            .about
            .as_ref()
            .ok_or_else(|| PackageError::Undescribed { name: self.manifest.name.clone() })
    }

    /// Seconds since 1970.
    pub fn epoch(&self) -> u64 {
        self.manifest.build.source_date_epoch
    }

    /// The prefix without `/` in front.
    pub fn prefix(&self) -> &str {
        self.manifest.build.prefix.trim_matches('/')
    }

    /// One short line, as lists of packages show it: begins without an article, and has no explanation.
    pub fn synopsis(&self) -> Result<String, PackageError> {
        let summary = self.about()?.summary.as_str();
        let short = match summary.split_once(": ") {
            Some((short, _)) if summary.len() > LONGEST_SYNOPSIS => short,
            _ => summary,
        };
        let short =
            ["the ", "a ", "an "].iter().find_map(|article| short.strip_prefix(article)).unwrap_or(short);
        Ok(match self.part {
            Part::Whole | Part::Runtime => short.to_owned(),
            Part::Development => format!("{short} (development files)"),
            Part::Symbols => format!("{short} (debug symbols)"),
            Part::Default => format!("{short} (as the system's default)"),
        })
    }

    /// A longer description: paragraphs of lines that fit into a terminal.
    pub fn description(&self) -> Result<Vec<Vec<String>>, PackageError> {
        let (manifest, prefix) = (&self.manifest, &self.manifest.build.prefix);
        let about = match self.part {
            Part::Whole | Part::Runtime => format!(
                "All that is loaded lies below {prefix}; nothing else of the system changes. What went into it stands in the manifest there."
            ),
            Part::Development => format!("Headers and CMake files, below {prefix}."),
            Part::Symbols => format!("What debuggers read of the library below {prefix}."),
            Part::Default => format!(
                "With this, programs of the whole system load the library below {prefix} instead of the distribution's."
            ),
        };
        let built = format!(
            "Built for the gfx target {} by {} with the toolchain {}.",
            manifest.target, manifest.tool, manifest.toolchain.id
        );
        let summary = format!("{}.", self.about()?.summary.trim_end_matches('.'));
        Ok([summary, built, about].iter().map(|text| wrapped(text)).collect())
    }

    /// Path and text of the loader's configuration.
    pub fn loader_configuration(&self) -> Result<(String, Vec<u8>), PackageError> {
        // First in the order of names, in which the loader's settings are read.
        let path = format!("etc/ld.so.conf.d/000-{}.conf", self.about()?.name);
        Ok((path, format!("/{}/lib\n", self.prefix()).into_bytes()))
    }
}

impl Part {
    /// Where its manifest lies below the prefix.
    fn manifest(self) -> &'static str {
        let [development, symbols, default] = MANIFESTS_OF_PARTS;
        match self {
            Part::Whole | Part::Runtime => MANIFEST,
            Part::Development => development,
            Part::Symbols => symbols,
            Part::Default => default,
        }
    }

    fn holds(self, file: &PackagedFile, prefix: &str) -> bool {
        match self {
            Part::Whole => !is_for_debuggers(file),
            Part::Runtime => !is_for_debuggers(file) && !is_for_compilers(file, prefix),
            Part::Development => !is_for_debuggers(file) && is_for_compilers(file, prefix),
            Part::Symbols => is_for_debuggers(file),
            Part::Default => false,
        }
    }
}

/// Breaks a text into lines at its blanks.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= LONGEST_LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What the build's last step puts beside libraries and programs.
fn is_for_debuggers(file: &PackagedFile) -> bool {
    let path = file.path();
    path.ends_with(".debug") && path.rsplit('/').nth(1) == Some(".debug")
}

/// Headers, CMake's and pkg-config's files, static libraries and the links that linkers follow.
fn is_for_compilers(file: &PackagedFile, prefix: &str) -> bool {
    let path = file.path();
    let below = path.strip_prefix(prefix.trim_matches('/')).unwrap_or(path).trim_start_matches('/');
    let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
    let is_in = |wanted: &str| folder == wanted || folder.starts_with(&format!("{wanted}/"));
    let is_linker_link = matches!(
        file,
        PackagedFile::Symlink { target, .. }
            if name.ends_with(".so") && target.rsplit('/').next().is_some_and(|target| target.starts_with(&format!("{name}.")))
    );
    is_in("include")
        || is_in("lib/cmake")
        || is_in("lib/pkgconfig")
        || is_in("share/cmake")
        || name.ends_with(".a")
        || is_linker_link
}

/// Code for a GPU, which tools for the processor's programs complain of.
pub(super) fn is_code_object(path: &str) -> bool {
    path.ends_with(".co") || path.ends_with(".hsaco")
}

fn is_license(file: &PackagedFile) -> bool {
    let name = file.path().rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
    matches!(file, PackagedFile::File { .. }) && (name.starts_with("LICENSE") || name.starts_with("LICENCE"))
}

/// The path inside the package of the manifest itself, below the install prefix.
fn manifest_path(manifest: &Manifest, part: Part) -> Result<String, PackageError> {
    let prefix = manifest.build.prefix.trim_matches('/');
    if !super::tree::is_plain_path(prefix) {
        return Err(PackageError::BadName { name: manifest.build.prefix.clone() });
    }
    Ok(format!("{prefix}/{}", part.manifest()))
}
