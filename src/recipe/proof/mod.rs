//! `proofs/<id>.toml`: what is observed on the source without and with a patch, and what must come out.

pub(super) mod commands;
pub(super) mod compile;

use super::keys::{PROOF, SCHEMA};
use crate::document::{Field, Mistakes, Section, read};
use crate::model::{Digest, FileSet, Proof, ProofKind};

/// Where a recipe keeps its proofs.
pub(super) const FOLDER: &str = "proofs/";

/// The id of the proof that a file of the recipe's folder holds.
pub(super) fn id_of(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.strip_suffix(".toml").filter(|id| !id.contains('/'))
}

/// Reads the proof `id`.
pub(super) fn parse(id: &str, mistakes: &Mistakes, files: &FileSet) -> Option<Proof> {
    let bytes = files.get(&file_of(id)).unwrap_or_default();
    read(bytes, mistakes, SCHEMA, PROOF, |section| proof(section, id, files))
}

/// Digest of a proof and of all that it runs besides the source.
pub(super) fn digest(proof: &Proof, files: &FileSet) -> Digest {
    let own = file_of(&proof.id);
    let mut taken = FileSet::default();
    for (path, bytes) in proof.files_of(files).iter() {
        taken.insert(format!("{FOLDER}{path}"), bytes.to_vec());
    }
    taken.insert(own.as_str(), files.get(&own).unwrap_or_default().to_vec());
    taken.digest()
}

fn file_of(id: &str) -> String {
    format!("{FOLDER}{id}.toml")
}

fn proof(section: &Section<'_>, id: &str, files: &FileSet) -> Option<Proof> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let summary = section.required("summary", |field| field.line());
    let folders = section.or("files", Vec::new(), |field| field.each(|field| folder(&field, files)));
    let compile = section.optional("compile", |field| compile::read(&field));
    let commands = section.optional("commands", |field| commands::read(&field));
    let kind = match (compile?, commands?) {
        (Some(compile), None) => ProofKind::Compile(compile),
        (None, Some(commands)) => ProofKind::Commands(commands),
        (None, None) | (Some(_), Some(_)) => {
            let message = "a proof has either `[compile]` or `[commands]`";
            section.mistakes().add(section.span(), message, None);
            return None;
        }
    };
    let mut folders = folders?;
    // What is in its own folder is a proof's without saying.
    if !files.below(&format!("{FOLDER}{id}")).is_empty() {
        folders.insert(0, id.to_owned());
    }
    schema?;
    Some(Proof { id: id.to_owned(), summary: summary?, files: folders, kind })
}

fn folder(field: &Field<'_>, files: &FileSet) -> Option<String> {
    let folder = field.relative_path()?;
    if files.below(&format!("{FOLDER}{folder}")).is_empty() {
        return field.wrong(format!("the recipe's folder has no files in `{FOLDER}{folder}`"), None);
    }
    Some(folder)
}

/// The words of a command. `{…}` may stand only for what is known.
fn command(field: &Field<'_>, known: &[&str]) -> Option<Vec<String>> {
    let words = field.each(|field| field.template(known))?;
    if words.is_empty() {
        return field.wrong("a command has at least one word", None);
    }
    Some(words)
}

/// Texts that must or must not occur.
pub(super) fn texts(field: &Field<'_>) -> Option<Vec<String>> {
    field.each(|field| field.line())
}
