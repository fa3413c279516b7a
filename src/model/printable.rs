//! Text from outside made safe for a terminal.

/// The text without escape sequences and control characters; tabs and line ends become a space, longer lines are cut with `…`.
///
/// Compilers, file names and servers write what they like, and a terminal obeys it: colours would run on, and worse.
pub fn printable(text: &str, limit: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(limit * 4));
    let mut characters = text.chars().peekable();
    let mut length = 0;
    while let Some(character) = characters.next() {
        if length == limit {
            safe.pop();
            safe.push('…');
            break;
        }
        match character {
            '\u{1b}' => skip_sequence(&mut characters),
            '\t' | '\n' => safe.push(' '),
            // Bidirectional overrides reorder what a person sees.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => continue,
            control if control.is_control() => continue,
            other => safe.push(other),
        }
        length += usize::from(character != '\u{1b}');
    }
    safe
}

/// The last bytes of a text, at most so many, from the beginning of a character on.
pub fn end_of(text: &str, most: usize) -> &str {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Skips what follows an escape: `[ … letter` (colours, cursor), `] … BEL` or `] … ESC \` (titles, links), or one
/// character.
fn skip_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        Some('[') => {
            characters.find(|character| ('\u{40}'..='\u{7e}').contains(character));
        }
        Some(']') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' || (character == '\u{1b}' && characters.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_gone() {
        assert_eq!(printable("\u{1b}[1;31merror:\u{1b}[0m \tx\r\u{7}", 100), "error:  x");
        assert_eq!(printable("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", 100), "ab");
        assert_eq!(printable("a\u{202e}b\u{9b}31m", 100), "ab31m");
        assert_eq!(printable("\u{1b}[31", 100), "");
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(printable("abcdef", 4), "abc…");
        assert_eq!(printable("abcd", 4), "abcd");
    }
}
