//! Versions as ROCm writes them (`6.4.3`, `5.7`) and ranges over them. Not semver: components may be missing or many.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::digest::serde_as_text;

/// A dotted version of numbers; missing components count as zero, so `6.4` equals `6.4.0`.
#[derive(Clone, Debug)]
pub struct Version {
    parts: Vec<u32>,
}

/// A conjunction of comparisons: `>=3.3, <3.4`. Empty means any version.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct VersionRange {
    comparisons: Vec<(Comparison, Version)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    Above,
    AtMost,
    Below,
    Exactly,
}

/// Says why a text is not a version or a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("`{text}` is not a version: numbers with dots between them are expected, e.g. `6.4.3`")]
    NotAVersion { text: String },
    #[error(
        "`{text}` is not a version range: `>=`, `>`, `<=`, `<` or `=` and a version, several with commas between them"
    )]
    NotARange { text: String },
}

impl Version {
    pub fn parts(&self) -> &[u32] {
        &self.parts
    }

    /// Whether the first components are those of `prefix`: `6.4.3` starts with `6.4`.
    pub fn starts_with(&self, prefix: &Version) -> bool {
        prefix.parts.iter().enumerate().all(|(i, part)| self.parts.get(i).copied().unwrap_or(0) == *part)
    }

    /// How far two versions lie apart, major first: for "the nearest toolchain".
    pub fn distance(&self, other: &Version) -> [u32; 3] {
        let part = |v: &Version, i: usize| v.parts.get(i).copied().unwrap_or(0);
        [0, 1, 2].map(|i| part(self, i).abs_diff(part(other, i)))
    }

    /// The upstream part of a Debian version: epoch and revision dropped, numbers up to the first other character.
    pub fn from_debian(text: &str) -> Result<Self, VersionError> {
        let after_epoch = text.split_once(':').map_or(text, |(_, rest)| rest);
        let numbers: String = after_epoch.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        numbers.trim_end_matches('.').parse()
    }

    fn significant(&self) -> &[u32] {
        let zeros = self.parts.iter().rev().take_while(|part| **part == 0).count();
        &self.parts[..self.parts.len() - zeros]
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for Version {}

impl std::hash::Hash for Version {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.significant().hash(state);
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.significant().cmp(other.significant())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.parts.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        f.pad(&text)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let wrong = || VersionError::NotAVersion { text: text.to_owned() };
        let parts = text
            .split('.')
            .map(|part| match part.bytes().all(|b| b.is_ascii_digit()) {
                true => part.parse().map_err(|_| wrong()),
                false => Err(wrong()),
            })
            .collect::<Result<Vec<u32>, _>>()?;
        Ok(Self { parts })
    }
}

impl VersionRange {
    pub fn contains(&self, version: &Version) -> bool {
        self.comparisons.iter().all(|(comparison, bound)| match comparison {
            Comparison::AtLeast => version >= bound,
            Comparison::Above => version > bound,
            Comparison::AtMost => version <= bound,
            Comparison::Below => version < bound,
            Comparison::Exactly => version == bound,
        })
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .comparisons
            .iter()
            .map(|(comparison, version)| {
                let sign = match comparison {
                    Comparison::AtLeast => ">=",
                    Comparison::Above => ">",
                    Comparison::AtMost => "<=",
                    Comparison::Below => "<",
                    Comparison::Exactly => "=",
                };
                format!("{sign}{version}")
            })
            .collect::<Vec<_>>()
            .join(", ");
        f.pad(&text)
    }
}

impl FromStr for VersionRange {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let wrong = || VersionError::NotARange { text: text.to_owned() };
        let comparisons = text
            .split(',')
            .map(|part| {
                let part = part.trim();
                // Longer signs first: `>=` starts with `>`.
                let signs = [
                    (">=", Comparison::AtLeast),
                    ("<=", Comparison::AtMost),
                    (">", Comparison::Above),
                    ("<", Comparison::Below),
                    ("=", Comparison::Exactly),
                ];
                let (comparison, rest) = signs
                    .into_iter()
                    .find_map(|(sign, c)| part.strip_prefix(sign).map(|rest| (c, rest)))
                    .ok_or_else(wrong)?;
                Ok((comparison, rest.trim().parse().map_err(|_| wrong())?))
            })
            .collect::<Result<Vec<_>, VersionError>>()?;
        Ok(Self { comparisons })
    }
}

serde_as_text!(Version, VersionRange);

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn versions_are_compared_by_number_and_missing_parts_are_zero() {
        assert!(version("5.10") > version("5.9.9"));
        assert_eq!(version("6.4"), version("6.4.0"));
        assert_eq!(version("6.4").to_string(), "6.4");
        for bad in ["", "6.", ".4", "6.4-rc1", "+6", "v6"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_holds_all_of_its_comparisons() {
        let range: VersionRange = ">=3.3, <3.4".parse().expect("a range");
        assert!(range.contains(&version("3.3.9")) && !range.contains(&version("3.4")));
        assert_eq!(range.to_string(), ">=3.3, <3.4");
        for bad in ["", "3.3", ">=", ">=3.3,", "~3"] {
            assert!(bad.parse::<VersionRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn debian_versions_lose_epoch_and_revision() {
        assert_eq!(Version::from_debian("1:21.1.8-3+b1"), Ok(version("21.1.8")));
        assert_eq!(Version::from_debian("5.7.1~really-2"), Ok(version("5.7.1")));
        assert!(Version::from_debian("unknown").is_err());
    }
}
