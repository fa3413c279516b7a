//! Whether the patches are in the library.

use super::subject::{HunkText, PatchSeen, Provenance, Subject};
use super::{Answer, Check, some_of};
use crate::model::{CallMark, Evidence, PatchMark, Tier};
use crate::verify::search::Found;

pub(super) static CHECK: Check = Check {
    id: "patch-marks",
    tier: Tier::Static,
    title: "each patch left its mark in the library",
    why: "\
A manifest says which patches were applied; the library itself shows it. The texts of kernels are in it as they were in the source, so
each place that a patch changes is looked for as it is afterwards, and must be there as often as files are changed so. A
patch of the library's own code shows in a text or in a constant that is passed to a function.

Of a foreign library the recipe's patches are asked for in the same way; what it lacks is what its owner will meet on this GPU. Patches
that leave nothing to be seen are named, and count for nothing.",
    needs: "a library of a recipe whose patches say what can be seen of them",
    remedies: &["build it with the patches: rdna-build miopen --target gfx1010"],
    run,
};

/// How many places of a patch are named.
const NAMED: usize = 3;

fn run(subject: &Subject<'_>) -> Answer {
    if subject.patches.is_empty() {
        return Answer::skipped(match subject.provenance {
            Provenance::Package(_) => "no patch was applied",
            Provenance::Foreign => "no recipe of this library is known",
        });
    }
    let mut evidence = Vec::new();
    let (mut there, mut not_there) = (0, Vec::new());
    for patch in &subject.patches {
        match standing(patch, &subject.library.texts) {
            Standing::There(says) => {
                there += 1;
                evidence.push(Evidence::new(patch.name, says));
            }
            Standing::NotThere(why) => {
                not_there.push(patch.name);
                evidence.push(Evidence::new(patch.name, why));
            }
            Standing::Unseen(why) => {
                evidence.push(Evidence::new(patch.name, format!("cannot be seen: {why}")))
            }
        }
    }
    let seen = there + not_there.len();
    let answer = match (seen, not_there.as_slice()) {
        (0, _) => Answer::skipped("none of the patches can be seen in the library"),
        (seen, []) => {
            Answer::passed(format!("{seen} of {} patches, the others leave none", subject.patches.len()))
        }
        (_, lacking) => {
            let says = match subject.provenance {
                Provenance::Package(_) => "applied, and not to be seen",
                Provenance::Foreign => "lacking",
            };
            Answer::failed(format!("{says}: {}", some_of(lacking, 8)))
        }
    };
    answer.with(evidence)
}

enum Standing {
    There(String),
    NotThere(String),
    /// Nothing can be said, and why.
    Unseen(String),
}

fn standing(patch: &PatchSeen<'_>, texts: &Found) -> Standing {
    let Some(traces) = patch.traces() else {
        return Standing::Unseen(match patch.mark {
            Some(PatchMark::Invisible { why }) => why.clone(),
            _ => "nobody said how".to_owned(),
        });
    };
    let (mut seen, mut wrong) = (Vec::new(), Vec::new());
    // Several files may be changed at the same words: each of them must be there.
    let times = |text: &Vec<u8>| patch.hunks.iter().filter(|hunk| hunk.after == *text).count();
    let lost = patch.hunks.iter().filter(|hunk| texts.count(&hunk.after) < times(&hunk.after));
    let lost = lost.filter(|hunk| !hunk.after.is_empty());
    let (unpatched, gone): (Vec<&HunkText>, Vec<&HunkText>) =
        lost.partition(|hunk| hunk.tells_apart() && texts.has(&hunk.before));
    for (what, hunks) in [("unpatched", unpatched), ("not in the library", gone)] {
        let places: Vec<String> = hunks.iter().map(|hunk| format!("{}:{}", hunk.file, hunk.line)).collect();
        if !places.is_empty() {
            wrong.push(format!("{what}: {}", some_of(&places, NAMED)));
        }
    }
    if !patch.hunks.is_empty() {
        seen.push(format!("{} changed places", patch.hunks.len()));
    }
    for text in &traces.present {
        match texts.has(text) {
            true => seen.push(format!("holds `{}`", text.trim())),
            false => wrong.push(format!("does not hold `{}`", text.trim())),
        }
    }
    for text in &traces.absent {
        match texts.has(text) {
            false => seen.push(format!("does not hold `{}`", text.trim())),
            true => wrong.push(format!("holds `{}`", text.trim())),
        }
    }
    match (&traces.call, &patch.calls) {
        (Some(call), Some(Ok(calls))) => match constant(call, calls) {
            Ok(says) => seen.push(says),
            Err(why) => wrong.push(why),
        },
        (Some(call), Some(Err(why))) => {
            wrong.push(format!("calls of {} cannot be read: {why}", call.function))
        }
        (Some(call), None) => {
            return Standing::Unseen(format!("calls of {} were not looked at", call.function));
        }
        (None, _) => {}
    }
    match (wrong.is_empty(), seen.is_empty()) {
        (false, _) => Standing::NotThere(wrong.join("; ")),
        (true, false) => Standing::There(seen.join("; ")),
        (true, true) => Standing::Unseen("it changes no text that the library holds".to_owned()),
    }
}

/// Whether every call passes the constant.
fn constant(call: &CallMark, calls: &[Option<u32>]) -> Result<String, String> {
    let CallMark { function, argument, value } = call;
    if calls.is_empty() {
        return Err(format!("{function} is never called"));
    }
    match calls.iter().find(|passed| **passed != Some(*value)) {
        None => Ok(format!("passes {value:#x} to {function}, {} times", calls.len())),
        Some(Some(other)) => {
            Err(format!("passes {other:#x} as argument {argument} of {function}, not {value:#x}"))
        }
        Some(None) => Err(format!("passes no constant as argument {argument} of {function}")),
    }
}
