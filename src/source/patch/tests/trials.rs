//! Series tried without writing anything.

use super::*;

fn input<'a>(name: &'a str, text: &'a str, fit: Fit) -> PatchInput<'a> {
    PatchInput { name, bytes: text.as_bytes(), fit }
}

fn tried(text: &str, base: &dyn Base) -> Trial {
    trial(&input("p.patch", text, Fit::Exact), base).unwrap()
}

#[test]
fn a_trial_tells_every_outcome_apart() {
    let applies = tried(TWO_HUNKS, &base(&numbers(&[])));
    assert!(matches!(applies, Trial::Applies { hunks } if hunks.len() == 2));
    assert!(matches!(tried(TWO_HUNKS, &base(&patched_numbers())), Trial::AlreadyUpstream));
    let moved = tried(TWO_HUNKS, &base(&format!("0\n{}", numbers(&[]))));
    assert!(matches!(moved, Trial::Looser(looser) if looser.needs == Fit::Offset));
    assert!(matches!(tried(TWO_HUNKS, &base("other\n")), Trial::Conflict(_)));
    let missing = tried(&TWO_HUNKS.replace("a.cpp", "b.cpp"), &base("x\n"));
    assert!(matches!(missing, Trial::Missing { file } if file == "src/b.cpp"));
    let create = "--- /dev/null\n+++ b/src/a.cpp\n@@ -0,0 +1 @@\n+x\n";
    assert!(matches!(tried(create, &base("y\n")), Trial::Occupied { file, .. } if file == "src/a.cpp"));
    assert!(matches!(tried("no patch", &base("")), Trial::Invalid { .. }));

    let second_file = "--- a/b\n+++ b/b\n@@ -1 +1 @@\n-old\n+new\n";
    let both = format!("{TWO_HUNKS}{second_file}");
    let partly =
        MapBase(BTreeMap::from([("src/a.cpp", numbers(&[]).into_bytes()), ("b", b"new\n".to_vec())]));
    assert!(matches!(tried(&both, &partly), Trial::PartlyUpstream { file } if file == "b"));
}

#[test]
fn a_series_goes_on_behind_a_patch_that_does_not_fit() {
    let second = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -9,3 +9,3 @@\n 9\n-ten\n+TEN\n 11\n";
    let third = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -19,3 +19,3 @@\n 19\n-20\n+twenty\n 21\n";
    let tree = base(&numbers(&[]));
    let mut series = Layered::new(&tree);
    let outcomes: Vec<Trial> = [second, third, TWO_HUNKS, second]
        .iter()
        .map(|text| series.try_next(&input("p", text, Fit::Exact)).unwrap())
        .collect();
    assert!(
        matches!(
            outcomes.as_slice(),
            [Trial::Conflict(_), Trial::Applies { .. }, Trial::Applies { .. }, Trial::Applies { .. }]
        ),
        "{outcomes:?}"
    );
}

#[test]
fn patches_behind_one_that_gave_up_too_much_are_not_to_blame() {
    let second = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -10,3 +10,3 @@\n 9\n-ten\n+TEN\n 11\n";
    let tree = base(&format!("0\n{}", numbers(&[])));
    let mut series = Layered::new(&tree);
    assert!(matches!(series.try_next(&input("1", TWO_HUNKS, Fit::Exact)).unwrap(), Trial::Looser(_)));
    assert!(matches!(series.try_next(&input("2", second, Fit::Exact)).unwrap(), Trial::Applies { .. }));
}

#[test]
fn a_trial_is_data_for_programs() {
    let json = |trial: Trial| serde_json::to_value(trial).unwrap();
    let upstream = json(tried(TWO_HUNKS, &base(&patched_numbers())));
    assert_eq!(upstream, serde_json::json!({ "outcome": "already-upstream" }));
    let moved = json(tried(TWO_HUNKS, &base(&format!("0\n{}", numbers(&[])))));
    assert_eq!(moved["outcome"], "looser");
    assert_eq!((&moved["needs"], &moved["hunks"][0]["offset"]), (&"offset".into(), &1.into()));
    let conflict = json(tried(TWO_HUNKS, &base("other\n")));
    assert_eq!((&conflict["outcome"], &conflict["number"]), (&"conflict".into(), &1.into()));
}

#[test]
fn a_layered_tree_shows_what_patches_made_of_it() {
    let patch = "\
diff --git a/new/file b/new/file
new file mode 100755
--- /dev/null
+++ b/new/file
@@ -0,0 +1 @@
+x
diff --git a/src/a.cpp b/src/a.cpp
deleted file mode 100644
--- a/src/a.cpp
+++ /dev/null
@@ -1 +0,0 @@
-y
";
    let tree = base("y\n");
    let mut layered = Layered::new(&tree);
    layered.apply(&input("p", patch, Fit::Exact)).unwrap();
    assert_eq!(layered.read("src/a.cpp").unwrap(), Found::Absent);
    assert_eq!(layered.read("new").unwrap(), Found::Folder);
    let made = Found::File { bytes: b"x\n".to_vec(), executable: true };
    assert_eq!(layered.read("new/file").unwrap(), made);
    let paths: Vec<String> = layered.tree(crate::model::Tree::default()).nodes.into_keys().collect();
    assert_eq!(paths, ["new/file"]);
}
