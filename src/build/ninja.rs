//! Ninja's own progress counter, read from its output.

use std::time::Duration;

/// One reading of the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    pub done: u64,
    pub total: u64,
    /// What the line says is being made.
    pub item: String,
}

/// Reads the counter from a line of output; `None` for every other line.
pub fn read(line: &str) -> Option<Counter> {
    let (counter, item) = line.strip_prefix('[')?.split_once("] ")?;
    let (done, total) = counter.split_once('/')?;
    let (done, total) = (done.parse().ok()?, total.parse().ok()?);
    (done <= total).then(|| Counter { done, total, item: item.trim().chars().take(200).collect() })
}

/// Time spent inside Ninja is what its edges took, so rate and time left come from the edges themselves.
pub fn time_left(done: u64, total: u64, elapsed: Duration) -> Option<Duration> {
    (done > 0).then(|| elapsed.mul_f64((total.saturating_sub(done)) as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_read_and_nothing_else_is_taken_for_it() {
        assert_eq!(
            read("[12/423] Building CXX object src/CMakeFiles/MIOpen.dir/activ.cpp.o"),
            Some(Counter {
                done: 12,
                total: 423,
                item: "Building CXX object src/CMakeFiles/MIOpen.dir/activ.cpp.o".into()
            })
        );
        for other in
            ["[12/x] y", "12/423 z", "[5/4] more done than there is", "[1/2]", "-- [1/2] configuring", ""]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn time_left_follows_the_rate() {
        assert_eq!(time_left(1, 4, Duration::from_secs(10)), Some(Duration::from_secs(30)));
        assert_eq!(time_left(0, 4, Duration::from_secs(10)), None);
    }
}
