//! Whether the library holds the texts of the kernels that it offers.

use super::subject::Subject;
use super::{Answer, Check};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "kernel-texts",
    tier: Tier::Static,
    title: "the library holds the source of each kernel that it offers on the target",
    why: "\
MIOpen compiles most kernels when they are first used, from texts inside the library. A distribution may leave some of them out, for
want of their real source, and forget the solvers that ask for them: those convolutions then fail with `Failed to load kernel source`.
The recipe says which texts belong to which solvers.

Only what the recipe names is looked for; the tier `kernels` compiles all of them.",
    needs: "a library of a recipe that says what it must hold",
    remedies: &["use a library that was built from the whole source: rdna-build miopen --target gfx1010"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let texts = &subject.library.texts;
    let gaps = subject.facts.into_iter().flat_map(|facts| &facts.gaps);
    let gaps: Vec<_> = gaps.filter(|gap| gap.concerns(subject.target) && texts.has(&gap.holds)).collect();
    if gaps.is_empty() {
        return Answer::skipped("the recipe names no text that this library would need");
    }
    let open: Vec<_> = gaps.iter().filter(|gap| !texts.has(&gap.needs)).collect();
    let evidence = open.iter().map(|gap| {
        Evidence::new(&gap.id, format!("it holds `{}` and not `{}`", gap.holds.trim(), gap.needs.trim()))
    });
    match open.first() {
        None => {
            let names: Vec<&str> = gaps.iter().map(|gap| gap.id.as_str()).collect();
            Answer::passed(names.join(", "))
        }
        Some(first) => Answer::failed(first.why.clone())
            .with(evidence.collect())
            .with_remedies(open.iter().filter_map(|gap| gap.remedy.clone()).chain(own_remedies()).collect()),
    }
}

fn own_remedies() -> impl Iterator<Item = String> {
    CHECK.remedies.iter().map(|remedy| (*remedy).to_owned())
}
