//! Lines of patches and files, fit to be shown in an error.

use super::parse::lines;

const LONGEST_SHOWN: usize = 160;

/// A line fit to be shown, however long and whatever is in it.
pub(super) fn shown(text: &[u8]) -> String {
    let cut = &text[..text.len().min(LONGEST_SHOWN)];
    let mut shown: String = String::from_utf8_lossy(cut)
        .chars()
        .map(|c| if is_harmful(c) && c != '\t' { '\u{fffd}' } else { c })
        .collect();
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Whether a character does something to a terminal, or hides or reorders others.
pub(super) fn is_harmful(c: char) -> bool {
    match c {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control(),
    }
}

/// The patch as a person may read it, up to a little behind line `wanted`, and where that line is in it.
pub(super) fn excerpt(patch: &[u8], wanted: usize) -> (String, std::ops::Range<usize>) {
    let mut text = String::new();
    let mut span = 0..0;
    for (index, (line, _)) in lines(patch).take(wanted + 5).enumerate() {
        let start = text.len();
        // Lines far above are kept for their numbers only.
        if index + 30 > wanted {
            text.push_str(&shown(line));
        }
        if index + 1 == wanted {
            span = start..text.len();
        }
        text.push('\n');
    }
    (text, span)
}
