//! `[package]`: what package managers are told.

use super::keys::{PACKAGE, RELATIONS};
use crate::document::Field;
use crate::model::{Packaging, Relations};

/// What holds where a recipe says nothing.
pub(super) fn absent() -> Packaging {
    Packaging { name: "{name}-{target}".to_owned(), ..Packaging::default() }
}

pub(super) fn read(field: &Field<'_>) -> Option<Packaging> {
    let section = field.section(PACKAGE)?;
    let name = section.or("name", absent().name, |field| name(&field));
    let debian = section.or("debian", Relations::default(), |field| relations(&field));
    let rpm = section.or("rpm", Relations::default(), |field| relations(&field));
    Some(Packaging { name: name?, debian: debian?, rpm: rpm? })
}

/// The rule of Debian's policy, 5.6.1, which is the narrower one.
fn name(field: &Field<'_>) -> Option<String> {
    let template = field.template(&["name", "target"])?;
    let filled = template.replace("{name}", "name").replace("{target}", "gfx1010");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let begins_well = filled.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !(begins_well && filled.chars().all(is_plain) && (2..=100).contains(&filled.len())) {
        return field.wrong(
            format!("`{template}` cannot name a package"),
            Some("lowercase letters, digits, `+`, `-`, `.`, e.g. `{name}-{target}`".to_owned()),
        );
    }
    if !template.contains("{target}") {
        return field.wrong(
            "packages for different targets would have one name",
            Some(format!("e.g. `{template}-{{target}}`")),
        );
    }
    Some(template)
}

fn relations(field: &Field<'_>) -> Option<Relations> {
    let section = field.section(RELATIONS)?;
    let list = |key| section.or(key, Vec::new(), |field| field.each(|field| relation(&field)));
    let (depends, dev_depends, replaces) = (list("depends"), list("dev-depends"), list("replaces"));
    Some(Relations { depends: depends?, dev_depends: dev_depends?, replaces: replaces? })
}

/// One relation as the distribution's tools write it, alternatives among it.
fn relation(field: &Field<'_>) -> Option<String> {
    let text = field.line()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-.:_/()<>=~| ".contains(c);
    match text.chars().all(is_plain) {
        true => Some(text),
        false => field.wrong(
            format!("`{text}` is no relation to a package"),
            Some("one an entry, e.g. `librocrand-dev | rocrand-dev (>= 3.0)`".to_owned()),
        ),
    }
}
