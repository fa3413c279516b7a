//! Files of Debian packages that stay out of a root file system, said in the patterns of dpkg's `path-exclude`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// What is left out, and what of that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathFilters {
    pub exclude: Vec<PathPattern>,
    pub include: Vec<PathPattern>,
}

/// A glob that whole absolute paths are compared with: `*` and `?` stand for `/` as well.
///
/// # Invariants
///
/// dpkg understands the same by it, and it is one value of dpkg's configuration files.
#[derive(Clone, Debug)]
pub struct PathPattern(GlobMatcher);

/// Says why a text is no such pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    #[error("this pattern is empty")]
    Empty,
    #[error("`{text}` can match no path: a path begins with `/`")]
    Relative { text: String },
    #[error("this pattern has a character that is not printable ASCII, or a blank")]
    Character,
    #[error("`{part}` does not mean the same to dpkg")]
    Ambiguous { part: &'static str },
    #[error("`{text}` is not a pattern: {reason}")]
    Broken { text: String, reason: String },
}

impl PathFilters {
    pub fn is_empty(&self) -> bool {
        self.exclude.is_empty()
    }

    /// Whether dpkg would not unpack the entry of this absolute path.
    ///
    /// `leads_on` says that it is a folder or a symbolic link: those stay as long as a file that is brought back may be
    /// reached through them, which dpkg tells from what the pattern begins with.
    pub fn leave_out(&self, path: &[u8], leads_on: bool) -> bool {
        let matches = |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.matches(path));
        if !matches(&self.exclude) || matches(&self.include) {
            return false;
        }
        let may_lead = |start: &[u8]| path.starts_with(start) || start.starts_with(path);
        !leads_on || !self.include.iter().any(|pattern| may_lead(pattern.literal_start().as_bytes()))
    }

    /// The lines that say the same in a configuration file of dpkg's, where the last that matches counts.
    pub fn dpkg_options(&self) -> String {
        let line = |option: &str, pattern: &PathPattern| format!("{option}={pattern}\n");
        let exclude = self.exclude.iter().map(|pattern| line("path-exclude", pattern));
        exclude.chain(self.include.iter().map(|pattern| line("path-include", pattern))).collect()
    }
}

impl PathPattern {
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    fn matches(&self, path: &[u8]) -> bool {
        self.0.is_match(Path::new(OsStr::from_bytes(path)))
    }

    fn literal_start(&self) -> &str {
        let text = self.as_str();
        &text[..text.find(['*', '?', '[']).unwrap_or(text.len())]
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for PathPattern {}

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, PathPatternError> {
        if text.is_empty() {
            return Err(PathPatternError::Empty);
        }
        // dpkg drops blanks at the end of a line, and a further line would be an option of its own.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PathPatternError::Character);
        }
        if !text.starts_with(['/', '*']) {
            return Err(PathPatternError::Relative { text: text.to_owned() });
        }
        // Alternatives and `**` are globset's, dpkg's `fnmatch` knows neither; escapes and character classes differ.
        let ambiguous = ["{", "}", "\\", "**", "[:", "[.", "[="].into_iter().find(|part| text.contains(part));
        if let Some(part) = ambiguous {
            return Err(PathPatternError::Ambiguous { part });
        }
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        let glob = glob.map_err(|error| PathPatternError::Broken {
            text: text.to_owned(),
            reason: error.kind().to_string(),
        })?;
        Ok(Self(glob.compile_matcher()))
    }
}

impl PathPatternError {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self {
            Self::Empty | Self::Relative { .. } => {
                "whole paths are compared, e.g. with `/usr/share/doc/*`; `*` stands for `/` as well"
                    .to_owned()
            }
            Self::Character | Self::Ambiguous { .. } => {
                "`?` stands for any one character, `*` for any number, `[ab]` for one of these".to_owned()
            }
            Self::Broken { .. } => "`?` stands for a bracket".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(exclude: &[&str], include: &[&str]) -> PathFilters {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        PathFilters { exclude: patterns(exclude), include: patterns(include) }
    }

    #[test]
    fn patterns_match_as_fnmatch_does_with_no_flags() {
        for (pattern, path, expected) in [
            ("/usr/share/doc/*", "/usr/share/doc/a/b", true),
            ("/usr/share/doc/*", "/usr/share/doc", false),
            ("/usr/share/doc/*", "/usr/share/doc/.hidden", true),
            ("*/doc/*", "/usr/share/doc/a", true),
            ("/usr?share/doc", "/usr/share/doc", true),
            ("/a[bc]", "/ac", true),
            ("/a[!bc]", "/ac", false),
            ("/a[^bc]", "/ad", true),
            ("/a[!b]c", "/a/c", true),
            ("/a]", "/a]", true),
            ("*.dat", "/x/y.dat", true),
            ("*.dat", "/x/Y.DAT", false),
            ("/a+(b)", "/a+(b)", true),
            ("/a", "/a/b", false),
        ] {
            let filters = filters(&[pattern], &[]);
            assert_eq!(filters.leave_out(path.as_bytes(), false), expected, "{pattern} {path}");
        }
        assert!(filters(&["/x?y"], &[]).leave_out(b"/x\xffy", false), "names need not be UTF-8");
    }

    #[test]
    fn what_is_brought_back_stays_and_so_does_what_may_lead_there() {
        let filters = filters(&["/usr/lib/*/rocblas/*gfx*"], &["/usr/lib/*/rocblas/*gfx101[012]*"]);
        let file = |name: &str| filters.leave_out(format!("/usr/lib/x86/rocblas/4/{name}").as_bytes(), false);
        assert_eq!(
            ["a_gfx1010.hsaco", "a_gfx1012.co", "a_gfx1013.co", "a_gfx1030.co", "fallback.dat"].map(file),
            [false, false, true, true, false]
        );
        let link = "/usr/lib/x86/rocblas/gfx";
        assert!(!filters.leave_out(link.as_bytes(), true));
        assert!(filters.leave_out(link.as_bytes(), false));
    }

    #[test]
    fn what_dpkg_would_read_otherwise_is_no_pattern() {
        use PathPatternError as Error;
        let error = |text: &str| text.parse::<PathPattern>().unwrap_err();
        assert_eq!(error(""), Error::Empty);
        assert!(matches!(error("usr/share/doc/*"), Error::Relative { .. }));
        for text in ["/a\npath-include=*", "/a ", "/a\t", "/ä", "/a\r"] {
            assert_eq!(error(text), Error::Character, "{text:?}");
        }
        for text in ["/{a,b}", "/a\\*", "/**/b", "/[[:digit:]]"] {
            assert!(matches!(error(text), Error::Ambiguous { .. }), "{text}");
        }
        for text in ["/[b-a]", "/a[b"] {
            assert!(matches!(error(text), Error::Broken { .. }), "{text}");
        }
    }
}
