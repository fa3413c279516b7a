//! `packages.txt`: one Debian package per line, `#` comments. The Dockerfile and our own bootstrapper read the same file.

use crate::document::Mistakes;

pub(super) const FILE: &str = "packages.txt";

const LONGEST_FILE: usize = 64 * 1024;

pub(super) fn read(bytes: &[u8], mistakes: &Mistakes) -> Option<Vec<String>> {
    if bytes.len() > LONGEST_FILE {
        mistakes.add(
            0..0,
            format!("the file has {} bytes, {LONGEST_FILE} are the most that is read", bytes.len()),
            None,
        );
        return None;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        mistakes.add(0..0, "the file is not UTF-8", None);
        return None;
    };
    let mut packages: Vec<String> = Vec::new();
    let mut wrong = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let written = line.split('#').next().unwrap_or_default();
        let name = written.trim();
        let from = start + written.len() - written.trim_start().len();
        start += line.len();
        if name.is_empty() {
            continue;
        }
        let span = from..from + name.len();
        if !is_package(name) {
            mistakes.add(span, format!("`{name}` is not the name of a Debian package"), Some(instead(name)));
            wrong = true;
        } else if packages.iter().any(|package| package == name) {
            mistakes.add(span, format!("`{name}` is listed twice"), None);
            wrong = true;
        } else {
            packages.push(name.to_owned());
        }
    }
    (!wrong).then_some(packages)
}

/// The rule of Debian's policy, 5.6.1.
pub(super) fn is_package(name: &str) -> bool {
    name.len() >= 2
        && name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

fn instead(name: &str) -> String {
    if name.contains(char::is_whitespace) {
        "one package per line".to_owned()
    } else if name.contains('=') {
        "the suite decides the version; what must hold is claimed in [provides]".to_owned()
    } else if name.contains(':') {
        "the image has one architecture: leave out what follows the `:`".to_owned()
    } else {
        "lowercase letters, digits, `+`, `-` and `.`".to_owned()
    }
}
