//! What is to be done, from what is there: pure.

use std::fmt;

use super::error::InstallError;
use super::look::Installed;
use super::record::History;
use crate::model::{Digest, PackagedFile, nearest};

/// What there is of a package that is to be installed.
#[derive(Debug)]
pub(super) struct There<'a> {
    pub manifest: Option<Digest>,
    /// How its folder differs from what was installed.
    pub differences: &'a [Difference],
}

/// How a path of a package's folder differs from what was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Changed(String),
    Missing(String),
    Added(String),
    /// What no package can hold, as the error about it says.
    Foreign(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Changed(path) => write!(f, "{path} was changed"),
            Difference::Missing(path) => write!(f, "{path} is missing"),
            Difference::Added(path) => write!(f, "{path} was added"),
            Difference::Foreign(error) => write!(f, "{error}: it was added"),
        }
    }
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is there as it should be.
    Keep,
    /// It is to be put in the place of what is there, and why.
    Replace(String),
}

/// A package of the same title is there.
pub(super) fn decide(there: &There<'_>, manifest: Digest) -> Decision {
    match there {
        There { manifest: Some(found), .. } if *found != manifest => {
            Decision::Replace("another build of the same version was there".to_owned())
        }
        There { manifest: None, .. } => Decision::Replace("its manifest was gone or damaged".to_owned()),
        There { differences: [], .. } => Decision::Keep,
        There { differences: [first, rest @ ..], .. } => Decision::Replace(match rest.len() {
            0 => first.to_string(),
            more => format!("{first}, and {more} more"),
        }),
    }
}

/// How a folder's files differ from those that were installed. Both are sorted by path.
pub(super) fn differences(expected: &[PackagedFile], found: &[PackagedFile]) -> Vec<Difference> {
    let mut differences = Vec::new();
    let (mut expected, mut found) = (expected.iter().peekable(), found.iter().peekable());
    loop {
        match (expected.peek(), found.peek()) {
            (None, None) => return differences,
            (Some(one), Some(other)) if one.path() == other.path() => {
                if one != other {
                    differences.push(Difference::Changed(one.path().to_owned()));
                }
                expected.next();
                found.next();
            }
            (Some(one), other) if other.is_none_or(|other| one.path() < other.path()) => {
                differences.push(Difference::Missing(one.path().to_owned()));
                expected.next();
            }
            (_, Some(other)) => {
                differences.push(Difference::Added(other.path().to_owned()));
                found.next();
            }
            (Some(_), None) => unreachable!("it comes before nothing"),
        }
    }
}

/// The version that becomes current when the current one goes: of those that remain, the one that was installed last.
pub(super) fn successor<'a>(installed: &'a [Installed], gone: &Installed) -> Option<&'a Installed> {
    let remaining =
        installed.iter().filter(|one| one.title.link() == gone.title.link() && one.title != gone.title);
    remaining.max_by_key(|one| one.number)
}

/// The version that was current before: the last of the history that is another than now and still there.
pub(super) fn earlier<'a>(
    history: &History,
    link: &str,
    current: Option<&str>,
    installed: &'a [Installed],
) -> Option<&'a Installed> {
    let past = history.links.get(link)?;
    past.iter().rev().filter(|folder| Some(folder.as_str()) != current).find_map(|folder| {
        installed.iter().find(|one| one.title.folder() == *folder && one.title.link() == link)
    })
}

/// The history after the link went back to `folder`: what came after it is forgotten.
pub(super) fn rewound(history: &History, link: &str, folder: &str) -> History {
    let mut history = history.clone();
    if let Some(past) = history.links.get_mut(link) {
        let kept = past.iter().rposition(|one| one == folder).unwrap_or(past.len());
        past.truncate(kept);
    }
    history.links.retain(|_, past| !past.is_empty());
    history
}

/// The one package that a word means. A word that fits several without its version means the current one only if
/// `current_counts`.
pub(super) fn meant<'a>(
    installed: &'a [Installed],
    word: &str,
    current_counts: bool,
) -> Result<&'a Installed, InstallError> {
    let fitting: Vec<&Installed> = installed.iter().filter(|one| one.title.is_meant_by(word)).collect();
    // What is named in full is never ambiguous.
    if let Some(exact) = fitting.iter().find(|one| one.title.folder() == word) {
        return Ok(exact);
    }
    let current: Vec<&Installed> = fitting.iter().copied().filter(|one| one.current).collect();
    match (fitting.as_slice(), current.as_slice()) {
        ([], _) => Err(unknown(installed, word)),
        ([one], _) => Ok(one),
        (_, [one]) if current_counts && !one.title.is_named_with_version(word) => Ok(one),
        (several, _) => Err(InstallError::Ambiguous {
            word: word.to_owned(),
            candidates: several.iter().map(|one| one.title.folder()).collect(),
        }),
    }
}

/// No package is meant by a word.
pub(super) fn unknown(installed: &[Installed], word: &str) -> InstallError {
    let folders: Vec<String> = installed.iter().map(|one| one.title.folder()).collect();
    let names = installed.iter().map(|one| one.title.name.as_str());
    let help = match nearest(word, folders.iter().map(String::as_str).chain(names)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("installed: {}", folders.join(", ")),
    };
    InstallError::Unknown { word: word.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Title;

    fn one(folder: &str, number: u64, current: bool) -> Installed {
        let mut parts = folder.rsplitn(3, '-');
        let mut next = || parts.next().unwrap().to_owned();
        let (target, version, name) = (next(), next(), next());
        Installed::example(Title { name, version, target }, number, current)
    }

    fn several() -> Vec<Installed> {
        vec![
            one("miopen-3.2.0-gfx1010", 1, false),
            one("miopen-3.3.0-gfx1010", 3, true),
            one("miopen-3.3.0-gfx1012", 2, true),
            one("selftest-1.0.0-gfx1010", 4, true),
        ]
    }

    fn word(word: &str, current_counts: bool) -> String {
        match meant(&several(), word, current_counts) {
            Ok(one) => one.title.folder(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_word_means_one_package_or_is_refused_with_what_it_could_mean() {
        assert_eq!(word("miopen-3.2.0", false), "miopen-3.2.0-gfx1010");
        assert_eq!(word("miopen-3.3.0-gfx1012", false), "miopen-3.3.0-gfx1012");
        assert_eq!(word("selftest", false), "selftest-1.0.0-gfx1010");
        assert_eq!(word("miopen-gfx1012", false), "miopen-3.3.0-gfx1012");
        assert_eq!(
            word("miopen-gfx1010", false),
            "`miopen-gfx1010` can mean miopen-3.2.0-gfx1010, miopen-3.3.0-gfx1010"
        );
        assert_eq!(word("miopen-gfx1010", true), "miopen-3.3.0-gfx1010");
        assert!(word("miopen-3.3.0", true).contains("can mean"));
        assert!(word("miopen", true).contains("can mean"));
        let Err(InstallError::Unknown { help, .. }) = meant(&several(), "selftset", true) else { panic!() };
        assert_eq!(help, "did you mean `selftest`?");
    }

    #[test]
    fn the_version_installed_last_follows_one_that_goes() {
        let mut all = several();
        all.push(one("miopen-2.0-gfx1010", 9, false));
        assert_eq!(successor(&all, &all[1]).unwrap().title.version, "2.0");
        assert_eq!(successor(&all, &all[2]), None, "the same name for another GPU is another package");
    }

    #[test]
    fn going_back_passes_over_what_is_gone_and_forgets_what_came_after() {
        let mut history = History::default();
        for folder in ["miopen-3.2.0-gfx1010", "miopen-3.1.0-gfx1010", "miopen-3.3.0-gfx1010"] {
            history.push("miopen-gfx1010", folder);
        }
        let all = several();
        let back = earlier(&history, "miopen-gfx1010", Some("miopen-3.3.0-gfx1010"), &all).unwrap();
        assert_eq!(back.title.folder(), "miopen-3.2.0-gfx1010");
        let history = rewound(&history, "miopen-gfx1010", "miopen-3.2.0-gfx1010");
        assert!(history.links.is_empty());
        assert_eq!(earlier(&history, "miopen-gfx1010", Some("miopen-3.2.0-gfx1010"), &all), None);
    }

    #[test]
    fn differences_are_named_each_by_what_happened() {
        let file = |path: &str, text: &str| PackagedFile::File {
            path: path.into(),
            sha256: Digest::of(text),
            size: 1,
            executable: false,
        };
        let expected = [file("a", "1"), file("b", "1"), file("d", "1"), file("e", "1")];
        let found = [file("a", "1"), file("b", "2"), file("c", "1"), file("e", "1"), file("f", "1")];
        let told: Vec<String> = differences(&expected, &found).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["b was changed", "c was added", "d is missing", "f was added"]);
        assert!(differences(&expected, &expected).is_empty());
    }

    #[test]
    fn a_package_that_is_there_is_kept_only_if_it_is_whole_and_the_same() {
        let (one, other) = (Digest::of("1"), Digest::of("2"));
        let decided = |manifest, differences: &[Difference]| decide(&There { manifest, differences }, one);
        assert_eq!(decided(Some(one), &[]), Decision::Keep);
        assert!(matches!(decided(Some(other), &[]), Decision::Replace(why) if why.contains("another build")));
        assert!(matches!(decided(None, &[]), Decision::Replace(_)));
        let changed = [Difference::Changed("lib/x".to_owned())];
        assert!(matches!(decided(Some(one), &changed), Decision::Replace(why) if why.contains("lib/x")));
    }
}
