//! HIP runtimes of two majors in one process.

use std::collections::BTreeMap;

use super::{Conflict, Evidence, Rule, Scene, Severity, signature};
use crate::model::{FoundLibrary, LibraryPart};

pub(super) static RULE: Rule = Rule {
    id: "two-hip-runtimes",
    title: "libamdhip64 of two majors is loaded into one process",
    why: "\
Where a library needs libamdhip64.so.6 and the program libamdhip64.so.7, both are loaded, each with contexts, streams and
registered kernels of its own. What one made and the other is given means nothing to it: invalid device function, invalid resource
handle. Both may be installed; they must not meet in one process.",
    told_by: "\
a log says that libamdhip64.so.6 may conflict with libamdhip64.so.7. Before a build, what MIOpen and rocBLAS load is \
followed to its end",
    remedies: &[
        "build or install every library of the program for one major: ldd PROGRAM shows who needs which",
        "take the other root out of LD_LIBRARY_PATH and /etc/ld.so.conf.d",
    ],
    signatures: &[
        signature(
            r"warning: (?P<one>libamdhip64\.so\.\d+), needed by (?P<by>\S+), may conflict with (?P<two>libamdhip64\.so\.\d+)",
            "{by} needs {one}, and the program is linked with {two}",
        ),
        // What ldd says of one program.
        signature(r"\b(?P<library>libamdhip64\.so\.\d+) => ", "{other} and {library} are loaded into one program")
            .twice("library", 60)
            .hint(),
    ],
    covers: &[],
    check,
};

fn check(scene: &Scene<'_>) -> Vec<Conflict> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    let parts = [LibraryPart::Miopen, LibraryPart::Rocblas, LibraryPart::Hiprtc, LibraryPart::HipRuntime];
    for start in parts.into_iter().flat_map(|part| scene.inventory.libraries(part)) {
        let mut runtimes: BTreeMap<&str, (&FoundLibrary, &FoundLibrary)> = BTreeMap::new();
        let process = scene.inventory.closure(start);
        for by in &process {
            let needed = by.needed.iter().filter(|(name, _)| name.starts_with("libamdhip64.so."));
            let found =
                needed.filter_map(|(name, path)| Some((name, scene.inventory.library(path.as_ref()?)?)));
            for (name, runtime) in found {
                runtimes.entry(name).or_insert((by, runtime));
            }
        }
        if let [(one, (by, runtime)), (other, (also_by, also)), ..] = runtimes.iter().collect::<Vec<_>>()[..]
        {
            let conflict = RULE.conflict(
                Severity::Refuse,
                format!("{} loads both {one} and {other}", start.path),
                vec![
                    Evidence::new(&by.path, format!("needs {one} ({})", runtime.path)),
                    Evidence::new(&also_by.path, format!("needs {other} ({})", also.path)),
                ],
            );
            if conflicts.iter().all(|known| known.evidence != conflict.evidence) {
                conflicts.push(conflict);
            }
        }
    }
    conflicts
}
