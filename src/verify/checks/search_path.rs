//! Where the library lets the loader search.

use super::subject::Subject;
use super::{Answer, Check};
use crate::model::{Evidence, Tier};

pub(super) static CHECK: Check = Check {
    id: "search-path",
    tier: Tier::Static,
    title: "the library searches only beside itself",
    why: "\
A search path inside the library (RUNPATH) is looked at before the system's folders. One that names a folder of the machine it was
built on finds nothing on others, or finds what anybody put there: that code then runs in every program that uses the library.
`$ORIGIN` stands for the library's own folder and is fine as long as it does not lead out of the package.",
    needs: "the library",
    remedies: &["build with CMAKE_INSTALL_RPATH empty or below $ORIGIN, and without CMAKE_INSTALL_RPATH_USE_LINK_PATH"],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let library = match &subject.library.elf {
        Ok(library) => library,
        Err(error) => return Answer::failed(format!("it cannot be read: {error}")),
    };
    if library.search.is_empty() {
        return Answer::passed("it has none, the system's folders are searched");
    }
    let objections = library.search.iter().filter_map(|folder| Some((folder, objection(folder)?)));
    let evidence: Vec<Evidence> = objections.map(|(folder, why)| Evidence::new(folder, why)).collect();
    match evidence.first() {
        None => Answer::passed(library.search.join(":")),
        Some(first) => Answer::failed(format!("it searches {}, which {}", first.place, first.says))
            .with(evidence.clone()),
    }
}

/// What is wrong with a folder.
fn objection(folder: &str) -> Option<&'static str> {
    let rest = folder.strip_prefix("$ORIGIN").or_else(|| folder.strip_prefix("${ORIGIN}"));
    let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return match folder.starts_with('/') {
            true => Some("is a folder of the machine it was built on"),
            false => Some("depends on where a program is started"),
        };
    };
    // The library lies one folder below the prefix, in lib/.
    let mut depth: i32 = 1;
    for part in rest.split('/').filter(|part| !part.is_empty() && *part != ".") {
        depth += if part == ".." { -1 } else { 1 };
        if depth < 0 {
            return Some("leads out of the package");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::objection;

    #[test]
    fn only_folders_below_the_prefix_are_fine() {
        for fine in ["$ORIGIN", "${ORIGIN}/../lib", "$ORIGIN/../lib/MIOpen/lib", "$ORIGIN/./x"] {
            assert_eq!(objection(fine), None, "{fine}");
        }
        for wrong in ["/opt/rocm/lib", "lib", "$ORIGIN/../..", "$ORIGIN/../x/../../y", "$ORIGINAL", ""] {
            assert!(objection(wrong).is_some(), "{wrong}");
        }
    }
}
