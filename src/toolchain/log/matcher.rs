//! Holds every rule's signatures against lines.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::Finding;
use super::lines::Line;
use crate::toolchain::rules::{Beside, Caught, RULES, Rule, Severity, Signature};

/// A rule's first lines; the rest is counted.
const MOST_HITS: usize = 32;
/// Lines that wait for another one behind them.
const MOST_WAITING: usize = 64;
const LONGEST_TEXT: usize = 1000;
const LONGEST_CAUGHT: usize = 300;

/// A line that fits a signature.
#[derive(Debug)]
pub(super) struct Hit {
    pub rule: &'static Rule,
    pub finding: Finding,
    /// Whether a line of another kind was needed to tell.
    pub is_in_context: bool,
}

/// What was caught, kept beyond its line.
type Kept = Vec<(String, String)>;

/// A pattern of the set: a signature's own, or the one that must stand near it.
struct Pattern {
    rule: &'static Rule,
    signature: &'static Signature,
    /// The place of the signature in its rule.
    place: usize,
    is_near: bool,
    regex: Regex,
}

struct Patterns {
    set: RegexSet,
    patterns: Vec<Pattern>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let mut texts = Vec::new();
    let mut patterns = Vec::new();
    for rule in RULES {
        for (place, signature) in rule.signatures.iter().enumerate() {
            let near = match signature.beside {
                Beside::Line { pattern, .. } => Some(pattern),
                Beside::Nothing | Beside::Another { .. } => None,
            };
            // The near ones first: one line may be both.
            for (text, is_near) in
                near.map(|text| (text, true)).into_iter().chain([(signature.pattern, false)])
            {
                let regex =
                    RegexBuilder::new(text).unicode(false).build().expect("a test builds every signature");
                texts.push(text);
                patterns.push(Pattern { rule, signature, place, is_near, regex });
            }
        }
    }
    let set = RegexSetBuilder::new(&texts).unicode(false).build().expect("a test builds every signature");
    Patterns { set, patterns }
});

/// Which signature of which rule.
type Place = (&'static str, usize);

#[derive(Default)]
pub(super) struct Matcher {
    hits: BTreeMap<&'static str, Vec<Hit>>,
    /// Lines that must stand near others: the last of each.
    near: BTreeMap<Place, (u64, Kept)>,
    /// What was caught before, where another must differ.
    before: BTreeMap<Place, (u64, Kept)>,
    waiting: VecDeque<Waiting>,
}

/// A line for which another must follow.
struct Waiting {
    place: Place,
    until: u64,
    kept: Kept,
    rule: &'static Rule,
    signature: &'static Signature,
    number: u64,
    text: String,
}

impl Matcher {
    pub fn line(&mut self, line: Line) {
        self.waiting.retain(|waiting| waiting.until >= line.number);
        // GNU's tools write typographic quotes.
        let plain = match line.text.is_ascii() {
            true => line.text.clone(),
            false => line.text.replace(['‘', '’'], "'"),
        };
        let bytes = plain.as_bytes();
        let matched = PATTERNS.set.matches(bytes);
        let mut told: Vec<&'static str> = Vec::new();
        for pattern in matched.iter().map(|number| &PATTERNS.patterns[number]) {
            for captures in pattern.regex.captures_iter(bytes) {
                let kept = kept(&pattern.regex, &captures);
                let place = (pattern.rule.id, pattern.place);
                if pattern.is_near {
                    self.met(place, &line, kept);
                    break;
                }
                let before = &bytes[..captures.get(0).map_or(0, |whole| whole.start())];
                let is_warning = memchr::memmem::find(before, b"warning:").is_some();
                if is_warning && pattern.signature.severity == Severity::Refuse {
                    break;
                }
                if !told.contains(&pattern.rule.id) && self.fits(pattern, &line, before.len(), kept) {
                    told.push(pattern.rule.id);
                }
            }
        }
    }

    pub fn finish(self) -> Vec<Hit> {
        self.hits.into_values().flatten().collect()
    }

    /// Takes a line that fits a signature's own text; whether it is a hit by now.
    fn fits(&mut self, pattern: &Pattern, line: &Line, start: usize, mut kept: Kept) -> bool {
        let place = (pattern.rule.id, pattern.place);
        let (rule, signature, number) = (pattern.rule, pattern.signature, line.number);
        let text = around(&line.text, start);
        match signature.beside {
            Beside::Nothing => self.hit(rule, signature, number, text, &kept),
            Beside::Another { group, within } => {
                let of =
                    |kept: &Kept| kept.iter().find(|(name, _)| name == group).map(|(_, text)| text.clone());
                let other = match self.before.get(&place) {
                    Some((when, before)) if number - when <= within => {
                        of(before).filter(|other| Some(other) != of(&kept).as_ref())
                    }
                    Some(_) | None => None,
                };
                let Some(other) = other else {
                    self.before.insert(place, (number, kept));
                    return false;
                };
                self.before.insert(place, (number, kept.clone()));
                kept.push(("other".to_owned(), other));
                self.hit(rule, signature, number, text, &kept)
            }
            Beside::Line { before, behind, .. } => {
                if let Some((when, near)) = self.near.get(&place)
                    && number - when <= before
                {
                    kept.extend(near.iter().cloned());
                    return self.hit(rule, signature, number, text, &kept);
                }
                if behind > 0 && self.waiting.len() < MOST_WAITING {
                    self.waiting.push_back(Waiting {
                        place,
                        until: number + behind,
                        kept,
                        rule,
                        signature,
                        number,
                        text,
                    });
                }
                false
            }
        }
    }

    /// Takes a line that must stand near another.
    fn met(&mut self, place: Place, line: &Line, kept: Kept) {
        let (met, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|waiting| waiting.place == place);
        self.waiting = waiting;
        let met: VecDeque<Waiting> = met;
        for Waiting { kept: mut all, rule, signature, number, text, .. } in met {
            all.extend(kept.iter().cloned());
            self.hit(rule, signature, number, text, &all);
        }
        self.near.insert(place, (line.number, kept));
    }

    /// Takes a hit, if what was caught makes it one.
    fn hit(
        &mut self,
        rule: &'static Rule,
        signature: &'static Signature,
        number: u64,
        text: String,
        kept: &Kept,
    ) -> bool {
        let caught = Caught(kept.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect());
        if !(signature.holds)(&caught) {
            return false;
        }
        let hits = self.hits.entry(rule.id).or_default();
        let is_full = hits.len() >= MOST_HITS;
        if let Some(last) =
            hits.last_mut().filter(|last| is_full && last.finding.severity >= signature.severity)
        {
            last.finding.more += 1;
            return true;
        }
        let finding = Finding {
            rule: rule.id,
            severity: signature.severity,
            line: number,
            text,
            what: signature.sentence(&caught),
            caught: kept.iter().cloned().collect(),
            more: 0,
        };
        let is_in_context = matches!(signature.beside, Beside::Line { .. });
        hits.push(Hit { rule, finding, is_in_context });
        true
    }
}

fn kept(regex: &Regex, captures: &Captures<'_>) -> Kept {
    let names = regex.capture_names().flatten();
    let caught = names.filter_map(|name| {
        let text = String::from_utf8_lossy(captures.name(name)?.as_bytes());
        Some((name.to_owned(), text.chars().take(LONGEST_CAUGHT).collect()))
    });
    caught.collect()
}

/// The line, or what of a long one stands around the place that fits.
fn around(text: &str, start: usize) -> String {
    let is_long = start > LONGEST_TEXT / 2 && text.len() > LONGEST_TEXT;
    // The place is that of the text with plain quotes, which is shorter: near enough.
    let from = if is_long { start - LONGEST_TEXT / 4 } else { 0 };
    let from = (from.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let shown: String = text[from..].chars().take(LONGEST_TEXT).collect();
    if is_long { format!("…{shown}") } else { shown }
}
