//! What was compiled or tuned for the target before.

use super::subject::{Provenance, Subject};
use super::{Answer, Check, some_of};
use crate::model::{PackagedFile, Tier};

pub(super) static CHECK: Check = Check {
    id: "databases",
    tier: Tier::Static,
    title: "kernels and tuning results for the target come with the package",
    why: "\
A package may bring kernels that were compiled before (.kdb), the results of tuning (.db) and which solver was found fastest (.fdb.txt).
AMD ships none for RDNA1: MIOpen then compiles kernels at their first use, which takes seconds each, and measures what is fastest by
itself. That is slow once and never wrong. A database of another GPU under this one's name would be wrong, and is not made here.",
    needs: "a package",
    remedies: &[],
    run,
};

fn run(subject: &Subject<'_>) -> Answer {
    let Provenance::Package(package) = &subject.provenance else {
        return Answer::skipped("a foreign library comes without its files");
    };
    let patterns: Vec<&String> = subject.facts.into_iter().flat_map(|facts| &facts.databases).collect();
    if patterns.is_empty() {
        return Answer::skipped("the recipe knows of no databases");
    }
    let prefix = package.manifest.build.prefix.trim_matches('/');
    let wanted = patterns.iter().map(|pattern| pattern.replace("{target}", subject.target.as_str()));
    let wanted: Vec<String> = wanted.map(|pattern| format!("{prefix}/{pattern}")).collect();
    let found: Vec<&str> = package
        .files
        .iter()
        .filter(|file| matches!(file, PackagedFile::File { .. }))
        .map(PackagedFile::path)
        .filter(|path| wanted.iter().any(|pattern| fits(pattern, path)))
        .collect();
    match found.is_empty() {
        true => Answer::skipped(format!(
            "there is none for {}: kernels are compiled when they are first used",
            subject.target
        )),
        false => Answer::passed(some_of(&found, 6)),
    }
}

/// Whether a path fits a pattern in which `*` stands for any text without `/`.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == path };
    let rest = path.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    rest.is_some_and(|rest| !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stays_within_a_folder() {
        assert!(fits("share/db/gfx1010*.kdb", "share/db/gfx1010_36.kdb"));
        assert!(fits("share/db/gfx1010*.kdb", "share/db/gfx1010.kdb"));
        assert!(!fits("share/db/gfx1010*.kdb", "share/db/gfx1010/x.kdb"));
        assert!(!fits("share/db/gfx1010*.kdb", "share/db/gfx1030.kdb"));
        assert!(fits("share/x", "share/x") && !fits("share/x", "share/xy"));
    }
}
