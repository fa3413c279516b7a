//! `[compile]`: a matrix of small compilations.

use std::collections::{BTreeMap, BTreeSet};

use super::super::keys::{CASES, COMPILE, EXPECT, SIDE};
use super::texts;
use crate::document::{Field, Section, capability};
use crate::model::{
    CaseGroup, CompileProof, Expectation, ResultKind, SideExpectation, TargetId, VersionRange, nearest,
};

/// What a word of the command may stand for.
const PLACEHOLDERS: [&str; 9] =
    ["c", "cxx", "llvm", "proofs", "target", "processor", "file", "object", "flags"];
/// What a file or a flag of a case may.
const IN_FLAGS: [&str; 3] = ["proofs", "target", "processor"];
const RESULTS: [(&str, ResultKind); 2] = [("object", ResultKind::Object), ("text", ResultKind::Text)];
/// The axis that every case has.
const FILE: &str = "file";

pub(super) fn read(field: &Field<'_>) -> Option<CompileProof> {
    let section = field.section(COMPILE)?;
    let inputs = section.required("inputs", |field| field.each(|field| field.relative_path()));
    let command = section.required("command", |field| command(&field, &PLACEHOLDERS));
    let result = section.or("result", ResultKind::Object, |field| field.choice(&RESULTS));
    let targets = section.required("targets", |field| targets(&field));
    let cases = section.required("cases", |field| {
        let cases = field.each(|field| group(&field))?;
        if cases.is_empty() {
            return field.wrong("without cases nothing is compiled", None);
        }
        Some(cases)
    });
    let matrix = targets.as_deref().zip(cases.as_deref());
    let expect = section.required("expect", |field| {
        let expect = field.each(|field| expectation(&field, matrix))?;
        if expect.is_empty() {
            return field.wrong("a proof that expects nothing proves nothing", None);
        }
        Some(expect)
    });
    Some(CompileProof {
        inputs: inputs?,
        command: command?,
        result: result?,
        targets: targets?,
        cases: cases?,
        expect: expect?,
    })
}

/// The words of a compilation: they say which file, and where the object goes.
pub(in crate::recipe) fn command(field: &Field<'_>, known: &[&str]) -> Option<Vec<String>> {
    let words = super::command(field, known)?;
    for needed in ["{object}", "{file}"] {
        if !words.iter().any(|word| word.contains(needed)) {
            return field.wrong(format!("nothing in it says `{needed}`"), None);
        }
    }
    Some(words)
}

pub(in crate::recipe) fn targets(field: &Field<'_>) -> Option<Vec<TargetId>> {
    let targets: Vec<TargetId> = field.each(|field| field.parse())?;
    if targets.is_empty() {
        return field.wrong("a target is needed", None);
    }
    Some(targets)
}

fn group(field: &Field<'_>) -> Option<CaseGroup> {
    cases(&field.section(CASES)?, &IN_FLAGS)
}

/// Cases of one shape. `known` may stand in their files and flags.
pub(in crate::recipe) fn cases(section: &Section<'_>, known: &[&str]) -> Option<CaseGroup> {
    let versions = section.or("versions", VersionRange::default(), |field| field.parse());
    let targets = section.optional("targets", |field| targets(&field));
    let files = section.required("files", |field| {
        let files = field.each(|field| field.template(known))?;
        if files.is_empty() {
            return field.wrong("without files nothing is compiled", None);
        }
        Some(files)
    });
    let flags = section.or("flags", Vec::new(), |field| words(&field, known));
    let axes = section.or("axes", BTreeMap::new(), |field| field.map(axis, |field| values(&field, known)));
    Some(CaseGroup { versions: versions?, targets: targets?, files: files?, flags: flags?, axes: axes? })
}

/// Without a value an axis would leave no case at all.
fn values(field: &Field<'_>, known: &[&str]) -> Option<BTreeMap<String, Vec<String>>> {
    let values: BTreeMap<String, Vec<String>> = field.map(value, |field| words(&field, known))?;
    if values.is_empty() {
        return field.wrong("an axis has at least one value", None);
    }
    Some(values)
}

/// A value is named like an axis, or begins with a digit.
fn value(name: &str) -> Result<(), String> {
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => {
            capability(&format!("n{name}")).map_err(|_| format!("`{name}` cannot name a value of an axis"))
        }
        false => capability(name),
    }
}

fn axis(name: &str) -> Result<(), String> {
    match name {
        FILE => Err("`file` is an axis of every case already".to_owned()),
        _ => capability(name),
    }
}

fn words(field: &Field<'_>, known: &[&str]) -> Option<Vec<String>> {
    field.each(|field| field.template(known))
}

/// What is compiled, if that could be read: targets and cases.
type Matrix<'a> = Option<(&'a [TargetId], &'a [CaseGroup])>;

fn expectation(field: &Field<'_>, matrix: Matrix<'_>) -> Option<Expectation> {
    let section = field.section(EXPECT)?;
    let versions = section.or("versions", VersionRange::default(), |field| field.parse());
    let known = matrix.map(|(targets, cases)| -> BTreeSet<&TargetId> {
        targets.iter().chain(cases.iter().flat_map(|group| group.targets.iter().flatten())).collect()
    });
    let of = section.or("targets", Vec::new(), |field| {
        field.each(|field| {
            let target: TargetId = field.parse()?;
            match &known {
                Some(known) if !known.contains(&target) => {
                    field.wrong(format!("nothing is compiled for {target}"), None)
                }
                Some(_) | None => Some(target),
            }
        })
    });
    let only = section.or("only", BTreeMap::new(), |field| only(&field, matrix));
    let number = |section: &Section<'_>, key| {
        section.optional(key, |field| field.number(0..=1_000_000).map(|number| number as usize))
    };
    let count = number(&section, "cases");
    let before = section.optional("before", |field| side(&field));
    let after = section.optional("after", |field| side(&field));
    let identical = section.or("identical", false, |field| field.switch());
    let same_size = section.or("same-size", false, |field| field.switch());
    let bytes_changed = number(&section, "bytes-changed");
    let expectation = Expectation {
        versions: versions?,
        targets: of?,
        only: only?,
        cases: count?,
        before: before?,
        after: after?,
        identical: identical?,
        same_size: same_size?,
        bytes_changed: bytes_changed?,
    };
    if expectation.is_empty() {
        return field.wrong("this expects nothing", None);
    }
    Some(expectation)
}

fn only(field: &Field<'_>, matrix: Matrix<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let values_of = |group: &CaseGroup, name: &str| -> Vec<String> {
        match name {
            FILE => group.files.clone(),
            _ => group.axes.get(name).into_iter().flat_map(|axis| axis.keys().cloned()).collect(),
        }
    };
    let mut only = BTreeMap::new();
    let mut good = true;
    for (name, _, field) in field.entries()? {
        let known = matrix
            .map(|(_, cases)| cases.iter().flat_map(|group| values_of(group, name)).collect::<Vec<_>>());
        let chosen = field.each(|field| {
            let value = field.line()?;
            match &known {
                Some(known) if !known.contains(&value) => {
                    let near = nearest(&value, known.iter().map(String::as_str));
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    field.wrong(format!("no case has the {name} `{value}`"), help)
                }
                Some(_) | None => Some(value),
            }
        });
        match chosen {
            Some(chosen) => drop(only.insert(name.to_owned(), chosen)),
            None => good = false,
        }
    }
    good.then_some(only)
}

fn side(field: &Field<'_>) -> Option<SideExpectation> {
    let section = field.section(SIDE)?;
    let failing = section.optional("failing", |field| field.number(0..=1_000_000));
    let says = section.optional("says", |field| field.line());
    let otherwise = section.or("otherwise", 0, |field| field.number(0..=1_000_000));
    let list = |key| section.or(key, Vec::new(), |field| texts(&field));
    let numbers = |key| section.or(key, Vec::new(), |field| field.each(|field| hexadecimal(&field)));
    let (present, absent) = (list("present"), list("absent"));
    let (lines, lines_absent) = (list("lines"), list("lines-absent"));
    let (constants_absent, word3) = (numbers("constants-absent"), numbers("word3"));
    let (failing, says) = (failing?.map(|number| number as usize), says?);
    if says.is_some() && failing.is_none() {
        return field.wrong("`says` goes with `failing`: how many say so", None);
    }
    Some(SideExpectation {
        failing,
        says,
        otherwise: otherwise? as usize,
        present: present?,
        absent: absent?,
        constants_absent: constants_absent?,
        word3: word3?,
        lines: lines?,
        lines_absent: lines_absent?,
    })
}

fn hexadecimal(field: &Field<'_>) -> Option<u32> {
    let text = field.text()?;
    match text.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16)) {
        Some(Ok(number)) => Some(number),
        Some(Err(_)) | None => {
            field.wrong(format!("`{text}` is not a 32-bit number, e.g. `0x31014000`"), None)
        }
    }
}
