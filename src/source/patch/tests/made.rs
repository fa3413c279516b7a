//! Patches that are made: they lead from one tree to the other, and say no more than that.

use super::*;
use crate::model::{Digest, Node, Tree};

/// A tree as a test writes it: path, content, whether it is executable.
#[derive(Clone, Debug, Default, PartialEq)]
struct Files(BTreeMap<String, (Vec<u8>, bool)>);

impl Files {
    fn of(files: &[(&str, &str, bool)]) -> Self {
        Self(
            files
                .iter()
                .map(|(path, text, x)| ((*path).to_owned(), (text.as_bytes().to_vec(), *x)))
                .collect(),
        )
    }

    fn tree(&self) -> Tree {
        let node = |(bytes, executable): &(Vec<u8>, bool)| Node::File {
            sha256: Digest::of(bytes),
            size: bytes.len() as u64,
            executable: *executable,
        };
        Tree { nodes: self.0.iter().map(|(path, file)| (path.clone(), node(file))).collect() }
    }

    fn with(&self, patch: &[u8]) -> Self {
        let mut layered = Layered::new(self);
        layered.apply(&PatchInput { name: "made", bytes: patch, fit: Fit::Exact }).unwrap();
        let files =
            layered.tree(self.tree()).nodes.into_keys().map(|path| match layered.read(&path).unwrap() {
                Found::File { bytes, executable } => (path, (bytes, executable)),
                other => panic!("{path}: {other:?}"),
            });
        Self(files.collect())
    }
}

impl Base for Files {
    fn read(&self, path: &str) -> io::Result<Found> {
        Ok(match self.0.get(path) {
            Some((bytes, executable)) => Found::File { bytes: bytes.clone(), executable: *executable },
            None => Found::Absent,
        })
    }
}

fn made(before: &Files, after: &Files, header: &[u8]) -> Result<Vec<u8>, MakeError> {
    let (old, new) = (before.tree(), after.tree());
    make(Side { tree: &old, base: before }, Side { tree: &new, base: after }, header)
}

fn text(before: &Files, after: &Files, header: &str) -> String {
    String::from_utf8(made(before, after, header.as_bytes()).unwrap()).unwrap()
}

#[test]
fn a_made_patch_says_what_changed_and_nothing_else() {
    let before = Files::of(&[
        ("changed.c", "int f()\n{\n1\n2\n3\n4\n5\n6\n}\n", false),
        ("gone", "x\n", false),
        ("old name", "same\n", false),
        ("same", "s\n", false),
        ("tool", "t", false),
    ]);
    let after = Files::of(&[
        ("changed.c", "int f()\n{\n1\n2\n3\n4\nfive\n6\n}", false),
        ("new/empty", "", true),
        ("new name", "same\n", true),
        ("same", "s\n", false),
        ("tool", "t", true),
    ]);
    let expected = "\
diff --git a/changed.c b/changed.c
--- a/changed.c
+++ b/changed.c
@@ -4,6 +4,6 @@ int f()
 2
 3
 4
-5
+five
 6
-}
+}
\\ No newline at end of file
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git \"a/old name\" \"b/new name\"
old mode 100644
new mode 100755
similarity index 100%
rename from \"old name\"
rename to \"new name\"
diff --git a/new/empty b/new/empty
new file mode 100755
diff --git a/tool b/tool
old mode 100644
new mode 100755
";
    assert_eq!(text(&before, &after, ""), expected);
    assert_eq!(before.with(expected.as_bytes()), after);
}

#[test]
fn the_header_is_kept_and_its_list_of_files_brought_up_to_date() {
    let before = Files::of(&[("src/a.c", "1\n2\n3\n", false)]);
    let first = Files::of(&[("src/a.c", "1\ntwo\n3\n", false)]);
    let second = Files::of(&[("src/a.c", "1\ntwo\n3\n4\n", false), ("b", "new\n", true)]);
    let prose = "From: somebody\nSubject: [PATCH] a | b\n\nWhy: a | 2 is meant.\n---\n";
    let list = " src/a.c | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n";
    let old = text(&before, &first, &format!("{prose}{list}"));
    assert!(old.starts_with(&format!("{prose}{list}diff --git a/src/a.c b/src/a.c\n")), "{old}");
    let kept = header("old", old.as_bytes()).unwrap();
    assert_eq!(kept, format!("{prose}{list}").as_bytes());
    let new = text(&before, &second, std::str::from_utf8(kept).unwrap());
    let list = " b       | 1 +\n src/a.c | 3 ++-\n 2 files changed, 3 insertions(+), 1 deletion(-)\n create mode 100755 b\n\n";
    assert!(new.starts_with(&format!("{prose}{list}diff --git a/b b/b\n")), "{new}");
    // Without a list, and without an end, prose stays prose.
    assert!(text(&before, &first, "why").starts_with("why\ndiff --git"));
    assert!(text(&before, &first, prose).starts_with(&format!("{prose}diff --git")));
}

#[test]
fn what_no_patch_should_hold_is_refused() {
    let before = Files::of(&[("a", "x\n", false)]);
    let refused = |files: &[(&str, &str, bool)]| made(&before, &Files::of(files), b"").unwrap_err();
    assert!(matches!(refused(&[("a", "x\n", false)]), MakeError::Unchanged));
    assert!(matches!(refused(&[("a", "x\0\n", false)]), MakeError::Binary { path } if path == "a"));
    assert!(matches!(refused(&[("a/b", "x\n", false)]), MakeError::FileAndFolder { .. }));
    assert!(matches!(refused(&[("a", "y\n", false), ("a\u{7}", "", false)]), MakeError::Outside { .. }));
    assert!(matches!(refused(&[("a", "x\n", false), (".git/config", "", false)]), MakeError::Outside { .. }));
    let mut linked = before.tree();
    linked.nodes.insert("l".to_owned(), Node::Symlink { target: "a".to_owned() });
    let outcome =
        make(Side { tree: &before.tree(), base: &before }, Side { tree: &linked, base: &before }, b"");
    assert!(matches!(outcome, Err(MakeError::Special { what: "symlink", .. })));
}

fn some_tree() -> impl Strategy<Value = Files> {
    let path = prop::sample::select(vec!["a", "b.c", "d/x", "d/y z", "e/f/g", "q\"uo\\te", "ü"]);
    let line = prop::sample::select(vec![
        "a",
        "b",
        "}",
        "",
        "\r",
        "c\r",
        "--- a/b",
        "@@ -1 +1 @@",
        "\\ x",
        "\t",
        "-- ",
    ]);
    let content = (prop::collection::vec(line, 0..24), any::<bool>()).prop_map(|(lines, ended)| {
        let mut text = lines.join("\n");
        text.push_str(if ended && !text.is_empty() { "\n" } else { "" });
        text.into_bytes()
    });
    prop::collection::btree_map(path.prop_map(str::to_owned), (content, any::<bool>()), 0..6).prop_map(Files)
}

proptest! {
    #[test]
    fn a_made_patch_leads_from_one_tree_to_the_other(before in some_tree(), after in some_tree()) {
        prop_assume!(before != after);
        let patch = made(&before, &after, b"").map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!(&made(&before, &after, b"").unwrap(), &patch);
        prop_assert_eq!(before.with(&patch), after);
    }
}
