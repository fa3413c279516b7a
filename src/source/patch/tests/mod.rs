//! The cases patches meet in practice, and arbitrary ones.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use proptest::prelude::*;

mod bad_input;
mod fits;
mod made;
mod trials;

use super::*;
use crate::model::Fit;

struct MapBase(BTreeMap<&'static str, Vec<u8>>);

impl Base for MapBase {
    fn read(&self, path: &str) -> io::Result<Found> {
        let below = format!("{path}/");
        Ok(match self.0.get(path) {
            Some(bytes) => Found::File { bytes: bytes.clone(), executable: false },
            None if self.0.keys().any(|other| other.starts_with(&below)) => Found::Folder,
            None => Found::Absent,
        })
    }
}

/// A file with lines `1` to `40`, with some replaced.
fn numbers(replaced: &[(usize, &str)]) -> String {
    (1..=40)
        .map(|number| match replaced.iter().find(|(line, _)| *line == number) {
            Some((_, text)) => format!("{text}\n"),
            None => format!("{number}\n"),
        })
        .collect()
}

fn base(text: &str) -> MapBase {
    MapBase(BTreeMap::from([("src/a.cpp", text.as_bytes().to_vec())]))
}

const TWO_HUNKS: &str = "\
diff --git a/src/a.cpp b/src/a.cpp
index 1111111..2222222 100644
--- a/src/a.cpp
+++ b/src/a.cpp
@@ -7,7 +7,7 @@ some function
 7
 8
 9
-10
+ten
 11
 12
 13
@@ -27,6 +27,7 @@
 27
 28
 29
+twenty-nine and a half
 30
 31
 32
";

fn apply_with(
    patches: &[(&str, &str)],
    base: &dyn Base,
    fit: Fit,
) -> Result<(BTreeMap<String, String>, Patched), PatchError> {
    let scratch = tempfile::tempdir().unwrap();
    let inputs: Vec<_> =
        patches.iter().map(|(name, text)| PatchInput { name, bytes: text.as_bytes(), fit }).collect();
    let outcome = apply_series(&inputs, base, scratch.path());
    if outcome.is_err() {
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "all or nothing");
    }
    let patched = outcome?;
    let texts = patched
        .overlay
        .iter()
        .map(|(path, file)| (path.clone(), fs::read_to_string(&file.content).unwrap()))
        .collect();
    Ok((texts, patched))
}

fn apply(text: &str, base: &dyn Base) -> Result<(BTreeMap<String, String>, Patched), PatchError> {
    apply_with(&[("p.patch", text)], base, Fit::Exact)
}

fn patched_numbers() -> String {
    numbers(&[(10, "ten"), (29, "29\ntwenty-nine and a half")])
}

#[test]
fn a_clean_patch_applies_where_it_says() {
    let (texts, patched) = apply(TWO_HUNKS, &base(&numbers(&[]))).unwrap();
    assert_eq!(texts["src/a.cpp"], patched_numbers());
    let hunks = &patched.applied[0].hunks;
    assert!(hunks.iter().all(|hunk| hunk.offset == 0 && hunk.fuzz == 0), "{hunks:?}");
    assert_eq!(hunks.iter().map(|hunk| hunk.line).collect::<Vec<_>>(), [7, 27]);
}

#[test]
fn a_conflict_names_the_hunk_and_what_is_there_instead() {
    let changed = base(&format!("new\n{}", numbers(&[(30, "thirty")])));
    let Err(PatchError::Conflict(conflict)) = apply(TWO_HUNKS, &changed) else { panic!("it applied") };
    assert_eq!((conflict.number, conflict.header_line), (2, 14));
    assert_eq!(conflict.nearest, Some(Nearest { line: 28, fitting: 5, of: 6 }));
    assert_eq!((conflict.expected.as_str(), conflict.found.as_deref()), ("30", Some("thirty")));
    assert_eq!(conflict.found_line, 31);
    assert_eq!(
        conflict.to_string(),
        "p.patch does not apply: hunk 2 of src/a.cpp (@@ -27,6 +27,7 @@, line 14 of the patch) fits nowhere"
    );
    let report = format!("{:?}", miette::Report::new(PatchError::Conflict(conflict)));
    let report = report.replace("\n  │ ", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(report.contains("line 31 of src/a.cpp is `thirty`"), "{report}");
    assert!(report.contains("from line 28 of src/a.cpp on, 5 of its 6 lines fit"), "{report}");
}

#[test]
fn a_patch_that_is_already_applied_is_told_from_a_conflict() {
    let error = apply(TWO_HUNKS, &base(&patched_numbers())).unwrap_err();
    assert!(matches!(error, PatchError::AlreadyApplied { .. }), "{error}");
    let error =
        apply_with(&[("1", TWO_HUNKS), ("2", TWO_HUNKS)], &base(&numbers(&[])), Fit::Fuzz2).unwrap_err();
    assert!(matches!(error, PatchError::AlreadyApplied { patch } if patch == "2"));
}

#[test]
fn a_patch_is_not_applied_again_where_a_twin_of_its_place_lies() {
    let twin = "\n1\n2\n3\nold\n4\n5\n6\n";
    let patch = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-old\n+new\n 4\n 5\n 6\n";
    let applied = format!("{}{twin}", twin.replace("old", "new"));
    let error = apply(patch, &base(&applied)).unwrap_err();
    assert!(matches!(error, PatchError::AlreadyApplied { .. }), "{error}");
}

#[test]
fn a_mail_with_deceiving_prose_is_read() {
    let mail = format!(
        "From 0123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] ten\n\n--- not a header\n+ not an addition\n---\n \
         src/a.cpp | 2 +-\n\n{TWO_HUNKS}-- \n2.47.3\n\n"
    );
    assert_eq!(apply(&mail, &base(&numbers(&[]))).unwrap().0["src/a.cpp"], patched_numbers());
}

#[test]
fn files_are_created_renamed_deleted_and_made_executable() {
    let patch = "\
diff --git a/run b/run
new file mode 100755
--- /dev/null
+++ b/run
@@ -0,0 +1 @@
+#!/bin/sh
diff --git a/old name b/new name
similarity index 50%
rename from old name
rename to new name
--- a/old name\t
+++ b/new name\t
@@ -1 +1 @@
-a
+b
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
diff --git a/tool b/tool
old mode 100644
new mode 100755
";
    let base = MapBase(BTreeMap::from([
        ("old name", b"a\n".to_vec()),
        ("gone", b"x\ny\n".to_vec()),
        ("tool", b"t".to_vec()),
    ]));
    let (texts, patched) = apply(patch, &base).unwrap();
    let expected = [("new name", "b"), ("run", "#!/bin/sh\n"), ("tool", "t")];
    assert_eq!(texts, expected.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
    assert_eq!(patched.removed, ["gone", "old name"]);
    let executable = patched.overlay.iter().filter(|(_, file)| file.executable);
    assert_eq!(executable.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["run", "tool"]);
}

#[test]
fn later_patches_see_what_earlier_ones_made() {
    let second = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -9,3 +9,3 @@\n 9\n-ten\n+TEN\n 11\n";
    let (texts, _) =
        apply_with(&[("1", TWO_HUNKS), ("2", second)], &base(&numbers(&[])), Fit::Exact).unwrap();
    assert!(texts["src/a.cpp"].contains("\nTEN\n"));
}

#[test]
fn a_series_whose_last_patch_does_not_fit_leaves_nothing_of_the_first() {
    let missing = "--- a/none.c\n+++ b/none.c\n@@ -1 +1 @@\n-old\n+new\n";
    let inputs = [("1", TWO_HUNKS), ("2", missing)].map(|(name, text)| PatchInput {
        name,
        bytes: text.as_bytes(),
        fit: Fit::Exact,
    });
    let folder = tempfile::tempdir().unwrap();
    for scratch in [folder.path().to_path_buf(), folder.path().join("not/there")] {
        let outcome = apply_series(&inputs, &base(&numbers(&[])), &scratch);
        assert!(matches!(outcome, Err(PatchError::MissingFile { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_lies_in_the_scratch_folder_is_neither_overwritten_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/a.cpp"), "mine").unwrap();
    let input = PatchInput { name: "1", bytes: TWO_HUNKS.as_bytes(), fit: Fit::Exact };
    let outcome = apply_series(&[input], &base(&numbers(&[])), folder.path());
    assert!(matches!(outcome, Err(PatchError::Io { .. })));
    assert_eq!(fs::read_to_string(folder.path().join("src/a.cpp")).unwrap(), "mine");
}

#[test]
fn line_ends_are_the_file_s_own() {
    let windows = TWO_HUNKS.replace('\n', "\r\n");
    let (texts, patched) = apply(&windows, &base(&numbers(&[]))).unwrap();
    assert_eq!(texts["src/a.cpp"], patched_numbers());
    assert!(patched.applied[0].hunks.iter().all(|hunk| hunk.line_ends_adapted));
    let (texts, _) = apply(TWO_HUNKS, &base(&numbers(&[]).replace('\n', "\r\n"))).unwrap();
    assert_eq!(texts["src/a.cpp"], patched_numbers().replace('\n', "\r\n"));
}

#[test]
fn a_hunk_at_the_end_of_the_file_stays_there() {
    let append = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -39,2 +39,3 @@\n 39\n 40\n+41\n";
    assert!(apply(append, &base(&numbers(&[]))).is_ok());
    let longer = format!("{}more\n", numbers(&[]));
    assert!(matches!(apply(append, &base(&longer)), Err(PatchError::Conflict(_))));
}

fn some_lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec!["a", "b", "c", "}", "", "--", "++ x", "@@ -1 +1 @@", "\\ x"]);
    (prop::collection::vec(line, 0..30), any::<bool>()).prop_map(|(lines, ended)| {
        let mut text = lines.join("\n");
        if ended && !text.is_empty() {
            text.push('\n');
        }
        text.into_bytes()
    })
}

proptest! {
    #[test]
    fn what_another_tool_calls_the_difference_leads_from_old_to_new(old in some_lines(), new in some_lines()) {
        prop_assume!(old != new);
        let mut patch = b"--- a/src/a.cpp\n+++ b/src/a.cpp\n".to_vec();
        let made = flickzeug::create_patch_bytes(&old, &new).to_bytes();
        let hunks = made.windows(3).position(|window| window == b"@@ ").unwrap();
        patch.extend_from_slice(&made[hunks..]);
        let base = MapBase(BTreeMap::from([("src/a.cpp", old)]));
        let scratch = tempfile::tempdir().unwrap();
        let input = PatchInput { name: "p", bytes: &patch, fit: Fit::Exact };
        let patched = apply_series(&[input], &base, scratch.path());
        let shown = String::from_utf8_lossy(&patch);
        let patched = patched.map_err(|error| TestCaseError::fail(format!("{error}\n{shown}")))?;
        prop_assert_eq!(fs::read(&patched.overlay["src/a.cpp"].content).unwrap(), new);
    }

    #[test]
    fn no_bytes_make_it_panic(
        pieces in prop::collection::vec(
            prop_oneof![
                any::<Vec<u8>>(),
                "(diff --git |--- a/|\\+\\+\\+ b/|@@ -|new mode |rename to |GIT binary patch)[ -~]{0,12}\n"
                    .prop_map(String::into_bytes),
                "@@ -[0-9]{1,12}(,[0-9]{1,3})? \\+[0-9]{1,3}(,[0-3])? @@\n".prop_map(String::into_bytes),
                "--- a/src/a.cpp\n\\+\\+\\+ b/src/a.cpp\n@@ -[0-9],[0-3] \\+[0-9],[0-3] @@\n([ +-][a}]?\n){0,5}"
                    .prop_map(String::into_bytes),
                "[ +\\\\-][ab}]?\n".prop_map(String::into_bytes),
            ],
            0..12,
        ),
        text in some_lines(),
        fit in prop::sample::select(Fit::ALL.to_vec()),
    ) {
        let bytes = pieces.concat();
        let base = MapBase(BTreeMap::from([("src/a.cpp", text)]));
        let scratch = tempfile::tempdir().unwrap();
        let outcome = apply_series(&[PatchInput { name: "p", bytes: &bytes, fit }], &base, scratch.path());
        if let Err(error) = outcome {
            let _ = format!("{:?}", miette::Report::new(error));
        }
    }
}
