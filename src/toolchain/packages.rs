//! The names of Debian packages in a toolchain: `name`, or `name/suite` for that suite's version.

use crate::document::Field;

/// Reads a list of packages from these suites.
pub(super) fn list(field: &Field<'_>, suites: &[String]) -> Option<Vec<String>> {
    let mut packages: Vec<String> = Vec::new();
    let read = field.each(|field| {
        let text = field.text()?;
        let (name, suite) = text.split_once('/').map_or((text, None), |(name, suite)| (name, Some(suite)));
        if !is_package(name) {
            return field.wrong(format!("`{text}` is not the name of a Debian package"), Some(instead(text)));
        }
        if let Some(suite) = suite
            && !suites.iter().any(|known| known == suite)
        {
            let help = format!("suites are {}: more come with `further-suites`", suites.join(", "));
            return field.wrong(format!("`{suite}` is no suite of this toolchain"), Some(help));
        }
        if packages.iter().any(|package| package.split('/').next() == Some(name)) {
            return field.wrong(format!("`{name}` is listed twice"), None);
        }
        packages.push(text.to_owned());
        Some(())
    });
    read.map(|_| packages)
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
        "one package an entry".to_owned()
    } else if name.contains('=') {
        "the suite decides the version; what must hold is claimed in [provides]".to_owned()
    } else if name.contains(':') {
        "the image has one architecture: leave out what follows the `:`".to_owned()
    } else {
        "lowercase letters, digits, `+`, `-` and `.`".to_owned()
    }
}
