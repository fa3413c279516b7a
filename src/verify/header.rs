//! The functions that a C header declares as exported.

use std::collections::BTreeSet;

/// Names of the functions declared behind `marker`, e.g. `MIOPEN_EXPORT miopenStatus_t miopenCreate(…);`.
///
/// No C parser: comments are passed over, and a declaration ends at its `;` or `{`. Its name is the last word before its first
/// parenthesis.
pub(super) fn exported(header: &str, marker: &str) -> BTreeSet<String> {
    let code = without_comments(header);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(marker) {
        let rest = &code[at + marker.len()..];
        // The marker as a word of its own, and not where it is defined.
        if code[..at].ends_with(is_word) || rest.starts_with(is_word) || is_directive(&code[..at]) {
            continue;
        }
        let declaration = rest.split([';', '{']).next().unwrap_or_default();
        let Some((head, _)) = declaration.split_once('(') else { continue };
        let name = head.trim_end().rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
        if name.starts_with(|c: char| !c.is_ascii_digit()) {
            names.insert(name.to_owned());
        }
    }
    names
}

fn is_directive(before: &str) -> bool {
    before.rsplit('\n').next().unwrap_or_default().trim_start().starts_with('#')
}

fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//").into_iter().chain(rest.find("/*")).min() {
        code.push_str(&rest[..at]);
        let comment = &rest[at..];
        let end = match comment.starts_with("//") {
            true => comment.find('\n'),
            false => comment[2..].find("*/").map(|end| end + 4),
        };
        // An unended comment goes to the end.
        rest = &comment[end.unwrap_or(comment.len())..];
        code.push(' ');
    }
    code.push_str(rest);
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn declarations_are_found_over_lines_and_not_in_comments() {
        let header = "
#define API_EXPORT __attribute__((visibility(\"default\")))
/* API_EXPORT int in_a_comment(int); */
// API_EXPORT int in_another(int);
API_EXPORT status_t
plain(handle_t handle, // API_EXPORT int inner(int)
      int (*callback)(int));
API_EXPORT const char* pointer (void);
MY_API_EXPORT int another_marker(int);
API_EXPORT extern int no_function;
";
        let names = exported(header, "API_EXPORT");
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), ["plain", "pointer"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(X_EXPORT|/\\*|\\*/|//|\n|[ -~]|é){0,60}") {
            exported(&text, "X_EXPORT");
        }
    }
}
