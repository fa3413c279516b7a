//! Progress in words: how far, how fast, how long still.

use std::collections::VecDeque;
use std::time::Duration;

use super::amount;
use super::printable;
use crate::model::Unit;

/// Measures one stage's pace: over its last half minute at first, over its last minutes once it goes on for long, since
/// a file that takes half a minute to compile says little about the next one. Constant in memory.
#[derive(Debug)]
pub struct Pace {
    /// (when, done), at least `spacing` apart.
    samples: VecDeque<(Duration, u64)>,
    spacing: Duration,
}

const SHORTEST_SPACING: Duration = Duration::from_secs(2);
const LONGEST_SPACING: Duration = Duration::from_secs(16);
const SAMPLES: usize = 16;

impl Default for Pace {
    fn default() -> Self {
        Self { samples: VecDeque::new(), spacing: SHORTEST_SPACING }
    }
}

impl Pace {
    /// Notes how far things are. A count that went back belongs to another item: measuring starts anew.
    pub fn note(&mut self, now: Duration, done: u64) {
        if self.samples.back().is_some_and(|(_, before)| done < *before) {
            *self = Self::default();
        }
        if self.samples.back().is_some_and(|(when, _)| now.saturating_sub(*when) < self.spacing) {
            return;
        }
        if self.samples.len() == SAMPLES {
            match self.spacing < LONGEST_SPACING {
                true => {
                    let mut keep = false;
                    self.samples.retain(|_| {
                        keep = !keep;
                        keep
                    });
                    self.spacing *= 2;
                }
                false => drop(self.samples.pop_front()),
            }
        }
        self.samples.push_back((now, done));
    }

    /// Things a second, once that can be told.
    pub fn rate(&self, now: Duration, done: u64) -> Option<f64> {
        let (since, before) = self.samples.front()?;
        let seconds = now.saturating_sub(*since).as_secs_f64();
        (seconds >= 1.0 && done > *before).then(|| (done - before) as f64 / seconds)
    }
}

/// `[123/423] 29 %  2.1 files/s  2 min left  src/x.cpp`
pub fn describe(item: &str, done: u64, total: u64, of: Unit, rate: Option<f64>) -> String {
    let mut parts = vec![match (of, total) {
        (Unit::Bytes, 0) => amount::bytes(done),
        (Unit::Bytes, total) => {
            format!("{} of {}  {} %", amount::bytes(done), amount::bytes(total), percent(done, total))
        }
        (Unit::Steps | Unit::Files | Unit::Packages | Unit::Objects | Unit::Cases, 0) => format!("[{done}]"),
        (Unit::Steps | Unit::Files | Unit::Packages | Unit::Objects | Unit::Cases, total) => {
            format!("[{done}/{total}] {} %", percent(done, total))
        }
    }];
    if let Some(rate) = rate {
        parts.push(match of {
            Unit::Bytes => format!("{}/s", amount::bytes(rate as u64)),
            // An edge of Ninja's graph is nearly always a file compiled.
            Unit::Steps | Unit::Files => format!("{rate:.1} files/s"),
            Unit::Packages => format!("{rate:.1} packages/s"),
            Unit::Objects => format!("{rate:.0} objects/s"),
            Unit::Cases => format!("{rate:.1} cases/s"),
        });
        if total > done {
            parts.push(format!("{} left", amount::about_seconds((total - done) as f64 / rate)));
        }
    }
    if !item.is_empty() {
        parts.push(printable(item, 120));
    }
    parts.join("  ")
}

/// Rounded down, so that 100 % means done.
pub fn percent(done: u64, total: u64) -> u64 {
    match total {
        0 => 0,
        total => (u128::from(done.min(total)) * 100 / u128::from(total)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_far_how_fast_and_how_long_still() {
        let mut pace = Pace::default();
        pace.note(Duration::from_secs(0), 0);
        let rate = pace.rate(Duration::from_secs(58), 123);
        let text = describe("src/x.cpp", 123, 423, Unit::Steps, rate);
        assert_eq!(text, "[123/423] 29 %  2.1 files/s  2 min left  src/x.cpp");
        assert_eq!(describe("", 3 << 20, 0, Unit::Bytes, Some(1048576.0)), "3.0 MiB  1.0 MiB/s");
        assert_eq!(describe("", u64::MAX, 1, Unit::Bytes, None), "16777216 TiB of 1 B  100 %");
    }

    #[test]
    fn pace_forgets_what_is_long_past_and_starts_anew_with_another_item() {
        let mut pace = Pace::default();
        for second in 0..10_000 {
            pace.note(
                Duration::from_secs(second),
                if second < 9_000 { second } else { 9_000 + (second - 9_000) * 5 },
            );
        }
        assert!(pace.samples.len() <= SAMPLES);
        assert_eq!(pace.spacing, LONGEST_SPACING);
        let rate = pace.rate(Duration::from_secs(10_000), 14_000).unwrap();
        assert!((4.9..5.1).contains(&rate), "{rate}");
        pace.note(Duration::from_secs(10_001), 7);
        assert_eq!(pace.rate(Duration::from_secs(10_001), 7), None);
    }
}
