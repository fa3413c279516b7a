//! What hunks may give up, and how a misfit is told.

use super::*;

fn rendered(error: PatchError, width: usize) -> String {
    let theme = miette::GraphicalTheme::unicode_nocolor();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_links(false).with_break_words(false);
    let mut text = String::new();
    handler.with_width(width).render_report(&mut text, &error).unwrap();
    text
}

#[test]
fn an_offset_is_taken_only_when_it_is_asked_for_and_reported() {
    let moved = base(&format!("a\nb\nc\n{}", numbers(&[])));
    let Err(PatchError::Looser(looser)) = apply(TWO_HUNKS, &moved) else { panic!("not refused") };
    assert_eq!((looser.allowed, looser.needs), (Fit::Exact, Fit::Offset));
    let places: Vec<_> = looser.hunks.iter().map(|hunk| (hunk.header_line, hunk.place.line)).collect();
    assert_eq!(places, [(5, 10), (14, 30)]);
    let (texts, patched) = apply_with(&[("p.patch", TWO_HUNKS)], &moved, Fit::Offset).unwrap();
    assert_eq!(texts["src/a.cpp"], format!("a\nb\nc\n{}", patched_numbers()));
    assert_eq!(patched.applied[0].hunks.iter().map(|hunk| hunk.offset).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn fuzz_is_used_only_when_it_is_asked_for() {
    let other_context = base(&numbers(&[(7, "seven")]));
    for fit in [Fit::Exact, Fit::Offset] {
        let outcome = apply_with(&[("p.patch", TWO_HUNKS)], &other_context, fit);
        let Err(PatchError::Looser(looser)) = outcome else { panic!("not refused") };
        assert_eq!((looser.needs, looser.hunks.len(), looser.hunks[0].place.fuzz), (Fit::Fuzz1, 1, 1));
    }
    let (texts, patched) = apply_with(&[("p.patch", TWO_HUNKS)], &other_context, Fit::Fuzz1).unwrap();
    assert_eq!(texts["src/a.cpp"], numbers(&[(7, "seven"), (10, "ten"), (29, "29\ntwenty-nine and a half")]));
    assert_eq!(patched.applied[0].hunks.iter().map(|hunk| hunk.fuzz).collect::<Vec<_>>(), [1, 0]);
    assert!(patched.applied[0].hunks.iter().all(|hunk| hunk.offset == 0));

    let two_lines = base(&numbers(&[(7, "seven"), (8, "eight")]));
    assert!(matches!(
        apply_with(&[("p.patch", TWO_HUNKS)], &two_lines, Fit::Fuzz1),
        Err(PatchError::Looser(looser)) if looser.needs == Fit::Fuzz2
    ));
    assert!(apply_with(&[("p.patch", TWO_HUNKS)], &two_lines, Fit::Fuzz2).is_ok());
    let three_lines = base(&numbers(&[(7, "seven"), (8, "eight"), (9, "nine")]));
    let outcome = apply_with(&[("p.patch", TWO_HUNKS)], &three_lines, Fit::Fuzz2);
    assert!(matches!(outcome, Err(PatchError::Conflict(_))));
}

#[test]
fn a_patch_that_may_give_up_too_little_says_what_to_allow() {
    let moved = base(&format!("a\nb\nc\n{}", numbers(&[(30, "thirty"), (32, "thirty-two")])));
    let text = rendered(apply(&TWO_HUNKS.replace(" 30\n", " thirty\n"), &moved).unwrap_err(), 100);
    for expected in [
        "hunk 1 of src/a.cpp fits at line 10, 3 lines further down (@@ -7,7 +7,7",
        "also, hunk 2 of src/a.cpp fits at line 31, 3 lines further down, without 1 line of its context",
        "say `fit = \"fuzz-1\"` where the patch is named (now `exact`)",
    ] {
        let words =
            |text: &str| text.split(['│', ' ', '\n']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        assert!(words(&text).contains(&words(expected)), "{text}");
    }
}

#[test]
fn a_hunk_that_fits_nowhere_counts_more_than_one_that_moved() {
    let changed = base(&format!("new\n{}", numbers(&[(28, "x"), (29, "y"), (30, "z")])));
    let Err(PatchError::Conflict(conflict)) = apply(TWO_HUNKS, &changed) else { panic!("no conflict") };
    assert_eq!(conflict.number, 2);
}

#[test]
fn a_misfit_is_shown_side_by_side_within_eighty_columns() {
    let file = numbers(&[(28, "28\ninserted"), (30, "thirty")]);
    let error = apply(TWO_HUNKS, &base(&file)).unwrap_err();
    let text = rendered(error, 80);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let table: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.contains("p.patch expects"))
        .take_while(|line| !line.contains("port"))
        .map(str::trim)
        .collect();
    let expected = "\
p.patch expects                      src/a.cpp has
27 27                              │ 27 27
28 28                              │ 28 28
≠ 29 inserted
29 29                              │ 30 29
30 30                              ≠ 31 thirty
31 31                              │ 32 31
32 32                              │ 33 32
";
    assert_eq!(table.join("\n").trim_end(), expected.trim_end(), "{text}");
}

#[test]
fn a_misfit_is_data_for_programs() {
    let file = numbers(&[(28, "x"), (29, "y"), (30, "z"), (40, "end")]);
    let Err(PatchError::Conflict(conflict)) = apply(TWO_HUNKS, &base(&file)) else { panic!("no conflict") };
    let json = serde_json::to_value(&*conflict).unwrap();
    assert_eq!(json["file"], "src/a.cpp");
    assert_eq!(json["header-line"], 14);
    let row = serde_json::json!({
        "expected": { "line": 28, "text": "28" }, "found": { "line": 28, "text": "x" }, "differs": true
    });
    assert_eq!(json["rows"][1], row);
}

#[test]
fn what_differs_in_a_long_line_or_in_blanks_is_seen() {
    let long = |end: &str| format!("        call({}, {end});", "argument, ".repeat(8));
    let patch = format!(
        "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -1,4 +1,3 @@\n {}\n \tx\n-gone\n \u{1b}[31mred\n",
        long("old")
    );
    let file = format!("{}\n  x\nhere\n\u{202e}red\n", long("new"));
    let text = rendered(apply(&patch, &base(&file)).unwrap_err(), 80);
    assert!(text.contains("old);"), "{text}");
    assert!(text.contains("new);"), "{text}");
    assert!(text.contains("2 →x"), "{text}");
    assert!(text.contains("2 ··x"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn a_conflict_says_that_upstream_has_this_part() {
    let second_there = numbers(&[(8, "8\nx"), (9, "9\ny"), (10, "z"), (29, "29\ntwenty-nine and a half")]);
    let first_there = numbers(&[(10, "ten"), (28, "x"), (30, "y")]);
    for (file, number, present) in [(second_there, 1, None), (first_there, 1, Some(7))] {
        let outcome = apply_with(&[("p.patch", TWO_HUNKS)], &base(&file), Fit::Fuzz2);
        let Err(PatchError::Conflict(conflict)) = outcome else { panic!("no conflict") };
        assert_eq!((conflict.number, conflict.present), (number, present));
    }
}
