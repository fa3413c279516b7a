//! The name by which programs ask for the library.

use super::subject::{Provenance, Subject};
use super::{Answer, Check};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "soname",
    tier: Tier::Static,
    title: "the library has the name that programs ask for",
    why: "\
A program that was linked with the library holds its soname and asks the loader for that. A library with another one is never found by
programs that were linked with the distribution's or with AMD's, or is loaded beside it.",
    needs: "the library",
    remedies: &["see what `readelf -d` says of the library, and which name it was built with"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let library = match &subject.library.elf {
        Ok(library) => library,
        Err(error) => return Answer::failed(format!("it cannot be read: {error}")),
    };
    let file = subject.library.path.rsplit('/').next().unwrap_or_default();
    let Some(soname) = &library.soname else {
        return Answer::failed("it has no soname: nothing but its path finds it");
    };
    let evidence = vec![Evidence::new(&subject.library.path, format!("soname {soname}"))];
    // The file of a package is named by its recipe; elsewhere a fuller version may follow.
    let is_named = match subject.provenance {
        Provenance::Package(_) => file == soname,
        Provenance::Foreign => {
            file.strip_prefix(soname.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                || soname.strip_prefix(file).is_some_and(|rest| rest.starts_with('.'))
        }
    };
    match is_named {
        true => Answer::passed(soname.clone()).with(evidence),
        false => {
            Answer::failed(format!("the file is called {file}, programs ask for {soname}")).with(evidence)
        }
    }
}
