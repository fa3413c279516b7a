//! What a patch's hunks may give up to find their place.

use std::fmt;
use std::str::FromStr;

use super::digest::serde_as_text;

/// What a hunk may give up to find its place. Whatever it gives up is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// Every line, where the patch says.
    #[default]
    Exact,
    /// Every line, anywhere.
    Offset,
    /// Anywhere, without the outermost line of context.
    Fuzz1,
    /// Anywhere, without the two outermost lines of context.
    Fuzz2,
}

impl Fit {
    pub const ALL: [Fit; 4] = [Fit::Exact, Fit::Offset, Fit::Fuzz1, Fit::Fuzz2];

    pub fn as_str(self) -> &'static str {
        match self {
            Fit::Exact => "exact",
            Fit::Offset => "offset",
            Fit::Fuzz1 => "fuzz-1",
            Fit::Fuzz2 => "fuzz-2",
        }
    }

    /// Lines of context at each end that need not fit.
    pub fn fuzz(self) -> u8 {
        match self {
            Fit::Exact | Fit::Offset => 0,
            Fit::Fuzz1 => 1,
            Fit::Fuzz2 => 2,
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a fit: exact, offset, fuzz-1 or fuzz-2")]
pub struct FitError(String);

impl FromStr for Fit {
    type Err = FitError;

    fn from_str(text: &str) -> Result<Self, FitError> {
        Fit::ALL.into_iter().find(|fit| fit.as_str() == text).ok_or_else(|| FitError(text.to_owned()))
    }
}

serde_as_text!(Fit);
