//! Kinds of text that both recipes and toolchains hold: lines, names, paths, sizes, placeholders.

use super::reader::Field;
use crate::model::{GuestPath, nearest};

const LONGEST_PATH: usize = 512;

impl<'a> Field<'a> {
    /// A text of one line that says something.
    pub fn line(&self) -> Option<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return self.wrong("this text is empty", None);
        }
        if text.contains(char::is_control) {
            return self.wrong("one line of text is expected", None);
        }
        Some(text.to_owned())
    }

    /// A path below a folder: relative, without `..`.
    pub fn relative_path(&self) -> Option<String> {
        let text = self.text()?;
        match relative(text) {
            Ok(()) => Some(text.to_owned()),
            Err(reason) => self.wrong(format!("`{text}` is not a path inside the folder: {reason}"), None),
        }
    }

    /// A path below a folder, or `.` for the folder itself.
    pub fn relative_folder(&self) -> Option<String> {
        match self.text()? {
            "." => Some(".".to_owned()),
            _ => self.relative_path(),
        }
    }

    /// An absolute path inside a container.
    pub fn guest_path(&self) -> Option<GuestPath> {
        let text = self.text()?;
        let reason = match text.strip_prefix('/') {
            Some(rest) => relative(rest).err(),
            None => Some("it does not start with `/`"),
        };
        match reason {
            None => Some(GuestPath::new(text)),
            Some(reason) => self.wrong(format!("`{text}` is not an absolute path: {reason}"), None),
        }
    }

    /// A size such as `1500 MiB`, in bytes.
    pub fn size(&self) -> Option<u64> {
        let text = self.text()?;
        match bytes(text) {
            Ok(bytes) => Some(bytes),
            Err(help) => self.wrong(format!("`{text}` is not a size"), Some(help)),
        }
    }

    /// A line whose `{…}` are all among `known`. What CMake and the shell write with a `$` before it is theirs.
    pub fn template(&self, known: &[&str]) -> Option<String> {
        let text = self.text()?;
        if text.contains(char::is_control) {
            return self.wrong("one line of text is expected", None);
        }
        match placeholders(text).find(|name| !known.contains(name)) {
            None => Some(text.to_owned()),
            Some(unknown) => {
                let help = match nearest(unknown, known.iter().copied()) {
                    Some(nearest) => format!("did you mean `{{{nearest}}}`?"),
                    None => format!("known here: {{{}}}", known.join("}, {")),
                };
                self.wrong(format!("`{{{unknown}}}` stands for nothing"), Some(help))
            }
        }
    }

    /// One of the words of `known`.
    pub fn choice<T: Copy>(&self, known: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let help = match nearest(text, words.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("known here: {}", words.join(", ")),
        };
        self.wrong(format!("`{text}` is not known here"), Some(help))
    }

    /// An address of one of these schemes, without a password in it.
    pub fn url(&self, schemes: &[&str]) -> Option<String> {
        let text = self.text()?;
        let host = match text.split_once("://") {
            Some((scheme, host)) if schemes.contains(&scheme) && !host.is_empty() => host,
            Some(_) | None => {
                let message = format!("`{text}` is not an address known here");
                return self
                    .wrong(message, Some(format!("it starts with one of: {}://", schemes.join("://, "))));
            }
        };
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return self.wrong("the address contains blanks", None);
        }
        let authority = host.split(['/', '?', '#']).next().unwrap_or(host);
        match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => self.wrong(
                "the address contains a password",
                Some("a recipe is public: leave it out".to_owned()),
            ),
            Some(_) | None => Some(text.to_owned()),
        }
    }
}

/// Says why `name` cannot name a capability such as `hip` or `rocblas`. Which ones exist is for toolchains to say.
pub fn capability(name: &str) -> Result<(), String> {
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-+.".contains(&b));
    if good {
        Ok(())
    } else {
        Err(format!("`{name}` cannot name a capability: lowercase letters, digits, `-`"))
    }
}

/// Says why `name` cannot be the name of an environment variable.
pub fn variable(name: &str) -> Result<(), String> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good {
        Ok(())
    } else {
        Err(format!("`{name}` cannot name an environment variable: letters, digits, `_`"))
    }
}

fn relative(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > LONGEST_PATH {
        return Err("it is too long");
    }
    if text.starts_with('/') {
        return Err("it is absolute");
    }
    if text.contains(|c: char| c.is_control() || c == '\\') {
        return Err("it contains control characters or backslashes");
    }
    for part in text.split('/') {
        match part {
            ".." => return Err("it leads out with `..`"),
            "" | "." => return Err("it has an empty part or a `.` in it"),
            _ => {}
        }
    }
    Ok(())
}

fn bytes(text: &str) -> Result<u64, String> {
    // `B` last: of two that are equally near the first is offered, and `MB` means `MiB`.
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)];
    let expected = "a whole number and B, KiB, MiB, GiB or TiB, e.g. `1500 MiB`";
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    let shift = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, shift)) => *shift,
        None => {
            return Err(
                match nearest(unit, units.iter().map(|(name, _)| *name).filter(|_| unit.len() > 1)) {
                    Some(nearest) if !number.is_empty() => format!("did you mean `{number} {nearest}`?"),
                    Some(_) | None => expected.to_owned(),
                },
            );
        }
    };
    let number: u64 = number.parse().map_err(|_| expected.to_owned())?;
    match number.checked_mul(1 << shift) {
        Some(0) => Err("more than nothing is needed".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("no machine has this much".to_owned()),
    }
}

/// Names in braces, of lowercase letters and `-`, without a `$` before them.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(at, _)| {
        let name = text[at + 1..].split_once('}')?.0;
        let ours = !text[..at].ends_with('$')
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'_');
        ours.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_of_binary_units() {
        assert_eq!(bytes("1500 MiB"), Ok(1500 << 20));
        assert_eq!(bytes("8GiB"), Ok(8 << 30));
        assert_eq!(bytes("12 MB"), Err("did you mean `12 MiB`?".to_owned()));
        for bad in
            ["", "MiB", "1.5 GiB", "-1 GiB", "0 GiB", "1500", "99999999999 TiB", "18446744073709551616 B"]
        {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_path_leads_out_of_its_folder() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a\\..\\b", "a\0b"] {
            assert!(relative(bad).is_err(), "{bad:?}");
        }
        assert_eq!(relative("patches/compat/0001-x.patch"), Ok(()));
    }

    #[test]
    fn braces_of_cmake_are_not_placeholders() {
        let text = "{target} ${CMAKE_DIR} ${dir} $<BUILD_INTERFACE:{x}> {}";
        assert_eq!(placeholders(text).collect::<Vec<_>>(), ["target", "x"]);
    }
}
