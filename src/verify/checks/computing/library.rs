//! Whether the library under test is the one that computed.

use super::{NEEDS_CARD, NEEDS_EMULATOR, computed, some_of};
use crate::model::{Evidence, Tier};
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check};
use crate::verify::pytorch;

const TITLE: &str = "the library that computed is the one that is verified";
const WHY: &str = "\
A program's libraries are found by search paths, and a wheel of PyTorch brings a MIOpen of its own: an installed one may not be the one
that runs. Each case tells the libraries that its process really has mapped.";
const REMEDIES: &[&str] =
    &["see what leads to the other one: LD_LIBRARY_PATH, LD_PRELOAD, the RUNPATH of the program"];

pub(in crate::verify::checks) static ON_CARD: Check = Check {
    id: "gpu-library",
    tier: Tier::Gpu,
    title: TITLE,
    why: WHY,
    needs: NEEDS_CARD,
    remedies: REMEDIES,
    run: |subject| run(subject, Tier::Gpu),
};

pub(in crate::verify::checks) static ON_EMULATOR: Check = Check {
    id: "emulated-library",
    tier: Tier::Emulated,
    title: TITLE,
    why: WHY,
    needs: NEEDS_EMULATOR,
    remedies: REMEDIES,
    run: |subject| run(subject, Tier::Emulated),
};

fn run(subject: &Subject<'_>, tier: Tier) -> Answer {
    let computed = match computed(subject, tier) {
        Ok(computed) => computed,
        Err(answer) => return answer,
    };
    let own = computed.library.as_str();
    let stem = stem(own);
    let (mut told, mut other, mut silent) = (0, Vec::new(), Vec::new());
    // PyTorch has its own copy, at another place; whether it is the same is one of its runs.
    let telling = computed.cases.iter().filter(|case| case.said.right() > 0 && case.suite != pytorch::ID);
    for case in telling {
        let same: Vec<&String> = case.said.libraries.iter().filter(|path| self::stem(path) == stem).collect();
        match same.as_slice() {
            [] => silent.push(case.id()),
            [one] if **one == own => told += 1,
            several => {
                let paths: Vec<&str> = several.iter().map(|path| path.as_str()).collect();
                other.push(Evidence::new(case.id(), format!("it has {} mapped", paths.join(" and "))));
            }
        }
    }
    match (told, other.is_empty(), silent.is_empty()) {
        (_, false, _) => {
            let says = format!("{} cases computed with another than {own}", other.len());
            Answer::failed(says).with(other)
        }
        (0, true, true) => Answer::skipped("no case computed anything"),
        (0, true, false) => Answer::skipped("no case tells which libraries it has mapped"),
        (_, true, false) => {
            Answer::failed(format!("these cases do not tell that they have {own}: {}", some_of(&silent, 3)))
        }
        (told, true, true) => Answer::passed(format!("{told} cases have {own} mapped")),
    }
}

/// The name of a library up to its version: `libMIOpen`.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split_once(".so").map_or(name, |(stem, _)| stem)
}
