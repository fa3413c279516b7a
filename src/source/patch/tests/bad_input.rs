//! Patches that are broken, or mean no good.

use std::os::unix::fs::symlink;

use super::*;

#[test]
fn patches_that_are_none_are_refused_with_their_line() {
    let kind = |text: &str| apply(text, &base(&numbers(&[]))).unwrap_err();
    assert!(matches!(kind(""), PatchError::Empty { .. }));
    assert!(matches!(kind("Dear maintainers,\n"), PatchError::Empty { .. }));
    let cut = &TWO_HUNKS[..TWO_HUNKS.find(" 31").unwrap()];
    assert!(matches!(kind(cut), PatchError::Truncated { line: 14, .. }));
    let too_few = TWO_HUNKS.replace("-27,6 +27,7", "-27,5 +27,6");
    assert!(matches!(kind(&too_few), PatchError::Malformed { line: 21, .. }));
    let huge = TWO_HUNKS.replace("-7,7", "-18446744073709551615,7");
    assert!(matches!(kind(&huge), PatchError::Malformed { line: 5, .. }));
    let binary = "diff --git a/x.db b/x.db\nindex 1..2 100644\nGIT binary patch\nliteral 3\n";
    assert!(matches!(kind(binary), PatchError::Binary { file, .. } if file == "x.db"));
    let missing = TWO_HUNKS.replace("a.cpp", "b.cpp");
    assert!(matches!(kind(&missing), PatchError::MissingFile { path, .. } if path == "src/b.cpp"));
}

#[test]
fn nothing_outside_the_tree_is_touched() {
    let create = |path: &str| format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
    for path in ["../x", "/etc/cron.d/x", "a/../../x", ".git/hooks/post-checkout"] {
        let error = apply(&create(path), &base("")).unwrap_err();
        assert!(matches!(error, PatchError::Outside { .. }), "{path}: {error}");
    }
    let link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n";
    assert!(matches!(apply(link, &base("")), Err(PatchError::Special { what: "symlink", .. })));

    let tree = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), tree.path().join("out")).unwrap();
    let error = apply(&create("out/x"), &FolderBase(tree.path())).unwrap_err();
    assert!(matches!(error, PatchError::Special { what: "symlink", .. }), "{error}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_file_is_not_created_over_another() {
    let create = |path: &str| format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n");
    for path in ["src/a.cpp", "src/a.cpp/b"] {
        let error = apply(&create(path), &base("other\n")).unwrap_err();
        assert!(matches!(error, PatchError::FileExists { path, .. } if path == "src/a.cpp"));
    }
    assert!(matches!(apply(&create("src"), &base("")), Err(PatchError::Special { what: "folder", .. })));
}

#[test]
fn long_and_equal_lines_cost_no_more_than_others() {
    let line = "x".repeat(1 << 20);
    let text = format!("{}\n{line}y\n", [line.as_str(); 8].join("\n"));
    let patch = format!("--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -8,2 +8,2 @@\n {line}\n-{line}y\n+z\n");
    let (texts, _) = apply(&patch, &base(&text)).unwrap();
    assert!(texts["src/a.cpp"].ends_with("x\nz\n"));
    let conflict = apply(&patch, &base(&text.replace('y', "w"))).unwrap_err();
    assert!(format!("{:?}", miette::Report::new(conflict)).len() < 8 * 1024);

    // Quadratic, this would take hours.
    let same = "}\n".repeat(200_000);
    let body = " }\n".repeat(100_000);
    let patch = format!("--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -1,100001 +1,100001 @@\n{body}-{{\n+[\n");
    assert!(matches!(apply(&patch, &base(&same)), Err(PatchError::Conflict(_))));
}

fn create(path: &str) -> String {
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
}

#[test]
fn every_way_to_name_a_path_outside_is_refused() {
    let modes = "old mode 100644\nnew mode 100755\n";
    for patch in [
        create("a/.."),
        create("./x"),
        create("a//x"),
        "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
        "--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
        "--- \"a/\\056\\056/x\"\n+++ \"b/\\056\\056/x\"\n@@ -1 +1 @@\n-a\n+b\n".to_owned(),
        format!("diff --git a/../x b/../x\n{modes}"),
        format!("diff --git a/.git/hooks/pre-commit b/.git/hooks/pre-commit\n{modes}"),
        "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to ../y\n".to_owned(),
        "diff --git a/x b/y\nsimilarity index 100%\nrename from /etc/passwd\nrename to y\n".to_owned(),
        "diff --git a/x b/y\nsimilarity index 100%\ncopy from ../x\ncopy to y\n".to_owned(),
        "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n".replace("a/x", "a/../x"),
        "--- /dev/null\n+++ \"b/x\\033[2J\"\n@@ -0,0 +1 @@\n+x\n".to_owned(),
        "--- /dev/null\n+++ \"b/x\\000y\"\n@@ -0,0 +1 @@\n+x\n".to_owned(),
        "--- /dev/null\n+++ \"b/\\377\"\n@@ -0,0 +1 @@\n+x\n".to_owned(),
    ] {
        let error = apply(&patch, &base("a\n")).unwrap_err();
        assert!(matches!(error, PatchError::Outside { .. }), "{patch}: {error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    }
}

#[test]
fn a_symlink_of_the_tree_is_neither_followed_nor_changed() {
    let tree = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("file"), "a\n").unwrap();
    symlink(outside.path().join("file"), tree.path().join("link")).unwrap();
    symlink(outside.path(), tree.path().join("folder")).unwrap();
    let base = FolderBase(tree.path());
    let modify = |path: &str| format!("--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n");
    for patch in [modify("link"), modify("folder/file"), create("folder/new"), create("link")] {
        let error = apply(&patch, &base).unwrap_err();
        assert!(matches!(error, PatchError::Special { what: "symlink", .. }), "{patch}: {error}");
    }
    assert_eq!(fs::read_to_string(outside.path().join("file")).unwrap(), "a\n");
    let link = "diff --git a/link b/link\nindex 1..2 120000\n--- a/link\n+++ b/link\n@@ -1 +1 @@\n-a\n+b\n";
    assert!(matches!(apply(link, &base), Err(PatchError::Special { what: "symlink", .. })));
    let submodule = "diff --git a/m b/m\nindex 1..2 160000\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-a\n+b\n";
    assert!(matches!(apply(submodule, &base), Err(PatchError::Special { what: "submodule", .. })));
}

#[test]
fn a_patch_cut_off_anywhere_applies_whole_files_or_is_refused() {
    let second = TWO_HUNKS.replace("a.cpp", "b.cpp");
    let both = format!("{TWO_HUNKS}{second}");
    let tree = MapBase(BTreeMap::from([
        ("src/a.cpp", numbers(&[]).into_bytes()),
        ("src/b.cpp", numbers(&[]).into_bytes()),
    ]));
    let mut whole = 0;
    for length in 0..both.len() {
        if let Ok((texts, _)) = apply(&both[..length], &tree) {
            // Between two hunks nothing shows that more was meant.
            let one_hunk = numbers(&[(10, "ten")]);
            assert!(texts.values().all(|text| *text == patched_numbers() || *text == one_hunk), "{length}");
            whole += 1;
        }
    }
    assert!(whole > 0);
}

#[test]
fn a_hunk_that_is_there_and_would_fit_again_elsewhere_is_not_applied_twice() {
    let block = "begin\nsame\n";
    let patch = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -2,2 +2,3 @@\n begin\n+new\n same\n";
    let applied = format!("top\nbegin\nnew\nsame\n{block}");
    for fit in Fit::ALL {
        let error = apply_with(&[("p.patch", patch)], &base(&applied), fit).unwrap_err();
        assert!(matches!(error, PatchError::AlreadyApplied { .. }), "{fit}: {error}");
    }
    // Not there, and fitting twice: the patch's own line decides.
    let (texts, patched) = apply(patch, &base(&format!("top\n{block}{block}"))).unwrap();
    assert_eq!(texts["src/a.cpp"], applied);
    assert_eq!(patched.applied[0].hunks[0].elsewhere, 0);
    // The same a line further down: the nearest is taken, and the other place is reported.
    let lower = base(&format!("top\nand\n{block}{block}"));
    let (_, patched) = apply_with(&[("p.patch", patch)], &lower, Fit::Offset).unwrap();
    assert_eq!((patched.applied[0].hunks[0].line, patched.applied[0].hunks[0].elsewhere), (3, 1));
}

#[test]
fn binary_patches_are_refused_in_every_form() {
    for body in [
        "index 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQ\n\nliteral 0\nHcmV?d00001\n",
        "index 1..2 100644\nBinary files a/x.db and b/x.db differ\n",
        "new file mode 100644\nindex 0..2\nBinary files /dev/null and b/x.db differ\n",
    ] {
        let error = apply(&format!("diff --git a/x.db b/x.db\n{body}"), &base("")).unwrap_err();
        assert!(matches!(&error, PatchError::Binary { file, .. } if file == "x.db"), "{error}");
    }
}

#[test]
fn megabyte_long_lines_of_a_patch_are_cut_in_errors() {
    let long = "y".repeat(3 << 20);
    for patch in [
        format!("--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -1 +1 @@ {long}\n-{long}\n+z\n"),
        format!("--- a/{long}\n+++ b/{long}\n@@ -1 +1 @@\n-a\n+b\n"),
        format!("diff --git a/{long} b/{long}\nGIT binary patch\n"),
        format!("diff --git a/{long} b/{long}\nnew file mode 120000\n"),
    ] {
        let error = apply(&patch, &base(&format!("{long}x\n"))).unwrap_err();
        let length = error.to_string().len() + format!("{:?}", miette::Report::new(error)).len();
        assert!(length < 16 * 1024, "{length}");
    }
}

#[test]
fn a_return_before_a_missing_line_end_belongs_to_the_line() {
    let patch = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -1 +1 @@\n-x\r\n\\ No newline at end of file\n+y\r\n\\ No newline at end of file\n";
    let (texts, _) = apply(patch, &base("x\r")).unwrap();
    assert_eq!(texts["src/a.cpp"], "y\r");
    // In a patch that was turned to CRLF as a whole it does not.
    let (texts, _) = apply(&patch.replace("\r\n", "\n").replace('\n', "\r\n"), &base("x")).unwrap();
    assert_eq!(texts["src/a.cpp"], "y");
}

#[test]
fn modes_are_changed_only_as_the_patch_says() {
    let modes = "diff --git a/src/a.cpp b/src/a.cpp\nold mode 100644\nnew mode 100755\n";
    let (_, patched) = apply(modes, &base("x\n")).unwrap();
    assert!(patched.overlay["src/a.cpp"].executable);
    let (_, patched) =
        apply(&modes.replace("644", "755").replace("new mode 100755", "new mode 100644"), &base("x\n"))
            .unwrap();
    assert!(!patched.overlay["src/a.cpp"].executable);
    let error = apply("diff --git a/src/a.cpp b/src/a.cpp\nold mode 100644\nnew mode 12x\n", &base("x\n"));
    assert!(error.is_err());
}
