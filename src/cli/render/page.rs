//! What text is put on: with or without colour, and how wide.

use super::palette::Palette;
use crate::cli::settings::Settings;

/// A person's terminal, or a file that has no width.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub palette: Palette,
    /// Characters in a line; `None` where lines may be as long as they are.
    pub columns: Option<usize>,
}

impl Page {
    /// Standard output. Lines are broken for people only: a program would have to put them together again.
    pub fn stdout(settings: &Settings) -> Self {
        let columns = match (settings.terminal.stdout, settings.terminal.columns) {
            (false, _) | (true, 0) => None,
            (true, columns) => Some(usize::from(columns)),
        };
        Self { palette: Palette::stdout(settings), columns }
    }

    /// The text in lines that fit behind `used` characters, broken between words. A word that fits nowhere, such as a
    /// path, stays whole, and where less than a narrow column is left nothing is broken.
    pub fn lines(&self, text: &str, used: usize) -> Vec<String> {
        const NARROW: usize = 24;
        let room = match self.columns.and_then(|columns| columns.checked_sub(used)) {
            Some(room) if room >= NARROW => room,
            Some(_) | None => return vec![text.to_owned()],
        };
        let mut lines = vec![String::new()];
        let mut length = 0;
        for word in text.split(' ') {
            let word_length = word.chars().count();
            if length > 0 && length + 1 + word_length > room {
                lines.push(String::new());
                length = 0;
            }
            let line = lines.last_mut().expect("begins with one line");
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        lines
    }
}

impl From<Palette> for Page {
    fn from(palette: Palette) -> Self {
        Self { palette, columns: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_paths_stay_whole() {
        let page = Page { palette: Palette::PLAIN, columns: Some(34) };
        let path = "/a/path/longer/than/any/line/is/here";
        assert_eq!(
            page.lines(&format!("one two three four five {path} six"), 10),
            ["one two three four five", path, "six"]
        );
        assert_eq!(page.lines("one two three four five", 20), ["one two three four five"]);
        assert_eq!(page.lines("", 0), [""]);
    }
}
