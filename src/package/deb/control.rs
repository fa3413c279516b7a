//! What a `.deb` says of itself, and the texts that Debian's policy asks of every package.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use crate::model::{About, Manifest, PackagedFile, rfc_5322};
use crate::package::contents::{Contents, Member};
use crate::package::error::PackageError;
use crate::package::parcel::{Parcel, Part, is_code_object};
use crate::package::tree;

/// Builds run in x86-64 containers only.
pub(super) const ARCHITECTURE: &str = "amd64";
/// A licence longer than this is not copied.
const LONGEST_LICENSE: u64 = 256 << 10;
/// Where these packages differ from Debian's own, and why, for lintian.
const OVERRIDES: [(&str, &str); 2] = [
    ("dir-or-file-in-opt", "It stands beside the distribution's library, whose place is taken."),
    ("malformed-deb-archive", "zstd, which dpkg reads since 1.21.18 and Debian's archive does not take."),
];
const OVERRIDES_OF_CODE_OBJECTS: [(&str, &str); 3] = [
    ("binary-from-other-architecture", "Code for a GPU."),
    ("unstripped-binary-or-object", "The runtime finds kernels of a GPU by their symbols."),
    ("shared-library-lacks-prerequisites", "Code for a GPU has none."),
];

const OVERRIDES_OF_SYMBOLS: [(&str, &str); 3] = [
    ("binary-with-bad-dynamic-table", "Only symbols are in it; what is loaded is in the other package."),
    ("unstripped-binary-or-object", "Symbols are what it is for."),
    ("shared-library-lacks-prerequisites", "Nobody loads it."),
];
const OVERRIDES_OF_DEFAULT: [(&str, &str); 1] = [(
    "package-modifies-ld.so-search-path",
    "That is what it is for: who installs it wants this library instead of the distribution's.",
)];

/// What follows the name.
pub(super) fn suffix(part: Part) -> &'static str {
    match part {
        Part::Whole | Part::Runtime => "",
        Part::Development => "-dev",
        Part::Symbols => "-dbgsym",
        Part::Default => "-default",
    }
}

/// `3.3.0-1+debian.sid`: two toolchains give two versions, so that their files can lie in one folder.
pub(super) fn version(manifest: &Manifest, about: &About) -> String {
    format!("{}-{}+{}", manifest.version, about.revision, manifest.toolchain.id.replace('-', "."))
}

/// The files of the control archive.
pub(super) fn files(
    parcel: &Parcel<'_>,
    contents: &Contents<'_>,
) -> Result<Vec<(&'static str, String)>, PackageError> {
    let mut files = vec![("control", control(parcel, parcel.about()?, contents)?)];
    let configuration = contents.members.keys().filter(|path| path.starts_with("etc/"));
    let configuration: String = configuration
        .filter(|path| !matches!(contents.members[*path], Member::Directory))
        .map(|path| format!("/{path}\n"))
        .collect();
    if !configuration.is_empty() {
        files.push(("conffiles", configuration));
        // The loader's cache is made anew once, at the end, whatever else is installed.
        files.push(("triggers", "activate-noawait ldconfig\n".to_owned()));
    }
    Ok(files)
}

fn control(parcel: &Parcel<'_>, about: &About, contents: &Contents<'_>) -> Result<String, PackageError> {
    let manifest = &parcel.manifest;
    let version = version(manifest, about);
    let mut fields = vec![
        ("Package", format!("{}{}", about.name, suffix(parcel.part))),
        ("Version", version.clone()),
        ("Architecture", ARCHITECTURE.to_owned()),
        ("Maintainer", about.maintainer.clone()),
        ("Installed-Size", installed_size(contents).to_string()),
    ];
    let same = format!("{} (= {version})", about.name);
    let depends = match parcel.part {
        Part::Whole | Part::Runtime => needs(parcel).chain(about.debian.depends.clone()).collect(),
        Part::Development => std::iter::once(same).chain(about.debian.dev_depends.clone()).collect(),
        Part::Symbols | Part::Default => BTreeSet::from([same]),
    };
    let mut list = |name, relations: BTreeSet<String>| {
        if !relations.is_empty() {
            fields.push((name, relations.into_iter().collect::<Vec<_>>().join(", ")));
        }
    };
    list("Depends", depends);
    if parcel.part == Part::Default {
        let replaced: BTreeSet<String> = about.debian.replaces.iter().cloned().collect();
        list("Conflicts", replaced.clone());
        list("Replaces", replaced.clone());
        list("Provides", replaced);
    }
    let section = match parcel.part {
        Part::Development => "libdevel",
        Part::Symbols => "debug",
        Part::Whole | Part::Runtime | Part::Default => "libs",
    };
    fields.push(("Section", section.to_owned()));
    fields.push(("Priority", "optional".to_owned()));
    fields.push(("Homepage", about.homepage.clone()));
    fields.push(("Description", description(parcel)?));
    Ok(fields.into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect())
}

/// What provides the libraries that it needs.
fn needs(parcel: &Parcel<'_>) -> impl Iterator<Item = String> {
    parcel.manifest.needs.iter().filter_map(|need| need.debian.clone())
}

/// KiB, each file and folder rounded up, as dpkg-gencontrol counts.
fn installed_size(contents: &Contents<'_>) -> u64 {
    contents.members.values().map(|member| member.bytes().div_ceil(1024).max(1)).sum()
}

fn description(parcel: &Parcel<'_>) -> Result<String, PackageError> {
    let paragraphs = parcel
        .description()?
        .into_iter()
        .map(|lines| lines.into_iter().map(|line| format!(" {line}")).collect::<Vec<_>>().join("\n"));
    Ok(format!("{}\n{}", parcel.synopsis()?, paragraphs.collect::<Vec<_>>().join("\n .\n")))
}

/// Lines of `package: tag`, each with its reason.
fn overrides(parcel: &Parcel<'_>, package: &str) -> String {
    let holds_code = parcel.manifest.files.iter().any(|file| is_code_object(file.path()));
    let more = match parcel.part {
        Part::Default => OVERRIDES_OF_DEFAULT.as_slice(),
        Part::Symbols => OVERRIDES_OF_SYMBOLS.as_slice(),
        _ if holds_code => OVERRIDES_OF_CODE_OBJECTS.as_slice(),
        _ => &[],
    };
    OVERRIDES.iter().chain(more).map(|(tag, why)| format!("# {why}\n{package}: {tag}\n")).collect()
}

/// The texts beside the files: what the policy asks for, and the loader's configuration.
pub(super) fn texts(parcel: &Parcel<'_>) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
    let about = parcel.about()?;
    let package = format!("{}{}", about.name, suffix(parcel.part));
    let documents = format!("usr/share/doc/{package}");
    let mut texts = vec![
        (format!("{documents}/copyright"), copyright(parcel, about)?.into_bytes()),
        (
            format!("{documents}/changelog.Debian.gz"),
            changelog(parcel, about, &package).map_err(PackageError::io("packing", parcel.tree_root))?,
        ),
        (format!("usr/share/lintian/overrides/{package}"), overrides(parcel, &package).into_bytes()),
    ];
    if parcel.part == Part::Default {
        texts.push(parcel.loader_configuration()?);
    }
    Ok(texts)
}

/// Machine-readable, version 1.0. The licence's own text is that of the installed files.
fn copyright(parcel: &Parcel<'_>, about: &About) -> Result<String, PackageError> {
    let text = license_text(parcel)?;
    let (notice, text) = match &text {
        Some(text) => (copyright_line(text), text.as_str()),
        None => (None, "Its text came with the sources; see the homepage."),
    };
    let notice = notice.unwrap_or_else(|| format!("(c) the authors of {}", parcel.manifest.name));
    let text: String = text
        .lines()
        .map(str::trim_end)
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect();
    let name = about.license.replace(' ', "-");
    Ok(format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: {}\nSource: {}\n\nFiles: *\nCopyright: {notice}\nLicense: {name}\n\nLicense: {name}\n{text}",
        parcel.manifest.name, about.homepage
    ))
}

/// The licence among the unit's files, also for parts that do not hold it.
fn license_text(parcel: &Parcel<'_>) -> Result<Option<String>, PackageError> {
    let found = parcel.licenses.iter().find_map(|file| match file {
        PackagedFile::File { path, size, .. } if *size <= LONGEST_LICENSE => Some(path),
        PackagedFile::File { .. } | PackagedFile::Symlink { .. } => None,
    });
    let Some(path) = found else { return Ok(None) };
    let place = parcel.tree_root.join(path);
    let bytes = io::read_to_string(tree::open_file(&place)?).map_err(PackageError::io("reading", &place))?;
    let is_shown = |c: &char| !c.is_control() || *c == '\n';
    Ok(Some(bytes.chars().filter(is_shown).collect()))
}

/// What stands behind the first `Copyright` of a licence.
fn copyright_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| line.to_ascii_lowercase().starts_with("copyright"))?;
    let rest = line["copyright".len()..].trim_start_matches([' ', ':']);
    let rest = rest.strip_prefix("(c)").or_else(|| rest.strip_prefix("(C)")).unwrap_or(rest).trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}

fn changelog(parcel: &Parcel<'_>, about: &About, package: &str) -> io::Result<Vec<u8>> {
    let manifest = &parcel.manifest;
    let mut text = format!("{package} ({}) unstable; urgency=medium\n\n", version(manifest, about));
    text += &format!("  * Built by {} for {}.\n", manifest.tool, manifest.target);
    for patch in &manifest.patches {
        text += &format!("  * Patch {}.\n", patch.name);
    }
    text += &format!("\n -- {}  {}\n", about.maintainer, rfc_5322(parcel.epoch()));
    let mut packed = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    packed.write_all(text.as_bytes())?;
    packed.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_licence_is_found() {
        let mit = "MIT License\n\nCopyright (c) 2023 Advanced Micro Devices, Inc.\n\nPermission…";
        assert_eq!(copyright_line(mit).as_deref(), Some("2023 Advanced Micro Devices, Inc."));
        assert_eq!(copyright_line("no such line"), None);
    }
}
