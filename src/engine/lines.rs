//! Turns the engine's frames into lines that are safe to print and to store.
//!
//! Frames are cut anywhere, in the middle of a line, of a character, of an escape sequence. What a container writes is
//! written by strangers: nothing of it may move the cursor, rename the terminal or hide other text.

/// The longest line handed on, in bytes; a longer one comes as several.
pub(super) const LONGEST: usize = 64 * 1024;

/// Assembles the lines of one stream.
///
/// A lone carriage return ends a line as well: a progress bar becomes lines, and no text can cover another.
#[derive(Debug, Default)]
pub(super) struct LineAssembler {
    rest: Vec<u8>,
    /// The last byte was a carriage return, whose line feed may begin the next frame.
    returned: bool,
}

impl LineAssembler {
    /// Takes a frame, hands on each line that is whole now.
    pub(super) fn push(&mut self, frame: &[u8], mut line: impl FnMut(&str)) {
        for piece in frame.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            let second_half = self.returned && text.is_empty() && end == Some(b'\n');
            self.returned = end == Some(b'\r');
            if second_half {
                continue;
            }
            self.extend(text, &mut line);
            match end {
                // An empty line is a line; an empty step of a progress bar is not.
                Some(b'\r') if self.rest.is_empty() => self.returned = false,
                Some(_) => self.hand_on(self.rest.len(), &mut line),
                None => {}
            }
        }
    }

    /// Hands on what is left without a line end.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.rest.is_empty() {
            self.hand_on(self.rest.len(), &mut line);
        }
    }

    /// Keeps at most [`LONGEST`] bytes, whatever the frame's size.
    fn extend(&mut self, mut text: &[u8], line: &mut impl FnMut(&str)) {
        while self.rest.len() + text.len() > LONGEST {
            let (fits, later) = text.split_at(LONGEST - self.rest.len());
            self.rest.extend_from_slice(fits);
            text = later;
            self.hand_on(character_boundary(&self.rest), line);
        }
        self.rest.extend_from_slice(text);
    }

    fn hand_on(&mut self, length: usize, line: &mut impl FnMut(&str)) {
        let raw: Vec<u8> = self.rest.drain(..length).collect();
        let mut text = plain(&String::from_utf8_lossy(&raw));
        // Each invalid byte became a replacement character of three.
        while text.len() > LONGEST {
            let later = text.split_off(character_boundary(&text.as_bytes()[..LONGEST]));
            line(&text);
            text = later;
        }
        line(&text);
    }
}

/// The length without a character that is cut at the end of `bytes`.
fn character_boundary(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let lead = bytes[tail..].iter().rposition(|byte| *byte >= 0xC0).map(|at| tail + at);
    match lead {
        Some(at) => {
            let needs = match bytes[at] {
                0xF0.. => 4,
                0xE0.. => 3,
                _ => 2,
            };
            if at + needs > bytes.len() { at } else { bytes.len() }
        }
        None => bytes.len(),
    }
}

/// `text` on one line, without escape sequences, control characters and characters that reorder others.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\u{1b}' => rest = &rest[escape_sequence(rest.as_bytes())..],
            '\t' => plain.push('\t'),
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => plain.push(' '),
            // Marks that change the direction of text make a line read as something else.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The length of the escape sequence whose ESC stood before `rest` (ECMA-48, 5.3 to 5.6). 0 for one that never ends:
/// it must not hide the text behind it.
fn escape_sequence(rest: &[u8]) -> usize {
    match rest.first() {
        Some(b'[') => {
            let parameters = rest[1..].iter().take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
            match rest.get(1 + parameters) {
                Some(0x40..=0x7e) => parameters + 2,
                _ => 0,
            }
        }
        // Strings: device control, operating system command, start of string, privacy message, application.
        Some(b'P' | b']' | b'X' | b'^' | b'_') => rest
            .iter()
            .position(|byte| *byte == 0x07)
            .map(|bell| bell + 1)
            .into_iter()
            .chain(rest.windows(2).position(|pair| pair == b"\x1b\\").map(|end| end + 2))
            .min()
            .unwrap_or(0),
        Some(0x20..=0x2f) => {
            let between = rest.iter().take_while(|byte| matches!(byte, 0x20..=0x2f)).count();
            match rest.get(between) {
                Some(0x30..=0x7e) => between + 1,
                _ => 0,
            }
        }
        Some(0x30..=0x7e) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(frames: &[&[u8]]) -> Vec<String> {
        let mut assembler = LineAssembler::default();
        let mut lines = Vec::new();
        for frame in frames {
            assembler.push(frame, |line| lines.push(line.to_owned()));
        }
        assembler.finish(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn a_line_and_a_character_cut_by_frames_come_whole() {
        assert_eq!(lines(&[b"one\ntw", b"o \xc3", b"\xa9\n\nlast"]), ["one", "two é", "", "last"]);
    }

    #[test]
    fn carriage_returns_end_lines_and_hide_nothing() {
        assert_eq!(lines(&[b"a\r", b"\nb\r\n10%\r20%\r\r\nc"]), ["a", "b", "10%", "20%", "", "c"]);
    }

    #[test]
    fn an_endless_line_is_cut_at_64_kib_between_characters() {
        let endless = [b"x".as_slice(), "é".repeat(LONGEST).as_bytes()].concat();
        let lines = lines(&[&endless]);
        assert!(lines.iter().all(|line| line.len() <= LONGEST && !line.contains('\u{fffd}')));
        assert_eq!(lines.concat().as_bytes(), endless);
    }

    #[test]
    fn invalid_bytes_do_not_make_a_line_longer_than_promised() {
        let lines = lines(&[&[0xff; LONGEST]]);
        assert!(lines.iter().all(|line| line.len() <= LONGEST));
        assert_eq!(lines.concat().chars().count(), LONGEST);
    }

    #[test]
    fn terminals_cannot_be_commanded() {
        assert_eq!(
            plain("\u{1b}[1;31merror\u{1b}[0m \u{1b}]0;title\u{7}a\u{1b}Pq\u{1b}\\b\u{1b}(Bc\u{8}\u{9b}"),
            "error abc"
        );
        assert_eq!(plain("safe\u{202e}txt.exe\tend"), "safetxt.exe\tend");
    }

    #[test]
    fn an_escape_sequence_without_end_hides_nothing() {
        assert_eq!(plain("\u{1b}]0;the error"), "]0;the error");
        assert_eq!(plain("\u{1b}[31"), "[31");
        assert_eq!(plain("\u{1b}é\u{1b}"), "é");
    }
}
