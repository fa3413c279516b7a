//! Whether the library exports what its headers promise.

use super::subject::{Provenance, Subject};
use super::{Answer, Check, some_of};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "exported-api",
    tier: Tier::Static,
    title: "every function of the headers is exported",
    why: "\
Programs are compiled with the headers and meet the library when they start. A function that is declared and not exported, because an
option or a patch left it out, ends them there. The headers are those of the package, which come from the same source.",
    needs: "a package with headers, and a recipe that says which ones",
    remedies: &["see which option or patch leaves them out; a build without the patches exports them"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let Some(api) = subject.facts.and_then(|facts| facts.api.as_ref()) else {
        return Answer::skipped("the recipe does not say which headers declare the library's functions");
    };
    let Provenance::Package(package) = &subject.provenance else {
        return Answer::skipped("a foreign library comes without its headers");
    };
    let exports = match &subject.library.exports {
        Ok(exports) => exports,
        Err(error) => return Answer::failed(format!("its symbols cannot be read: {error}")),
    };
    let (declared, missing) = package.declared(&api.marker);
    if !missing.is_empty() {
        return Answer::failed(format!("the package lacks its header {}", some_of(&missing, 3)));
    }
    if declared.is_empty() {
        return Answer::failed(format!("no function is declared behind `{}` in the headers", api.marker));
    }
    let lost: Vec<&str> = declared.difference(exports).map(String::as_str).collect();
    match lost.is_empty() {
        true => Answer::passed(format!("all {} functions of {}", declared.len(), api.headers.join(", "))),
        false => Answer::failed(format!("not exported: {}", some_of(&lost, 4)))
            .with(lost.iter().map(|name| Evidence::new(name, "declared, not exported")).collect()),
    }
}
