//! `checks/calls/<id>.toml`: programs that call the library where there is no GPU, and what they must say.

use super::keys::{CALLS, SCHEMA};
use super::proof::{commands, texts};
use crate::document::{Field, Mistakes, Section, read};
use crate::model::{CallProgram, FileSet, ProofStep, StepWork};

const FOLDER: &str = "checks/calls/";

/// The id of the program that a file of the recipe's folder holds.
pub(super) fn id_of(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.strip_suffix(".toml").filter(|id| !id.contains('/'))
}

pub(super) fn path_of(id: &str) -> String {
    format!("{FOLDER}{id}.toml")
}

pub(super) fn parse(id: &str, mistakes: &Mistakes, files: &FileSet) -> Option<CallProgram> {
    let bytes = files.get(&path_of(id)).unwrap_or_default();
    read(bytes, mistakes, SCHEMA, CALLS, |section| program(section, id, files))
}

fn program(section: &Section<'_>, id: &str, files: &FileSet) -> Option<CallProgram> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let summary = section.required("summary", |field| field.line());
    let why = section.required("why", |field| field.line());
    let folders = section.or("files", Vec::new(), |field| field.each(|field| folder(&field, files)));
    let steps = section.required("steps", |field| {
        let steps = steps(&field)?;
        if steps.is_empty() {
            return field.wrong("without steps nothing is called", None);
        }
        Some(steps)
    });
    let says = section.or("says", Vec::new(), |field| texts(&field));
    let silent = section.or("silent", Vec::new(), |field| texts(&field));
    schema?;
    Some(CallProgram {
        id: id.to_owned(),
        summary: summary?,
        why: why?,
        files: folders?,
        steps: steps?,
        says: says?,
        silent: silent?,
    })
}

/// Steps that are commands.
pub(super) fn steps(field: &Field<'_>) -> Option<Vec<ProofStep>> {
    let mut names = Vec::new();
    field.each(|field| {
        let step = commands::step(&field, &mut names)?;
        match step.does {
            StepWork::Build(_) => field.wrong("nothing is built here: a step has a `command`", None),
            StepWork::Command { .. } => Some(step),
        }
    })
}

/// A folder of the recipe's, from its root.
pub(super) fn folder(field: &Field<'_>, files: &FileSet) -> Option<String> {
    let folder = field.relative_path()?;
    if files.below(&folder).is_empty() {
        return field.wrong(format!("the recipe's folder has no files in `{folder}`"), None);
    }
    Some(folder)
}
