//! What programs that call a library came to.

use crate::proof::StepSeen;

/// The programs of a library, or why none was run.
#[derive(Clone, Debug)]
pub enum CallsState {
    None { missing: String },
    Run(Vec<ProgramSeen>),
}

/// One program.
#[derive(Clone, Debug)]
pub struct ProgramSeen {
    pub id: String,
    pub summary: String,
    /// What a user meets where it fails.
    pub why: String,
    /// Up to the first that failed.
    pub steps: Vec<StepSeen>,
    /// How many there are.
    pub wanted: usize,
    pub says: Vec<String>,
    pub silent: Vec<String>,
}

impl ProgramSeen {
    /// What does not hold, in a line.
    pub(super) fn failure(&self) -> Option<String> {
        if let Some(step) = self.steps.iter().find(|step| step.exit != 0) {
            let said = step.log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing");
            let ended = match step.exit {
                124 => "did not come to an end".to_owned(),
                exit => format!("ended with {exit}"),
            };
            return Some(format!("`{}` {ended}, saying: {}", step.name, said.trim()));
        }
        if self.steps.len() != self.wanted {
            return Some(format!("{} of {} steps were run", self.steps.len(), self.wanted));
        }
        let says = |text: &String| self.steps.iter().any(|step| step.log.contains(text.as_str()));
        if let Some(text) = self.says.iter().find(|text| !says(text)) {
            return Some(format!("nothing says `{text}`"));
        }
        self.silent.iter().find(|text| says(text)).map(|text| format!("something says `{text}`"))
    }
}
