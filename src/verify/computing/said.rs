//! What a case's program says, line by line. Lines that are not of its protocol are passed over.

/// A program's own account of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// As HIP calls it, e.g. `gfx1010:xnack- | AMD Radeon RX 5600 XT | 36 compute units`.
    pub device: Option<String>,
    /// Libraries that it really has mapped.
    pub libraries: Vec<String>,
    pub runs: Vec<RunSaid>,
    /// Why there was nothing to compute.
    pub nothing: Option<String>,
}

/// One computation of a case, e.g. by one solver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSaid {
    /// e.g. `immediate 85 ConvDirectNaiveConvFwd`.
    pub what: String,
    pub end: RunEnd,
}

/// How a computation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// The result is the reference's, within the tolerance that is told.
    Right(String),
    /// It is another.
    Wrong(String),
    /// The library did not do it.
    Refused(String),
    /// It was announced, and nothing more was said.
    Unended,
}

/// A program may not fill memory with what it says.
const MOST_RUNS: usize = 1000;
const MOST_LIBRARIES: usize = 100;

impl Said {
    /// Reads what a program printed.
    pub fn read(log: &str) -> Self {
        let mut said = Self::default();
        for line in log.lines() {
            let Some((word, rest)) = line.split_once(": ") else { continue };
            let rest = rest.trim();
            match word {
                "device" => said.device = Some(rest.to_owned()),
                "library" if said.libraries.len() < MOST_LIBRARIES => said.libraries.push(rest.to_owned()),
                "nothing" => said.nothing = Some(rest.to_owned()),
                "run" if said.runs.len() < MOST_RUNS => {
                    said.runs.push(RunSaid { what: rest.to_owned(), end: RunEnd::Unended });
                }
                "right" => said.end(rest, RunEnd::Right),
                "wrong" => said.end(rest, RunEnd::Wrong),
                "refused" => said.end(rest, RunEnd::Refused),
                _ => {}
            }
        }
        said
    }

    /// Ends the run that was announced last, or notes one that was not announced.
    fn end(&mut self, rest: &str, how: fn(String) -> RunEnd) {
        if let Some(last) = self.runs.last_mut().filter(|last| last.end == RunEnd::Unended)
            && let Some(detail) = rest.strip_prefix(last.what.as_str())
            && let Some(detail) = detail.strip_prefix(':').or(detail.is_empty().then_some(""))
        {
            last.end = how(detail.trim().to_owned());
            return;
        }
        let (what, detail) = rest.split_once(": ").unwrap_or((rest, ""));
        if self.runs.len() < MOST_RUNS {
            self.runs.push(RunSaid { what: what.to_owned(), end: how(detail.to_owned()) });
        }
    }

    /// The first that did not come out right.
    pub fn first_wrong(&self) -> Option<&RunSaid> {
        self.runs.iter().find(|run| matches!(run.end, RunEnd::Wrong(_) | RunEnd::Refused(_)))
    }

    pub fn right(&self) -> usize {
        self.runs.iter().filter(|run| matches!(run.end, RunEnd::Right(_))).count()
    }

    /// What was running when nothing more was said.
    pub fn last_announced(&self) -> Option<&str> {
        self.runs.last().filter(|run| run.end == RunEnd::Unended).map(|run| run.what.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_programs_account_is_read_among_what_libraries_print() {
        let said = Said::read(
            "device: gfx1010:xnack- | AMD Radeon RX 5600 XT | 36 compute units\n\
             library: /opt/x/lib/libMIOpen.so.1.0\n\
             MIOpen(HIP): Warning [IsEnoughWorkspace] x\n\
             run: immediate 85 ConvDirectNaiveConvFwd\n\
             right: immediate 85 ConvDirectNaiveConvFwd: largest error 0 of 0.001\n\
             run: immediate 37\n\
             wrong: immediate 37: 3 of 9 values, 0 unwritten, first at 0,1: 1 instead of 2\n\
             refused: device: status 7\n\
             run: find\n",
        );
        assert_eq!(said.device.as_deref(), Some("gfx1010:xnack- | AMD Radeon RX 5600 XT | 36 compute units"));
        assert_eq!(said.libraries, ["/opt/x/lib/libMIOpen.so.1.0"]);
        let runs: Vec<(&str, &RunEnd)> = said.runs.iter().map(|run| (run.what.as_str(), &run.end)).collect();
        assert_eq!(
            runs,
            [
                ("immediate 85 ConvDirectNaiveConvFwd", &RunEnd::Right("largest error 0 of 0.001".to_owned())),
                (
                    "immediate 37",
                    &RunEnd::Wrong("3 of 9 values, 0 unwritten, first at 0,1: 1 instead of 2".to_owned())
                ),
                ("device", &RunEnd::Refused("status 7".to_owned())),
                ("find", &RunEnd::Unended),
            ]
        );
        assert_eq!((said.right(), said.last_announced()), (1, Some("find")));
        assert_eq!(said.first_wrong().map(|run| run.what.as_str()), Some("immediate 37"));
    }

    #[test]
    fn what_a_program_says_takes_only_so_much_room() {
        let said = Said::read(&"run: x\nlibrary: y\nright: z: 1\n".repeat(5000));
        assert_eq!((said.runs.len(), said.libraries.len()), (MOST_RUNS, MOST_LIBRARIES));
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_reader(lines in "((run|right|wrong|refused|device|library|nothing)(: |:)?[a-z:\\PC]{0,9}\n){0,20}") {
            let said = Said::read(&lines);
            prop_assert!(said.runs.len() <= lines.lines().count());
        }
    }
}
