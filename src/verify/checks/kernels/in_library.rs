//! Whether what was compiled is what the library holds.

use super::NEEDS;
use crate::model::{Evidence, Tier};
use crate::verify::checks::subject::Subject;
use crate::verify::checks::{Answer, Check, some_of};
use crate::verify::kernels::KernelsState;

pub(in crate::verify::checks) static CHECK: Check = Check {
    id: "kernels-in-library",
    tier: Tier::Kernels,
    title: "the kernels that were compiled are the texts in the library",
    why: "\
What is compiled here comes from the patched source, and what a user's machine compiles comes from texts inside the library. They should be the
same: every file is looked for in the library, in the pieces between its includes, which MIOpen replaces by what they name.",
    needs: NEEDS,
    remedies: &["build the library again from the source that is verified"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let matrices = match &subject.kernels {
        KernelsState::None { missing } => return Answer::skipped(missing),
        KernelsState::Compiled(matrices) => matrices,
    };
    let mut files: Vec<&str> =
        matrices.iter().flat_map(|matrix| &matrix.kernels).map(|kernel| kernel.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let mut lost: Vec<&str> =
        matrices.iter().flat_map(|matrix| &matrix.not_in_library).map(String::as_str).collect();
    lost.sort_unstable();
    lost.dedup();
    match (files.len(), lost.len()) {
        (0, _) => Answer::skipped(format!("the recipe lists no kernel for {}", subject.target)),
        (count, 0) => Answer::passed(format!("{count} files")),
        (count, gone) => Answer::failed(format!("{gone} of {count} are not: {}", some_of(&lost, 3))).with(
            lost.iter().map(|file| Evidence::new(file, "the library holds another text, or none")).collect(),
        ),
    }
}
