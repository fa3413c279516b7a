//! Dependency fields: `a (>= 1) | b, c` as groups of alternatives, and Debian's order of versions.
//!
//! Build profiles and architecture lists never stand in a binary index; a qualifier (`python3:any`) is dropped, as
//! only one architecture is installed.

use std::cmp::Ordering;
use std::fmt;

use debversion::Version;

/// One alternative: a name, perhaps with a bound on its version.
#[derive(Clone, Debug)]
pub(super) struct Relation<'a> {
    pub name: &'a str,
    pub bound: Option<(Operator, &'a str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    AtMost,
    Exactly,
    AtLeast,
    More,
}

/// Reads a dependency field: every group must be satisfied by one of its alternatives.
pub(super) fn groups(field: &str) -> Result<Vec<Vec<Relation<'_>>>, String> {
    field
        .split(',')
        .filter(|group| !group.trim().is_empty())
        .map(|group| group.split('|').map(Relation::parse).collect())
        .collect()
}

/// Reads a version; `None` for a text that is none.
pub(super) fn version(text: &str) -> Option<Version> {
    text.parse().ok()
}

impl<'a> Relation<'a> {
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let malformed = || format!("`{}` is not a dependency", text.trim());
        let (name, bound) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => {
                let rest = rest.trim_end().strip_suffix(')').ok_or_else(malformed)?.trim();
                let digits = rest.find(|c| !matches!(c, '<' | '=' | '>')).ok_or_else(malformed)?;
                let operator = match &rest[..digits] {
                    "<<" => Operator::Less,
                    "<=" | "<" => Operator::AtMost,
                    "=" => Operator::Exactly,
                    ">=" | ">" => Operator::AtLeast,
                    ">>" => Operator::More,
                    _ => return Err(malformed()),
                };
                (name, Some((operator, rest[digits..].trim())))
            }
        };
        let name = name.trim();
        let name = name.split_once(':').map_or(name, |(name, _qualifier)| name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(malformed());
        }
        Ok(Self { name, bound })
    }

    /// Whether `candidate` lies within the bound. What cannot be compared does not.
    pub fn admits(&self, candidate: Option<&Version>) -> bool {
        let Some((operator, wanted)) = &self.bound else { return true };
        let (Some(candidate), Some(wanted)) = (candidate, version(wanted)) else { return false };
        let order = candidate.cmp(&wanted);
        match operator {
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Exactly => order == Ordering::Equal,
            Operator::AtLeast => order != Ordering::Less,
            Operator::More => order == Ordering::Greater,
        }
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((operator, version)) = &self.bound else { return f.write_str(self.name) };
        let operator = match operator {
            Operator::Less => "<<",
            Operator::AtMost => "<=",
            Operator::Exactly => "=",
            Operator::AtLeast => ">=",
            Operator::More => ">>",
        };
        write!(f, "{} ({operator} {version})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(relation: &str, candidate: &str) -> bool {
        Relation::parse(relation).unwrap().admits(version(candidate).as_ref())
    }

    #[test]
    fn bounds_follow_debians_order_of_versions() {
        assert!(admits("a (>= 1.2)", "1.2-1"));
        assert!(!admits("a (>= 1.2)", "1.2~rc1-1"));
        assert!(admits("a (<< 1:0)", "99"));
        assert!(admits("a (= 1.0-1+b2)", "1.0-1+b2"));
        assert!(!admits("a (>> 6.4.3)", "6.4.3"));
    }

    #[test]
    fn alternatives_keep_their_order_and_lose_their_qualifier() {
        let groups = groups("python3:any (>= 3.5~) | python3-minimal, libc6").unwrap();
        let shown: Vec<Vec<String>> =
            groups.iter().map(|group| group.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(shown, [vec!["python3 (>= 3.5~)", "python3-minimal"], vec!["libc6"]]);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["a (1)", "a (>= 1", "a b", "../a", "a (=> 1)"] {
            assert!(groups(bad).is_err(), "{bad}");
        }
    }
}
