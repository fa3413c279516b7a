//! `[[outputs]]`: what a build must install to count as one.

use super::keys::OUTPUT;
use crate::document::{Field, Section};
use crate::model::{OutputKind, OutputSpec};

const KINDS: [(&str, OutputKind); 4] = [
    ("file", OutputKind::File),
    ("directory", OutputKind::Directory),
    ("shared-library", OutputKind::SharedLibrary),
    ("code-object", OutputKind::CodeObject),
];

pub(super) fn read(field: &Field<'_>) -> Option<Vec<OutputSpec>> {
    let mut seen: Vec<String> = Vec::new();
    let outputs = field.each(|field| {
        let section = field.section(OUTPUT)?;
        let path = section.required("path", |field| {
            field.template(&["target"])?;
            let path = field.relative_path()?;
            if seen.contains(&path) {
                return field.wrong(format!("`{path}` is listed twice"), None);
            }
            seen.push(path.clone());
            Some(path)
        });
        let kind = section.required("kind", |field| field.choice(&KINDS));
        let output = OutputSpec { path: path?, kind: kind? };
        warn_of_weak_kind(&section, &output);
        Some(output)
    })?;
    if outputs.is_empty() {
        return field.wrong("without outputs nothing shows that a build worked", None);
    }
    Some(outputs)
}

/// A file is only looked for; the other kinds are also looked into.
fn warn_of_weak_kind(section: &Section<'_>, output: &OutputSpec) {
    let name = output.path.rsplit('/').next().unwrap_or_default();
    let better = match output.kind {
        OutputKind::File if name.ends_with(".so") || name.contains(".so.") => "shared-library",
        OutputKind::File if name.ends_with(".co") || name.ends_with(".hsaco") => "code-object",
        OutputKind::File | OutputKind::Directory | OutputKind::SharedLibrary | OutputKind::CodeObject => {
            return;
        }
    };
    let span = section.field("kind").map_or(section.span(), |field| field.span());
    let message = format!("`{}` is only checked to be there", output.path);
    section.mistakes().warn(span, message, Some(format!("`kind = \"{better}\"` also checks what is in it")));
}
