//! For the tests of `recipe` and `toolchain`: reports as text, and schemas held against the reader's keys.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::Value;

use super::reader::Keys;

/// A report as a terminal without colours shows it.
pub fn rendered(report: &dyn Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .with_links(false)
        .render_report(&mut text, report)
        .expect("a string takes everything");
    // Snapshots are compared with the blanks at line ends that editors take away.
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

/// Fails unless the schema's table at `pointer` has exactly `keys`, the same ones required, and takes no others.
pub fn assert_schema_has(schema: &str, pointer: &str, keys: Keys) {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let table = schema.pointer(pointer).unwrap_or_else(|| panic!("the schema has no {pointer}"));
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let known = keys.required.iter().chain(keys.optional).map(|key| (*key).to_owned()).collect();
    let written = table["properties"].as_object().expect("properties").keys().cloned().collect();
    assert_eq!(sorted(known), sorted(written), "properties of {pointer}");
    let required = keys.required.iter().map(|key| (*key).to_owned()).collect();
    let written = match &table["required"] {
        Value::Array(names) => names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect(),
        _ => Vec::new(),
    };
    assert_eq!(sorted(required), sorted(written), "required of {pointer}");
    assert_eq!(table["additionalProperties"], Value::Bool(false), "{pointer} takes other keys");
}
