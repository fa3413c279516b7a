//! `checks/kernels/<id>.toml`: the kernels that a library compiles at run time, with the macros that it passes.

use super::keys::{KERNEL_CASES, KERNELS, SCHEMA};
use super::proof::compile;
use crate::document::{Field, Mistakes, Section, read};
use crate::model::{FileSet, KernelGroup, KernelMatrix};

const FOLDER: &str = "checks/kernels/";

/// What a word of the command may stand for.
const PLACEHOLDERS: [&str; 8] = ["c", "cxx", "checks", "target", "processor", "file", "object", "flags"];
/// What a flag may.
const IN_FLAGS: [&str; 3] = ["checks", "target", "processor"];
const WAVES: [u32; 2] = [32, 64];

/// The id of the matrix that a file of the recipe's folder holds.
pub(super) fn id_of(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.strip_suffix(".toml").filter(|id| !id.contains('/'))
}

pub(super) fn path_of(id: &str) -> String {
    format!("{FOLDER}{id}.toml")
}

/// Reads the matrix `id`.
pub(super) fn parse(id: &str, mistakes: &Mistakes, files: &FileSet) -> Option<KernelMatrix> {
    let bytes = files.get(&path_of(id)).unwrap_or_default();
    read(bytes, mistakes, SCHEMA, KERNELS, |section| matrix(section, id, files))
}

fn matrix(section: &Section<'_>, id: &str, files: &FileSet) -> Option<KernelMatrix> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let summary = section.required("summary", |field| field.line());
    let folders = section.or("files", Vec::new(), |field| field.each(|field| folder(&field, files)));
    let inputs = section.required("inputs", |field| field.each(|field| field.relative_path()));
    let command = section.required("command", |field| compile::command(&field, &PLACEHOLDERS));
    let targets = section.required("targets", |field| compile::targets(&field));
    let wave = section.required("wave", |field| wave(&field));
    let hand_written = section.or("hand-written", false, |field| field.switch());
    let groups = section.required("cases", |field| {
        let groups = field.each(|field| group(&field))?;
        if groups.is_empty() {
            return field.wrong("without cases nothing is compiled", None);
        }
        Some(groups)
    });
    schema?;
    Some(KernelMatrix {
        id: id.to_owned(),
        summary: summary?,
        files: folders?,
        inputs: inputs?,
        command: command?,
        targets: targets?,
        wave: wave?,
        hand_written: hand_written?,
        groups: groups?,
    })
}

fn folder(field: &Field<'_>, files: &FileSet) -> Option<String> {
    let folder = field.relative_path()?;
    if files.below(&format!("checks/{folder}")).is_empty() {
        return field.wrong(format!("the recipe's folder has no files in `checks/{folder}`"), None);
    }
    Some(folder)
}

fn wave(field: &Field<'_>) -> Option<u32> {
    let number = field.number(32..=64)?;
    match WAVES.into_iter().find(|wave| i64::from(*wave) == number) {
        Some(wave) => Some(wave),
        None => field.wrong("a wavefront has 32 or 64 lanes", None),
    }
}

fn group(field: &Field<'_>) -> Option<KernelGroup> {
    let section = field.section(KERNEL_CASES)?;
    let cases = compile::cases(&section, &IN_FLAGS);
    let solver = section.optional("solver", |field| field.line());
    let gated = section.optional("gated", |field| field.line());
    let fails = section.optional("fails", |field| field.line());
    Some(KernelGroup { cases: cases?, solver: solver?, gated: gated?, fails: fails? })
}
