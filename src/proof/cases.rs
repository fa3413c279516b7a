//! From a proof's matrix to single compilations, and from placeholders to words.

use std::collections::BTreeMap;

use crate::model::{BUILD, CaseGroup, CompileProof, SOURCE, TargetId, Version};

/// One compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub target: TargetId,
    /// As the proof writes it.
    pub file: String,
    /// Axis → value.
    pub values: BTreeMap<String, String>,
    flags: Vec<String>,
}

/// What the placeholders of commands stand for in a container.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The toolchain's compilers.
    pub c: String,
    pub cxx: String,
    /// The folder of the LLVM tools that belong to them.
    pub llvm: String,
    /// Where the recipe's `proofs/` or `checks/` lies.
    pub files: String,
}

/// All compilations of a proof for a version, in a fixed order.
pub fn cases(proof: &CompileProof, version: &Version) -> Vec<Case> {
    let groups = proof.cases.iter().filter(|group| group.versions.contains(version));
    groups.flat_map(|group| expand(group, group.targets.as_ref().unwrap_or(&proof.targets))).collect()
}

/// Every file of a group for each target, with every combination of one value per axis.
pub fn expand(group: &CaseGroup, targets: &[TargetId]) -> Vec<Case> {
    let mut cases = Vec::new();
    for target in targets {
        for file in &group.files {
            let whole = Case {
                target: target.clone(),
                file: file.clone(),
                values: BTreeMap::new(),
                flags: group.flags.clone(),
            };
            cases.extend(group.axes.iter().fold(vec![whole], |cases, (axis, values)| {
                let with = |case: &Case, (value, flags): (&String, &Vec<String>)| {
                    let mut case = case.clone();
                    case.values.insert(axis.clone(), value.clone());
                    case.flags.extend(flags.iter().cloned());
                    case
                };
                cases.iter().flat_map(|case| values.iter().map(move |value| with(case, value))).collect()
            }));
        }
    }
    cases
}

impl Case {
    /// How reports call it: `gfx1010 src/x.cl precision=fp32`.
    pub fn name(&self) -> String {
        let values = self.values.iter().map(|(axis, value)| format!(" {axis}={value}"));
        format!("{} {}{}", self.target, self.file, values.collect::<String>())
    }

    /// Whether it has one of the chosen values of each axis.
    pub fn is_among(&self, targets: &[TargetId], only: &BTreeMap<String, Vec<String>>) -> bool {
        let value = |axis: &str| if axis == "file" { Some(&self.file) } else { self.values.get(axis) };
        (targets.is_empty() || targets.contains(&self.target))
            && only.iter().all(|(axis, chosen)| value(axis).is_some_and(|value| chosen.contains(value)))
    }

    /// The words to run; `object` is where the result goes.
    pub fn command(&self, command: &[String], tools: &Tools, object: &str) -> Vec<String> {
        let fill = |word: &str| {
            fill(
                &tools.fill(word),
                &[
                    ("{target}", &self.target.to_string()),
                    ("{processor}", self.target.processor().as_str()),
                    ("{file}", &tools.fill(&self.file)),
                    ("{object}", object),
                ],
            )
        };
        let words = command.iter().flat_map(|word| match word.as_str() {
            "{flags}" => self.flags.as_slice(),
            _ => std::slice::from_ref(word),
        });
        words.map(|word| fill(word)).collect()
    }
}

impl Tools {
    fn fill(&self, word: &str) -> String {
        fill(
            word,
            &[
                ("{c}", &self.c),
                ("{cxx}", &self.cxx),
                ("{llvm}", &self.llvm),
                ("{proofs}", &self.files),
                ("{checks}", &self.files),
            ],
        )
    }
}

/// The words of a step and the environment they run in: its own on top of `base`.
pub fn step_command(
    (command, environment): (&[String], &BTreeMap<String, String>),
    tools: &Tools,
    prefix: &str,
    target: &str,
    jobs: u32,
    base: &BTreeMap<String, String>,
) -> (Vec<String>, BTreeMap<String, String>) {
    let known: [(&str, &str); 5] = [
        ("{source}", SOURCE),
        ("{build}", BUILD),
        ("{prefix}", prefix),
        ("{target}", target),
        ("{jobs}", &jobs.to_string()),
    ];
    let fill = |word: &String| fill(&tools.fill(word), &known);
    let mut all = base.clone();
    all.extend(environment.iter().map(|(name, value)| (name.clone(), fill(value))));
    (command.iter().map(fill).collect(), all)
}

fn fill(word: &str, known: &[(&str, &str)]) -> String {
    known.iter().fold(word.to_owned(), |word, (name, value)| word.replace(name, value))
}
