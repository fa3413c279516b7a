//! Mistakes in a text, each with its place, collected so that a person sees all of them at once.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};

/// A hostile file may hold a mistake in every byte; nobody reads more than these.
const MOST_REPORTED: usize = 100;
const LONGEST_MESSAGE: usize = 400;

/// One mistake, or one warning, at its place in a file.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub message: String,
    pub help: Option<String>,
    pub severity: Severity,
    pub place: Place,
}

/// Where in which file. Lines and columns count from one, columns in characters.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: Arc<NamedSource<String>>,
    /// In bytes.
    pub span: Range<usize>,
    pub line: usize,
    pub column: usize,
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub struct Mistakes {
    file: Arc<NamedSource<String>>,
    found: RefCell<Vec<Mistake>>,
    unreported: RefCell<usize>,
}

impl Mistakes {
    /// Starts with none; `name` is how the file is called in reports.
    pub fn new(name: impl AsRef<str>, bytes: &[u8]) -> Self {
        let text = without_controls(&String::from_utf8_lossy(bytes));
        Self {
            file: Arc::new(NamedSource::new(printable(name.as_ref()), text)),
            found: RefCell::default(),
            unreported: RefCell::default(),
        }
    }

    pub fn add(&self, span: Range<usize>, message: impl AsRef<str>, help: Option<String>) {
        self.push(Severity::Error, span, message.as_ref(), help);
    }

    pub fn warn(&self, span: Range<usize>, message: impl AsRef<str>, help: Option<String>) {
        self.push(Severity::Warning, span, message.as_ref(), help);
    }

    fn push(&self, severity: Severity, span: Range<usize>, message: &str, help: Option<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() >= MOST_REPORTED {
            if severity == Severity::Error {
                *self.unreported.borrow_mut() += 1;
            }
            return;
        }
        let place = self.place(span);
        let help = help.map(|help| printable(&help));
        found.push(Mistake { message: printable(message), help, severity, place });
    }

    fn place(&self, span: Range<usize>) -> Place {
        let text = self.file.inner();
        // A lossy decoding may be longer than the bytes the span was measured in.
        let start = floor_of_char(text, span.start);
        let end = floor_of_char(text, span.end).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            file: Arc::clone(&self.file),
            span: start..end,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Gives the value and the warnings, or all mistakes in the order of the text.
    ///
    /// `value` is `None` only where a mistake was added.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Mistake>), Vec<Mistake>> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|mistake| mistake.place.span.start);
        let wrong = self.unreported.into_inner() > 0
            || found.iter().any(|mistake| mistake.severity == Severity::Error);
        match value {
            Some(value) if !wrong => Ok((value, found)),
            Some(_) | None => {
                debug_assert!(wrong, "a value was refused without a mistake");
                found.retain(|mistake| mistake.severity == Severity::Error);
                Err(found)
            }
        }
    }
}

fn floor_of_char(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Replaces what would steer a terminal by marks of the same length, so that spans stay right.
fn without_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let harmless = match character {
            '\n' | '\t' => true,
            '\r' => characters.peek() == Some(&'\n'),
            _ => !steers(character),
        };
        match (harmless, character.len_utf8()) {
            (true, _) => shown.push(character),
            (false, 1) => shown.push('?'),
            (false, 2) => shown.push('·'),
            (false, _) => shown.push(char::REPLACEMENT_CHARACTER),
        }
    }
    shown
}

fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST_MESSAGE)
        .map(|c| if c != '\n' && steers(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    if text.chars().nth(LONGEST_MESSAGE).is_some() {
        shown.push('…');
    }
    shown
}

/// Control characters and those that turn the direction of writing.
fn steers(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

// By hand: the derive cannot take a severity from a field.
impl Diagnostic for Mistake {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.place.file)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::underline(self.place.span.clone()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "first\nzwölf = 1\n";
        let mistakes = Mistakes::new("x.toml", text.as_bytes());
        let at = text.find('1').expect("is there");
        mistakes.add(at..at + 1, "wrong", None);
        let found = mistakes.finish(None::<()>).expect_err("a mistake");
        assert_eq!((found[0].place.line, found[0].place.column), (2, 9));
    }

    #[test]
    fn nothing_in_a_file_steers_the_terminal() {
        let mistakes = Mistakes::new("x.toml", "a = \"\u{1b}[2J\u{9b}\u{202e}\"\r\n".as_bytes());
        mistakes.add(0..1, "`\u{1b}[31m` is wrong", None);
        let found = mistakes.finish(None::<()>).expect_err("a mistake");
        assert_eq!(found[0].place.file.inner(), "a = \"?[2J·\u{fffd}\"\r\n");
        assert_eq!(found[0].message, "`\u{fffd}[31m` is wrong");
    }

    #[test]
    fn a_file_that_is_all_mistakes_is_reported_in_bounded_length() {
        let mistakes = Mistakes::new("x.toml", b"x");
        for _ in 0..10_000 {
            mistakes.add(0..1, "w".repeat(10_000), None);
        }
        let found = mistakes.finish(Some(())).expect_err("mistakes");
        assert_eq!(found.len(), MOST_REPORTED);
        assert!(found[0].message.len() < 500);
    }
}
