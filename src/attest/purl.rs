//! Package URLs, by which other tools know what something is: `pkg:deb/debian/hipcc@6.4.3-1`.

use std::collections::BTreeMap;

use crate::model::Digest;

/// The package that was made.
pub(super) fn of_package(name: &str, version: &str, sha256: Digest) -> String {
    format!("pkg:generic/{}@{}?checksum=sha256:{sha256}", escape(name), escape(version))
}

/// A distribution's package in the image.
pub(super) fn of_deb(distribution: &str, name: &str, version: &str) -> String {
    format!("pkg:deb/{distribution}/{}@{}", escape(name), escape(version))
}

/// Whose packages an image holds. Ubuntu says so in the versions of what it changed.
pub(super) fn distribution(packages: &BTreeMap<String, String>) -> &'static str {
    match packages.values().any(|version| version.contains("ubuntu")) {
        true => "ubuntu",
        false => "debian",
    }
}

/// Percent-encodes what the specification wants encoded; `:` stays, and epochs readable.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                escaped.push(char::from(byte));
            }
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_as_the_specification_asks() {
        assert_eq!(
            of_deb("debian", "g++-14", "1:14.2.0-19+b1~x"),
            "pkg:deb/debian/g%2B%2B-14@1:14.2.0-19%2Bb1~x"
        );
        let image = |version: &str| BTreeMap::from([("libc6".to_owned(), version.to_owned())]);
        assert_eq!(distribution(&image("2.39-0ubuntu8")), "ubuntu");
        assert_eq!(distribution(&image("2.41-12")), "debian");
    }
}
