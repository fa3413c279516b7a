//! The types of settings, and how each is read from text.

use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;

use crate::model::{HostPath, RecipeName};
use crate::package;
use crate::remote::{AddressError, Repository};

/// The engine as a person names it: `auto`, `docker`, `podman` or an address. The engine's own module judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineText(pub String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// Where the terminal shows it
    Auto,
    Always,
    Never,
}

/// How much is said on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Verbosity {
    /// Errors and the path of the package
    Quiet,
    Normal,
    /// The output of containers as well
    Verbose,
}

/// Who reads standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A person
    Text,
    /// A program: one event a line, or one document
    Json,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars on a terminal even under CI
    Bars,
    /// A line now and then
    Lines,
}

/// A value as a file or a variable holds it, before its meaning is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    Text(String),
    List(Vec<String>),
}

/// A patch of the person's own, and the recipe it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPatchFile {
    pub recipe: RecipeName,
    pub path: HostPath,
}

/// Says why a text is not a value of a setting. Never holds the text: it may be an address with a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("a whole number from 1 is expected, e.g. `4`")]
    Count,
    #[error("seconds since 1970 are expected, e.g. `1735689600`")]
    Seconds,
    #[error("a size is expected: a number and a unit, e.g. `6 GiB`, `512M` or `800 MB`")]
    Size,
    #[error("one of {} is expected", choices.join(", "))]
    Choice { choices: Vec<String> },
    #[error("`true` or `false` is expected")]
    Switch,
    #[error("an address with `http://` or `https://` in front is expected")]
    Address,
    #[error("a recipe's name, `=` and a patch file are expected, e.g. `miopen=mine.patch`")]
    OwnPatch,
    #[error("package formats are expected: {}", package::FORMATS.map(|format| format.name).join(", "))]
    PackageFormats,
    #[error("a name and an address are expected, e.g. `Ada Lovelace <ada@example.org>`")]
    Maintainer,
    #[error("letters, digits and dots are expected, a digit first, e.g. `2`")]
    Revision,
    #[error("one value is expected, not a list")]
    NotAList,
    #[error(transparent)]
    Repository(AddressError),
    #[error("the value is empty")]
    Empty,
    #[error("a text, a number, true, false or a list of texts is expected")]
    Shape,
}

/// A path; a relative one lies below `base`.
pub fn path(raw: &Raw, base: &Path) -> Result<HostPath, ValueError> {
    Ok(HostPath::new(base.join(one(raw)?)))
}

/// Several paths; in a variable with `:` between them.
pub fn paths(raw: &Raw, base: &Path) -> Result<Vec<HostPath>, ValueError> {
    let place = |path: std::path::PathBuf| match path.as_os_str().is_empty() {
        true => Err(ValueError::Empty),
        false => Ok(HostPath::new(base.join(path))),
    };
    match raw {
        Raw::Text(text) => std::env::split_paths(text).map(place).collect(),
        Raw::List(texts) => texts.iter().map(|text| place(text.into())).collect(),
    }
}

/// `RECIPE=FILE`, several; in a variable with `:` between them.
pub fn own_patches(raw: &Raw, base: &Path) -> Result<Vec<OwnPatchFile>, ValueError> {
    let read = |text: &str| {
        let (recipe, path) = text.split_once('=').ok_or(ValueError::OwnPatch)?;
        let recipe = recipe.trim().parse().map_err(|_| ValueError::OwnPatch)?;
        match path.is_empty() {
            true => Err(ValueError::OwnPatch),
            false => Ok(OwnPatchFile { recipe, path: HostPath::new(base.join(path)) }),
        }
    };
    match raw {
        Raw::Text(text) => text.split(':').filter(|text| !text.is_empty()).map(read).collect(),
        Raw::List(texts) => texts.iter().map(|text| read(text)).collect(),
    }
}

/// Names of package formats, each once; in a variable with `,` between them.
pub fn package_formats(raw: &Raw, _base: &Path) -> Result<Vec<String>, ValueError> {
    let names: Vec<&str> = match raw {
        Raw::Text(text) => text.split(',').map(str::trim).collect(),
        Raw::List(texts) => texts.iter().map(String::as_str).collect(),
    };
    let mut formats = Vec::new();
    for name in names {
        let format = package_format(name)?;
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    if formats.is_empty() { Err(ValueError::PackageFormats) } else { Ok(formats) }
}

/// The name of a package format.
pub fn package_format(name: &str) -> Result<String, ValueError> {
    package::format(name).map(|format| format.name.to_owned()).map_err(|_| ValueError::PackageFormats)
}

/// `Name <address>`, as it stands in packages.
pub fn maintainer(raw: &Raw, _base: &Path) -> Result<String, ValueError> {
    let text = one(raw)?.trim();
    let parts = text.strip_suffix('>').and_then(|text| text.split_once(" <"));
    match parts {
        Some((name, address))
            if !name.trim().is_empty()
                && address.contains('@')
                && !text.contains(char::is_control)
                && !name.contains(['<', '>', ','])
                && !address.contains(['<', '>', ' ']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(ValueError::Maintainer),
    }
}

pub fn revision(raw: &Raw, _base: &Path) -> Result<String, ValueError> {
    package_revision(one(raw)?)
}

/// What counts the packages that were published of one version. Distributions allow no `-` in it.
pub fn package_revision(text: &str) -> Result<String, ValueError> {
    let is_good = text.starts_with(|c: char| c.is_ascii_digit())
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    if is_good { Ok(text.to_owned()) } else { Err(ValueError::Revision) }
}

pub fn engine(raw: &Raw, _base: &Path) -> Result<EngineText, ValueError> {
    Ok(EngineText(one(raw)?.to_owned()))
}

pub fn address(raw: &Raw, _base: &Path) -> Result<String, ValueError> {
    mirror(one(raw)?)
}

pub fn repository(raw: &Raw, _base: &Path) -> Result<Repository, ValueError> {
    one(raw)?.parse().map_err(ValueError::Repository)
}

pub fn count(raw: &Raw, _base: &Path) -> Result<u32, ValueError> {
    jobs(one(raw)?)
}

/// A number of jobs.
pub fn jobs(text: &str) -> Result<u32, ValueError> {
    text.parse().ok().filter(|count| *count > 0).ok_or(ValueError::Count)
}

pub fn seconds(raw: &Raw, _base: &Path) -> Result<u64, ValueError> {
    one(raw)?.parse().map_err(|_| ValueError::Seconds)
}

pub fn memory(raw: &Raw, _base: &Path) -> Result<u64, ValueError> {
    size(one(raw)?)
}

/// Words for yes and no, as environments and files write them.
pub fn switch(raw: &Raw, _base: &Path) -> Result<bool, ValueError> {
    match one(raw)? {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(ValueError::Switch),
    }
}

pub fn choice<T: ValueEnum>(raw: &Raw, _base: &Path) -> Result<T, ValueError> {
    T::from_str(one(raw)?, false).map_err(|_| ValueError::Choice {
        choices: T::value_variants()
            .iter()
            .filter_map(|variant| Some(format!("`{}`", variant.to_possible_value()?.get_name())))
            .collect(),
    })
}

/// A size in bytes. `K`, `M`, `G`, `T` and `KiB` … count in 1024, `kB`, `MB` … in 1000; a bare number is bytes.
pub fn size(text: &str) -> Result<u64, ValueError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(ValueError::Size),
    };
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(factor),
        Err(_) => f64::from_str(number)
            .ok()
            .map(|number| number * factor as f64)
            .filter(|bytes| *bytes < u64::MAX as f64)
            .map(|bytes| bytes as u64),
    };
    bytes.filter(|bytes| *bytes > 0).ok_or(ValueError::Size)
}

/// An http or https address.
pub fn mirror(text: &str) -> Result<String, ValueError> {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match host {
        Some(host) if !host.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err(ValueError::Address),
    }
}

fn one(raw: &Raw) -> Result<&str, ValueError> {
    match raw {
        Raw::Text(text) if text.is_empty() => Err(ValueError::Empty),
        Raw::Text(text) => Ok(text),
        Raw::List(_) => Err(ValueError::NotAList),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("6 GiB", 6 << 30),
            ("6g", 6 << 30),
            ("1.5 GiB", 3 << 29),
            ("800 MB", 800_000_000),
            ("4096", 4096),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "GiB", "-1 GiB", "1 parsec", "0", "1..2G", "99999999999 TiB", "1e9"] {
            assert_eq!(size(bad), Err(ValueError::Size), "{bad}");
        }
    }

    #[test]
    fn own_patches_name_their_recipe() {
        let read = |text: &str| own_patches(&Raw::Text(text.to_owned()), Path::new("/base"));
        let found = read("miopen=a.patch:selftest=/b.patch").expect("two patches");
        let found: Vec<_> = found.iter().map(|own| (own.recipe.as_str(), own.path.to_string())).collect();
        assert_eq!(found, [("miopen", "/base/a.patch".to_owned()), ("selftest", "/b.patch".to_owned())]);
        for bad in ["a.patch", "miopen=", "=a.patch", "MI open=a.patch"] {
            assert_eq!(read(bad), Err(ValueError::OwnPatch), "{bad}");
        }
    }

    #[test]
    fn relative_paths_lie_below_their_base() {
        let raw = Raw::Text("a:/b".to_owned());
        let base = Path::new("/base");
        assert_eq!(paths(&raw, base), Ok(vec![HostPath::new("/base/a"), HostPath::new("/b")]));
        assert_eq!(paths(&Raw::List(vec![String::new()]), base), Err(ValueError::Empty));
    }
}
