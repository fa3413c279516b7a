//! Progress that is told a hundred times and not a million.

/// Hands on what changed by at least a percent, and the end.
pub(super) struct Steps<F> {
    tell: F,
    last: u64,
}

impl<F: FnMut(u64, u64)> Steps<F> {
    pub fn new(tell: F) -> Self {
        Self { tell, last: 0 }
    }

    pub fn report(&mut self, done: u64, total: u64) {
        let step = (total / 100).max(1);
        if done < total && done < self.last.saturating_add(step) {
            return;
        }
        self.last = done;
        (self.tell)(done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_reports_become_about_a_hundred_and_the_end_is_told() {
        let mut told = Vec::new();
        let mut steps = Steps::new(|done, _| told.push(done));
        (1..=1_000_000).for_each(|done| steps.report(done, 1_000_000));
        assert_eq!(told.len(), 100);
        assert_eq!(told.last(), Some(&1_000_000));
    }
}
