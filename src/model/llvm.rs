//! Versions of LLVM as it writes them itself: `21.1.8`, `20.0.0git`, `17.0.6-rust-1.78.0-stable`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::digest::serde_as_text;
use super::version::Version;

/// A version of LLVM. Compared by its numbers: `20.0.0git`, which AMD ships, counts as `20.0.0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LlvmVersion {
    text: String,
    numbers: Version,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a version of LLVM, such as `21.1.8` or `20.0.0git`")]
pub struct LlvmVersionError {
    text: String,
}

impl LlvmVersion {
    /// The release whose bitcode and libraries belong together.
    pub fn major(&self) -> u32 {
        self.numbers.parts()[0]
    }

    /// Whether it is a state between two releases: `20.0.0git` is newer than 19 and older than 20.1.
    pub fn is_snapshot(&self) -> bool {
        self.text.ends_with("git") || self.numbers.parts().get(1..) == Some(&[0, 0])
    }

    pub fn numbers(&self) -> &Version {
        &self.numbers
    }

    /// From what a bitcode file calls its producer, e.g. `LLVM21.1.8`; nothing where another compiler made it.
    pub fn from_producer(producer: &str) -> Option<Self> {
        producer.strip_prefix("LLVM")?.parse().ok()
    }
}

impl FromStr for LlvmVersion {
    type Err = LlvmVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || LlvmVersionError { text: text.to_owned() };
        let is_shown = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        match text[..end].trim_end_matches('.').parse() {
            Ok(numbers) if is_shown => Ok(Self { text: text.to_owned(), numbers }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for LlvmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialOrd for LlvmVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LlvmVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| self.text.cmp(&other.text))
    }
}

serde_as_text!(LlvmVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| text.parse::<LlvmVersion>().expect("a version");
        assert!(version("21.1.8") > version("20.0.0git"));
        assert_eq!(LlvmVersion::from_producer("LLVM17.0.6"), Some(version("17.0.6")));
        assert_eq!(version("20.0.0git").major(), 20);
        assert_eq!(LlvmVersion::from_producer("APPLE_1_1300.0.29.3_0"), None);
        for bad in ["", "git", ".1", "21..1", "21\n"] {
            assert!(bad.parse::<LlvmVersion>().is_err(), "{bad:?}");
        }
    }
}
