//! `checks/library.toml`: what must be true of the library that a recipe builds, whoever built it.

use super::keys::{API, GAP, LIBRARY, SCHEMA};
use crate::document::{Field, Mistakes, Section, read};
use crate::model::{FileSet, Gap, LibraryApi, LibraryFacts};

pub(super) const LIBRARY_FILE: &str = "checks/library.toml";

/// Reads the file of a recipe's folder; nothing where there is none. The outer `None` means that a mistake was noted.
pub(super) fn parse(mistakes: &Mistakes, files: &FileSet) -> Option<Option<LibraryFacts>> {
    let Some(bytes) = files.get(LIBRARY_FILE) else { return Some(None) };
    read(bytes, mistakes, SCHEMA, LIBRARY, library).map(Some)
}

fn library(section: &Section<'_>) -> Option<LibraryFacts> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let api = section.optional("api", |field| api(&field));
    let databases =
        section.or("databases", Vec::new(), |field| field.each(|field| field.template(&["target"])));
    let gaps = section.or("gaps", Vec::new(), |field| field.each(|field| gap(&field)));
    schema?;
    Some(LibraryFacts { api: api?, databases: databases?, gaps: gaps? })
}

fn api(field: &Field<'_>) -> Option<LibraryApi> {
    let section = field.section(API)?;
    let headers = section.required("headers", |field| field.each(|field| field.relative_path()));
    let marker = section.required("marker", |field| field.line());
    Some(LibraryApi { headers: headers?, marker: marker? })
}

fn gap(field: &Field<'_>) -> Option<Gap> {
    let section = field.section(GAP)?;
    let id = section.required("id", |field| field.line());
    let why = section.required("why", |field| field.line());
    let targets = section.or("targets", Vec::new(), |field| field.each(|field| field.parse()));
    let holds = section.required("where", |field| field.line());
    let needs = section.required("needs", |field| field.line());
    let remedy = section.optional("remedy", |field| field.line());
    Some(Gap { id: id?, why: why?, targets: targets?, holds: holds?, needs: needs?, remedy: remedy? })
}
