//! Ninja's own progress counter, read from its output.

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
}
