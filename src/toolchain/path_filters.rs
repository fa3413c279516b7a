//! The files of packages that a toolchain leaves out of its image: `path-exclude`, and what `path-include` brings back.

use crate::document::{Field, Section};
use crate::model::{PathFilters, PathPattern};

/// Reads both lists.
pub(super) fn of(section: &Section<'_>) -> Option<PathFilters> {
    let exclude = section.or("path-exclude", Vec::new(), |list| list.each(|field| pattern(&field)));
    let include = section.or("path-include", Vec::new(), |list| {
        let include = list.each(|field| pattern(&field))?;
        if !include.is_empty() && exclude.as_ref().is_some_and(Vec::is_empty) {
            let help = "`path-include` brings back what `path-exclude` leaves out: name that as well";
            return list.wrong("nothing is left out that could be brought back", Some(help.to_owned()));
        }
        Some(include)
    });
    Some(PathFilters { exclude: exclude?, include: include? })
}

fn pattern(field: &Field<'_>) -> Option<PathPattern> {
    match field.text()?.parse::<PathPattern>() {
        Ok(pattern) => Some(pattern),
        Err(error) => field.wrong(error.to_string(), Some(error.help())),
    }
}
