//! A toolchain's folder to `Toolchain`: toolchain.toml, and whether the Dockerfile is there that it needs.

use std::collections::BTreeMap;

use super::error::ToolchainError;
use super::keys::{BASE, CLAIM, COMPILER, DEBIAN, SCHEMA, TOOLCHAIN};
use super::{packages, path_filters};
use crate::document::{Field, Mistakes, Section, capability, read, variable};
use crate::model::{Base, Claim, Compilers, DebianBase, FileSet, Toolchain, ToolchainId};

pub(super) const FILE: &str = "toolchain.toml";

const DOCKERFILE: &str = "Dockerfile";

/// Reads the toolchain `id`; `shown` is how its `toolchain.toml` is called in reports.
pub(super) fn parse(id: &ToolchainId, shown: &str, files: FileSet) -> Result<Toolchain, ToolchainError> {
    let bytes = files.get(FILE).unwrap_or_default();
    let mistakes = Mistakes::new(shown, bytes);
    let toolchain = read(bytes, &mistakes, SCHEMA, TOOLCHAIN, |section| toolchain(section, id, &files));
    if let Some(toolchain) = &toolchain {
        match (&toolchain.base, files.get(DOCKERFILE)) {
            (Base::Image(_), None) => {
                let help =
                    format!("it goes on from the base: `ARG BASE` and `FROM ${{BASE}}` begin a {DOCKERFILE}");
                mistakes.add(0..0, format!("the toolchain's folder has no {DOCKERFILE}"), Some(help));
            }
            (Base::Debian(_), Some(_)) => {
                let help = "what is installed stands in [base.debian] packages; only [base] image goes on with a file";
                mistakes.add(0..0, format!("{DOCKERFILE} would never be read"), Some(help.to_owned()));
            }
            (Base::Image(_), Some(_)) | (Base::Debian(_), None) => {}
        }
    }
    match mistakes.finish(toolchain) {
        Ok((toolchain, _)) => Ok(toolchain),
        Err(mistakes) => Err(ToolchainError::Invalid { name: id.to_string(), mistakes }),
    }
}

fn toolchain(section: &Section<'_>, id: &ToolchainId, files: &FileSet) -> Option<Toolchain> {
    // All reads come before the first `?`: a mistake in one must not hide those of the others.
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let summary = section.required("summary", |field| field.line());
    let rocm = section.required("rocm", |field| field.parse());
    let base = section.required("base", |field| base(&field));
    let compilers = section.required("compiler", |field| compilers(&field));
    let environment =
        section.or("environment", BTreeMap::new(), |field| field.map(variable, |value| value.line()));
    let provides = section.required("provides", |field| field.map(capability, |value| claim(&value)));

    schema?;
    Some(Toolchain {
        id: id.clone(),
        summary: summary?,
        rocm: rocm?,
        base: base?,
        compilers: compilers?,
        environment: environment?,
        provides: provides?,
        files: files.clone(),
        locked: None,
    })
}

fn base(field: &Field<'_>) -> Option<Base> {
    let section = field.section(BASE)?;
    let image = section.optional("image", |field| image(&field));
    let debian = section.optional("debian", |field| debian(&field));
    match (image?, debian?) {
        (Some(image), None) => Some(Base::Image(image)),
        (None, Some(debian)) => Some(Base::Debian(debian)),
        (None, None) | (Some(_), Some(_)) => field.wrong(
            "a base is either an `image` or `debian`",
            Some(
                "`image` is pulled and the Dockerfile goes on from it; `debian` is assembled from a mirror"
                    .to_owned(),
            ),
        ),
    }
}

fn image(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 512
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/:@-".contains(&b));
    if good {
        return Some(text.to_owned());
    }
    field.wrong(format!("`{text}` is not an image"), Some("e.g. `debian:sid`".to_owned()))
}

fn debian(field: &Field<'_>) -> Option<DebianBase> {
    let section = field.section(DEBIAN)?;
    let suite = section.required("suite", |field| path_of_mirror(&field));
    let components = section.required("components", |list| {
        let components = list.each(|field| path_of_mirror(&field))?;
        if components.is_empty() {
            list.wrong("a suite without a component is empty", None)
        } else {
            Some(components)
        }
    });
    let check_valid_until = section.or("check-valid-until", true, |field| field.switch());
    let further_suites =
        section.or("further-suites", Vec::new(), |list| list.each(|field| path_of_mirror(&field)));
    let suites: Vec<String> = suite.iter().chain(further_suites.iter().flatten()).cloned().collect();
    let packages = section.required("packages", |field| packages::list(&field, &suites));
    let left_out = path_filters::of(&section);
    Some(DebianBase {
        suite: suite?,
        further_suites: further_suites?,
        components: components?,
        check_valid_until: check_valid_until?,
        packages: packages?,
        left_out: left_out?,
    })
}

/// Suites and components become parts of the mirror's addresses.
fn path_of_mirror(field: &Field<'_>) -> Option<String> {
    let text = field.relative_path()?;
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./".contains(&b)) {
        return Some(text);
    }
    field.wrong(format!("`{text}` cannot be a suite or component"), Some("e.g. `sid`, `main`".to_owned()))
}

fn compilers(field: &Field<'_>) -> Option<Compilers> {
    let section = field.section(COMPILER)?;
    let c = section.required("c", |field| field.guest_path());
    let cxx = section.required("cxx", |field| field.guest_path());
    Some(Compilers { c: c?, cxx: cxx? })
}

fn claim(field: &Field<'_>) -> Option<Claim> {
    let section = field.section(CLAIM)?;
    let version = section.required("version", |field| field.parse());
    let package = section.required("package", |field| {
        let name = field.text()?;
        if packages::is_package(name) {
            return Some(name.to_owned());
        }
        field.wrong(format!("`{name}` is not the name of a Debian package"), None)
    });
    let file = section.optional("file", |field| field.guest_path());
    Some(Claim { version: version?, package: package?, file: file? })
}
