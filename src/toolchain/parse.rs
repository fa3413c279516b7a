//! A toolchain's folder to `Toolchain`: toolchain.toml, packages.txt, Dockerfile.

use std::collections::BTreeMap;

use super::error::ToolchainError;
use super::keys::{BASE, CLAIM, COMPILER, DEBIAN, SCHEMA, TOOLCHAIN};
use super::packages;
use crate::document::{Field, Mistakes, Section, capability, read, variable};
use crate::model::{BaseImage, Claim, Compilers, DebianBase, FileSet, Toolchain, ToolchainId};

pub(super) const FILE: &str = "toolchain.toml";

/// Reads the toolchain `id`; `shown` is how its `toolchain.toml` is called in reports.
pub(super) fn parse(id: &ToolchainId, shown: &str, files: FileSet) -> Result<Toolchain, ToolchainError> {
    let bytes = files.get(FILE).unwrap_or_default();
    let mistakes = Mistakes::new(shown, bytes);
    let toolchain = read(bytes, &mistakes, SCHEMA, TOOLCHAIN, |section| toolchain(section, id, &files));
    for file in ["Dockerfile", packages::FILE] {
        if files.get(file).is_none() {
            mistakes.add(0..0, format!("the toolchain's folder has no {file}"), None);
        }
    }
    let list = files.get(packages::FILE).unwrap_or_default();
    let list_mistakes = Mistakes::new(shown.replace(FILE, packages::FILE), list);
    let packages = packages::read(list, &list_mistakes);

    match (mistakes.finish(toolchain), list_mistakes.finish(packages)) {
        (Ok((mut toolchain, _)), Ok((packages, _))) => {
            toolchain.packages = packages;
            Ok(toolchain)
        }
        (toolchain, packages) => {
            let mistakes = toolchain.err().into_iter().chain(packages.err()).flatten().collect();
            Err(ToolchainError::Invalid { name: id.to_string(), mistakes })
        }
    }
}

/// Everything but the packages, which stand in a file of their own.
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
        packages: Vec::new(),
        compilers: compilers?,
        environment: environment?,
        provides: provides?,
        files: files.clone(),
    })
}

fn base(field: &Field<'_>) -> Option<BaseImage> {
    let section = field.section(BASE)?;
    let image = section.required("image", |field| image(&field));
    let debian = section.optional("debian", |field| debian(&field));
    Some(BaseImage { image: image?, debian: debian? })
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
    Some(DebianBase { suite: suite?, components: components?, check_valid_until: check_valid_until? })
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
