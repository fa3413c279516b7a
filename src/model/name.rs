//! Names that cannot be wrong once they exist: recipes, toolchains, runs, units.

use std::fmt;
use std::str::FromStr;

use super::digest::serde_as_text;
use super::target::GfxTarget;

/// Says why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a {what}: a name starts with a lowercase letter and goes on with lowercase letters, digits, `-` and `.`"
)]
pub struct NameError {
    what: &'static str,
    text: String,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 64
        && !text.contains("..")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { what: $what, text: text.to_owned() })
                }
            }
        }

        serde_as_text!($name);
    };
}

name!(
    /// The name of a recipe, which is the name of its folder: `miopen`.
    RecipeName,
    "recipe name"
);
name!(
    /// The id of a toolchain, which is the name of its folder: `debian-sid`.
    ToolchainId,
    "toolchain id"
);
name!(
    /// The name of a patch, unique in its series: `batchnorm-dpp-only-gfx8-gfx9`.
    PatchName,
    "patch name"
);
name!(
    /// One run of the tool; the value of the label `rdna-build` on everything the run makes in the engine.
    RunId,
    "run id"
);

/// One recipe at one version for one target with one toolchain, the thing that is built.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct UnitId {
    pub recipe: RecipeName,
    pub version: super::Version,
    pub target: GfxTarget,
    pub toolchain: ToolchainId,
}

impl UnitId {
    /// The name used for packages and for the unit's folders: `miopen-3.3.0-gfx1010-debian-sid`.
    pub fn file_stem(&self) -> String {
        format!("{}-{}-{}-{}", self.recipe, self.version, self.target, self.toolchain)
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} for {} with {}", self.recipe, self.version, self.target, self.toolchain)
    }
}

/// The candidate nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(typed, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(typed.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_a_path() {
        for bad in ["", "../x", "a/b", "A", "a..b", "-x", "a b"] {
            assert!(bad.parse::<RecipeName>().is_err(), "{bad}");
        }
        assert!("debian-13".parse::<ToolchainId>().is_ok());
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        assert_eq!(nearest("miopne", ["miopen", "selftest"]), Some("miopen"));
        assert_eq!(nearest("gfx1013", ["gfx1010", "gfx1012"]), Some("gfx1010"));
        assert_eq!(nearest("pytorch", ["miopen", "selftest"]), None);
    }
}
