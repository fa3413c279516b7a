//! The texts by which a log shows a conflict.

use super::Severity;

/// A text that a compiler, linker or loader prints when the conflict strikes.
///
/// Matched against single lines without escape sequences, typographic quotes made plain, as ASCII: nothing is anchored at
/// the beginning of a line, where build systems put words of their own.
#[derive(Debug)]
pub struct Signature {
    /// A regular expression over one line. Named groups become evidence.
    pub pattern: &'static str,
    /// Which two things clash, in one sentence; `{group}` is what the group caught.
    pub says: &'static str,
    pub beside: Beside,
    /// Whether what the groups caught really is this conflict.
    pub holds: fn(&Caught<'_>) -> bool,
    /// Whether it explains a failure or is a hint. What refuses is never found in a warning.
    pub severity: Severity,
}

/// What else a log must hold, where the line alone says nothing.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    Nothing,
    /// A line with this text, so many lines before or behind; its groups become evidence, too.
    Line {
        pattern: &'static str,
        before: u64,
        behind: u64,
    },
    /// The same text again at most so many lines before, where the group caught something else: that is group `other`.
    Another {
        group: &'static str,
        within: u64,
    },
}

/// What a signature's named groups caught.
#[derive(Clone, Debug, Default)]
pub struct Caught<'t>(pub Vec<(&'t str, &'t str)>);

impl<'t> Caught<'t> {
    pub fn get(&self, name: &str) -> Option<&'t str> {
        self.0.iter().find(|(group, _)| *group == name).map(|(_, text)| *text)
    }
}

/// A signature that holds wherever it is found, and refuses.
pub(super) const fn signature(pattern: &'static str, says: &'static str) -> Signature {
    Signature { pattern, says, beside: Beside::Nothing, holds: |_| true, severity: Severity::Refuse }
}

impl Signature {
    /// Only near a line with this text.
    pub(super) const fn near(self, pattern: &'static str, before: u64, behind: u64) -> Self {
        Self { beside: Beside::Line { pattern, before, behind }, ..self }
    }

    /// Only where the group caught something else shortly before.
    pub(super) const fn twice(self, group: &'static str, within: u64) -> Self {
        Self { beside: Beside::Another { group, within }, ..self }
    }

    pub(super) const fn when(self, holds: fn(&Caught<'_>) -> bool) -> Self {
        Self { holds, ..self }
    }

    /// A hint: it may have nothing to do with a failure.
    pub(super) const fn hint(self) -> Self {
        Self { severity: Severity::Warn, ..self }
    }

    /// The sentence with what was caught in it.
    pub fn sentence(&self, caught: &Caught<'_>) -> String {
        let mut sentence = self.says.to_owned();
        for (group, text) in &caught.0 {
            sentence = sentence.replace(&format!("{{{group}}}"), text);
        }
        sentence
    }
}
