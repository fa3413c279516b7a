//! Which version of each package counts where several suites have one: apt's rule for `package/suite`.
//!
//! Every package has the version of the suite of the highest rank. One that is asked for from a suite has that suite's,
//! and so has what it depends on, but only where the version that would be taken otherwise is not enough.

use std::collections::HashMap;

use crate::model::nearest;

use super::DebianError;
use super::packages::{Field, PackageId, Packages};
use super::relation::{self, Relation};

/// Leaves one version of each package, and returns the names that were asked for, without their suites.
pub(super) fn choose(
    packages: &mut Packages,
    suites: &[String],
    asked: &[String],
) -> Result<Vec<String>, DebianError> {
    let mut instead = HashMap::new();
    let mut names = Vec::with_capacity(asked.len());
    for one in asked {
        let (name, suite) =
            one.split_once('/').map_or((one.as_str(), None), |(name, suite)| (name, Some(suite)));
        names.push(name.to_owned());
        let Some(suite) = suite else { continue };
        let position = suites.iter().position(|known| known == suite);
        match position.and_then(|position| Some((position, packages.find_in(name, position)?))) {
            Some((position, id)) => switch(packages, position, id, &mut instead)?,
            None => return Err(unknown(packages, suite, name)),
        }
    }
    packages.keep(&instead);
    Ok(names)
}

/// The error for a package that a suite does not have.
pub(super) fn unknown(packages: &Packages, suite: &str, name: &str) -> DebianError {
    let names = packages.ids().map(|id| packages.name(id));
    let meant = nearest(name, names).map(|near| format!("did you mean `{near}`?"));
    DebianError::UnknownPackage { suite: suite.to_owned(), name: name.to_owned(), meant }
}

/// Takes `id`, which is of `suite`, and from the same suite what it needs and would not get otherwise.
fn switch(
    packages: &Packages,
    suite: usize,
    id: PackageId,
    instead: &mut HashMap<String, PackageId>,
) -> Result<(), DebianError> {
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        if instead.insert(packages.name(id).to_owned(), id) == Some(id) {
            continue;
        }
        for field in [Field::PreDepends, Field::Depends] {
            let groups =
                relation::groups(packages.field(id, field)).map_err(|reason| DebianError::BadPackage {
                    package: packages.name(id).to_owned(),
                    reason: format!("its {field:?}: {reason}"),
                })?;
            for group in groups {
                let taken = |relation: &Relation<'_>| {
                    instead.get(relation.name).copied().or_else(|| packages.find(relation.name))
                };
                let admits = |relation: &Relation<'_>, id: PackageId| {
                    relation.admits(relation::version(packages.field(id, Field::Version)).as_ref())
                };
                // Another version of what is needed in any version would not help.
                let is_fine = |relation: &Relation<'_>| {
                    relation.bound.is_none() || taken(relation).is_some_and(|id| admits(relation, id))
                };
                if let Some(fine) = group.iter().find(|relation| is_fine(relation)) {
                    // What only this suite has needs its like in turn.
                    open.extend(taken(fine).filter(|id| packages.find_in(fine.name, suite) == Some(*id)));
                    continue;
                }
                let better = group.iter().find_map(|relation| {
                    packages.find_in(relation.name, suite).filter(|id| admits(relation, *id))
                });
                open.extend(better);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::packages::tests::{index, index_of};
    use super::super::release::Rank;
    use super::*;

    /// Versions left of all packages, by name.
    fn left(sid: &[&str], experimental: &[&str], asked: &[&str]) -> Result<Vec<String>, DebianError> {
        let mut packages = index_of(&[(sid, (0, Rank::Usual)), (experimental, (1, Rank::Last))]);
        let suites = ["sid".to_owned(), "experimental".to_owned()];
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        choose(&mut packages, &suites, &asked)?;
        Ok(packages
            .ids()
            .map(|id| format!("{} {}", packages.name(id), packages.field(id, Field::Version)))
            .collect())
    }

    #[test]
    fn experimental_gives_only_what_no_other_suite_has() {
        let found = left(&["aa 1", "bb 1"], &["aa 2", "cc 2"], &["aa"]).unwrap();
        assert_eq!(found, ["aa 1", "bb 1", "cc 2"]);
    }

    #[test]
    fn what_is_asked_for_by_suite_brings_along_what_it_needs_and_no_more() {
        let found = left(
            &["hip 6", "comgr 6", "libc 1", "half 1"],
            &[
                "hip 7; Depends: comgr (>= 7), libc (>= 1), half",
                "comgr 7; Depends: rt (= 7)",
                "rt 7",
                "libc 2",
                "half 2",
            ],
            &["hip/experimental"],
        );
        assert_eq!(found.unwrap(), ["comgr 7", "half 1", "hip 7", "libc 1", "rt 7"]);
    }

    #[test]
    fn what_only_that_suite_has_brings_along_what_it_needs_as_well() {
        let found = left(
            &["roctx 6", "rocblas 6"],
            &["rocblas 7; Depends: librocblas (= 7)", "librocblas 7; Depends: roctx (>= 7)", "roctx 7"],
            &["rocblas/experimental"],
        );
        assert_eq!(found.unwrap(), ["librocblas 7", "rocblas 7", "roctx 7"]);
    }

    #[test]
    fn of_two_suites_of_the_same_rank_the_higher_version_counts() {
        let mut packages =
            index_of(&[(&["aa 2", "bb 1"], (0, Rank::Usual)), (&["aa 1", "bb 2"], (1, Rank::Usual))]);
        choose(&mut packages, &["a".to_owned(), "b".to_owned()], &[]).unwrap();
        let version = |name| packages.field(packages.find(name).unwrap(), Field::Version);
        assert_eq!((version("aa"), version("bb")), ("2", "2"));
    }

    #[test]
    fn a_suite_without_the_package_is_named() {
        let error = left(&["hip 6"], &[], &["hip/experimental"]).unwrap_err();
        assert_eq!(error.to_string(), "suite `experimental` has no package `hip`");
        assert!(index(&["hip 6"]).find_in("hip", 1).is_none());
    }
}
