//! `checks/gpu/<id>.toml`: a program that computes with the library on a GPU, and the cases it is run with.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{folder, steps};
use super::keys::{SCHEMA, SUITE, SUITE_CASES};
use super::proof::commands::PLACEHOLDERS;
use crate::document::{Field, Mistakes, Section, capability, read, variable};
use crate::model::{FileSet, Suite, SuiteCase};

const FOLDER: &str = "checks/gpu/";
/// More would keep a card busy for days.
const MOST_CASES: usize = 4096;
/// A case that takes longer hangs.
const LONGEST_CASE: i64 = 3600;

/// Axis → its values.
type Axes = BTreeMap<String, Vec<String>>;

/// The id of the suite that a file of the recipe's folder holds.
pub(super) fn id_of(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.strip_suffix(".toml").filter(|id| !id.contains('/'))
}

pub(super) fn path_of(id: &str) -> String {
    format!("{FOLDER}{id}.toml")
}

pub(super) fn parse(id: &str, mistakes: &Mistakes, files: &FileSet) -> Option<Suite> {
    let bytes = files.get(&path_of(id)).unwrap_or_default();
    read(bytes, mistakes, SCHEMA, SUITE, |section| suite(section, id, files))
}

fn suite(section: &Section<'_>, id: &str, files: &FileSet) -> Option<Suite> {
    let schema = section.required("schema", |field| field.number(SCHEMA..=SCHEMA));
    let summary = section.required("summary", |field| field.line());
    let folders = section.or("files", Vec::new(), |field| field.each(|field| folder(&field, files)));
    let make = section.or("make", Vec::new(), |field| steps(&field));
    let run = section.required("run", |field| {
        let words = field.each(|field| field.template(&PLACEHOLDERS))?;
        if words.is_empty() {
            return field.wrong("a command has at least one word", None);
        }
        Some(words)
    });
    let environment = section.or("environment", BTreeMap::new(), |field| {
        field.map(variable, |field| field.template(&PLACEHOLDERS))
    });
    let mut names = BTreeSet::new();
    let cases = section.required("cases", |field| {
        let groups = field.each(|field| group(&field, &mut names))?;
        let cases: Vec<SuiteCase> = groups.into_iter().flatten().collect();
        match cases.len() {
            0 => field.wrong("without cases nothing is computed", None),
            1..=MOST_CASES => Some(cases),
            count => field.wrong(format!("there are {count} cases, {MOST_CASES} are the most"), None),
        }
    });
    schema?;
    Some(Suite {
        id: id.to_owned(),
        summary: summary?,
        files: folders?,
        make: make?,
        run: run?,
        environment: environment?,
        cases: cases?,
    })
}

/// Cases of one shape, one for each combination of a value per axis.
fn group(field: &Field<'_>, names: &mut BTreeSet<String>) -> Option<Vec<SuiteCase>> {
    let section = field.section(SUITE_CASES)?;
    let axes = section.or("axes", Axes::new(), |field| field.map(capability, |field| values(&field)))?;
    let known: Vec<&str> = axes.keys().map(String::as_str).collect();
    let name = section.required("name", |field| field.template(&known));
    let arguments =
        section.required("arguments", |field| field.each(|field| field.template(&known)));
    let on_card = section.required("seconds", |field| seconds(&field));
    let emulated = section.optional("emulated-seconds", |field| seconds(&field));
    let (name, arguments, on_card, emulated) = (name?, arguments?, on_card?, emulated?);
    let count = axes.values().map(Vec::len).try_fold(1usize, usize::checked_mul).unwrap_or(usize::MAX);
    if count > MOST_CASES {
        return field.wrong(format!("these are more than {MOST_CASES} cases"), None);
    }
    let cases = combinations(&axes).into_iter().map(|chosen| SuiteCase {
        name: filled(&name, &chosen),
        arguments: arguments.iter().map(|word| filled(word, &chosen)).collect(),
        seconds: on_card,
        emulated_seconds: emulated,
    });
    let cases: Vec<SuiteCase> = cases.collect();
    for case in &cases {
        if let Err(message) = case_name(&case.name) {
            return field.wrong(message, None);
        }
        if !names.insert(case.name.clone()) {
            let help = "every axis of the group stands in its `name`, in braces".to_owned();
            return field.wrong(format!("two cases are named `{}`", case.name), Some(help));
        }
    }
    Some(cases)
}

fn seconds(field: &Field<'_>) -> Option<u32> {
    field.number(1..=LONGEST_CASE).and_then(|number| u32::try_from(number).ok())
}

fn values(field: &Field<'_>) -> Option<Vec<String>> {
    let values = field.each(|field| {
        let value = field.line()?;
        if value.contains(['{', '}']) {
            return field.wrong("a value stands for itself: it has no braces", None);
        }
        Some(value)
    })?;
    if values.is_empty() {
        return field.wrong("an axis has at least one value", None);
    }
    Some(values)
}

/// A name that a person types: lowercase letters, digits, `-`, `.` and `+`.
fn case_name(name: &str) -> Result<(), String> {
    capability(name).map_err(|_| format!("`{name}` cannot name a case: lowercase letters, digits, `-`"))
}

fn combinations(axes: &Axes) -> Vec<Vec<(&str, &str)>> {
    let mut all = vec![vec![]];
    for (axis, values) in axes {
        let longer = all.iter().flat_map(|chosen: &Vec<(&str, &str)>| {
            values.iter().map(|value| [&chosen[..], &[(axis.as_str(), value.as_str())]].concat())
        });
        all = longer.collect();
    }
    all
}

fn filled(template: &str, chosen: &[(&str, &str)]) -> String {
    chosen.iter().fold(template.to_owned(), |text, (axis, value)| text.replace(&format!("{{{axis}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "schema = 1\nsummary = \"x\"\nrun = [\"{build}/x\"]\n";

    fn read_suite(text: &str) -> Result<Suite, String> {
        let bytes = format!("{HEAD}{text}").into_bytes();
        let mut files = FileSet::default();
        files.insert("checks/gpu/x.toml", bytes.clone());
        let mistakes = Mistakes::new("checks/gpu/x.toml", &bytes);
        let suite = parse("x", &mistakes, &files);
        let all = |mistakes: Vec<crate::document::Mistake>| {
            mistakes.iter().map(|mistake| format!("{mistake:?}")).collect::<String>()
        };
        mistakes.finish(suite).map(|(suite, _)| suite).map_err(all)
    }

    #[test]
    fn a_group_stands_for_each_combination_of_its_axes() {
        let suite = read_suite(
            "[[cases]]\nname = \"square-{size}-{type}\"\narguments = [\"{type}\", \"h={size}\", \"w={size}\"]\nseconds = 60\n\
             emulated-seconds = 300\n[cases.axes]\nsize = [\"42\", \"43\"]\ntype = [\"fp32\", \"fp16\"]\n\
             [[cases]]\nname = \"alone\"\narguments = []\nseconds = 1\n",
        )
        .expect("no mistake");
        let names: Vec<&str> = suite.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names,
            ["square-42-fp32", "square-42-fp16", "square-43-fp32", "square-43-fp16", "alone"]
        );
        assert_eq!(suite.cases[3].arguments, ["fp16", "h=43", "w=43"]);
        assert_eq!((suite.cases[0].emulated_seconds, suite.cases[4].emulated_seconds), (Some(300), None));
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let group = |rest: &str| format!("[[cases]]\narguments = []\n{rest}");
        for (text, says) in [
            ("cases = []\n".to_owned(), "without cases nothing is computed"),
            (group("name = \"a\"\nseconds = 0\n"), "0, 1 to 3600 is expected"),
            (group("name = \"{size}\"\nseconds = 1\n"), "`{size}` stands for nothing"),
            (group("name = \"a\"\nseconds = 1\naxes = {size = [\"1\", \"2\"]}\n"), "two cases are named `a`"),
            (group("name = \"a {b}\"\nseconds = 1\naxes = {b = [\"c\"]}\n"), "cannot name a case"),
            (group("name = \"a{b}\"\nseconds = 1\naxes = {b = []}\n"), "an axis has at least one value"),
            (group("name = \"a{b}\"\nseconds = 1\naxes = {b = [\"{c}\"]}\n"), "it has no braces"),
        ] {
            let mistakes = read_suite(&text).expect_err(&text);
            assert!(mistakes.contains(says), "{text}: {mistakes}");
        }
    }

    #[test]
    fn the_number_of_cases_has_an_end() {
        let digits: String = (0..10).map(|digit| format!("\"{digit}\",")).collect();
        let axes: String = ["a", "b", "c", "d"].iter().map(|axis| format!("{axis} = [{digits}]\n")).collect();
        let text = format!("[[cases]]\nname = \"n{{a}}{{b}}{{c}}{{d}}\"\narguments = []\nseconds = 1\n[cases.axes]\n{axes}");
        assert!(read_suite(&text).expect_err("10,000 cases").contains("more than 4096"));
    }
}
